"""What a run may use at most: refused beforehand when its forecast says that it will not do.

While a run goes its workers keep the budget themselves (`orchestrator.worker.spending`), so nothing
exceeds it whatever the forecast was. Beforehand a run is refused whose upper end exceeds it. Where
nothing tells the durations there is nothing to compare: on workers that somebody waits for the run
begins, and what its first packs measure is compared before the others; what a scheduler is given
is given at once, so there the time limits of all jobs must fit, or the run is refused.
"""

import math
from dataclasses import dataclass

from orchestrator.planning.forecast import Forecast, Interval, Target


class BudgetError(ValueError):
    """A run may not begin: it would not keep within its budget, or the budget makes no sense."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What a run may use.

    Attributes:
        hours: Device-hours: of GPUs, or the fraction of one, and without GPUs of workers.
        flag: How it was given: "--max-gpu-hours" or "--max-device-hours".
    """

    hours: float
    flag: str

    def __str__(self) -> str:
        return f"{self.flag} {self.hours:g}"


def budget_of(gpu_hours: float | None, device_hours: float | None) -> Budget | None:
    """The budget that was asked for; None for none.

    Raises:
        BudgetError: When both are given, or one is not above 0.
    """
    if gpu_hours is not None and device_hours is not None:
        raise BudgetError("--max-gpu-hours and --max-device-hours are one budget: give one of them")
    flag = "--max-gpu-hours" if gpu_hours is not None else "--max-device-hours"
    hours = device_hours if gpu_hours is None else gpu_hours
    if hours is None:
        return None
    if not (hours > 0 and math.isfinite(hours)):
        raise BudgetError(f"{flag} {hours:g}: allowed: a number of hours above 0")
    return Budget(hours=hours, flag=flag)


def check_budget(
    budget: Budget, target: Target, found: Forecast | None, limit_hours: float | None = None
) -> None:
    """Refuse a run that may not keep within its budget.

    Args:
        budget: The budget.
        target: Where the run will be carried out.
        found: Its forecast; None when nothing is to be trained.
        limit_hours: Device-hours of all its jobs by their time limits, where a scheduler takes
            them all at once; else None.

    Raises:
        BudgetError: With the numbers, and what would do.
    """
    if budget.flag == "--max-gpu-hours" and not target.gpus:
        raise BudgetError(
            f"{budget}: this run asks for no GPUs, so it would bound nothing; allowed: "
            "--max-device-hours, by which hours of workers are counted"
        )
    if found is None:
        return
    if found.held_hours is not None and found.held_hours.high > budget.hours:
        raise BudgetError(_too_much(budget, found, found.held_hours))
    if found.unknown and limit_hours is not None and limit_hours > budget.hours:
        raise BudgetError(
            f"{budget}: {found.unknown} of {found.cells} cells were never measured, and by the "
            f"time limits of its jobs this run could use {limit_hours:.3g} device-hours; measure "
            f"a few cells first (--set seeds=1), or allow {_rounded_up(limit_hours)}"
        )


def _too_much(budget: Budget, found: Forecast, hours: Interval) -> str:
    fitting = int((found.cells - found.unknown) * budget.hours / hours.high)
    return (
        f"{budget}: the forecast is {hours.expected:.3g} device-hours, between {hours.low:.3g} and "
        f"{hours.high:.3g} with {100 * found.level:.0f} %, for {found.cells - found.unknown} "
        f"cells and the starts of their workers; about {fitting} of them would fit. Ask for fewer "
        f"(--set seeds=...), or allow {_rounded_up(hours.high)}"
    )


def _rounded_up(hours: float) -> str:
    """Hours with two digits, none of them rounded down."""
    digit = 10.0 ** (math.floor(math.log10(hours)) - 1)
    return f"{math.ceil(hours / digit) * digit:.2g}"
