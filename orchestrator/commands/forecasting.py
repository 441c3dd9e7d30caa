"""How forecasts are written, and what came of them."""

import time
from typing import TYPE_CHECKING, Any

from orchestrator.commands.arguments import device_time, duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.planning.forecast import Forecast, Interval
    from orchestrator.watching.outturn import Outturn

_SHORT_SECONDS = 600.0  # up to which moments are told with their seconds


def forecast_lines(found: "Forecast | None", *, pilot: bool, now: float | None = None) -> list[str]:
    """A forecast for a person: what it costs, when it is done, how that was found.

    Args:
        found: The forecast; None when nothing is to be trained.
        pilot: Whether a run measures a pilot first.
        now: When the run would begin, in seconds since 1970; by default now.
    """
    if found is None:
        return []
    until = "until the pilot has run" if pilot else "until some of their kind have run"
    if found.device_hours is None:
        return [f"cost: unknown {until}"]
    known = found.cells - found.unknown
    text = f"cost: about {_between(found.device_hours)}"
    if found.unknown:
        text += f" for {known} cells; of {found.unknown} others unknown {until}"
    elif found.wall_seconds is not None:
        text += f", {_done(found, found.wall_seconds, time.time() if now is None else now)}"
    return [text, *(f"      {note}" for note in found.notes)]


def outturn_line(found: "Outturn") -> str:
    """What a submission took beside its forecast, in one line; "" when nothing was forecast."""
    expected = found.forecast.get("device_hours")
    if not expected or not found.attempts:
        return ""
    cells = found.forecast["cells"] - found.forecast["unknown"]
    told = device_time(expected["expected"], (expected["low"], expected["high"]))
    return (
        f"run {found.number}: forecast {told} for {cells} cells{_forecast_end(found.forecast)}; "
        f"took {device_time(found.device_hours)} for {found.attempts} attempts in "
        f"{duration(found.wall_seconds)}"
    )


def budget_line(budget: float | None, used: float | None) -> str:
    """What the workers of a submission used of its budget, in one line; "" without a budget."""
    if budget is None or used is None:
        return ""
    return f"budget {device_time(budget)}; held {device_time(used)}, starts included"


def _between(found: "Interval") -> str:
    return device_time(found.expected, (found.low, found.high))


def _done(found: "Forecast", wall: "Interval", now: float) -> str:
    workers = f"{found.workers} worker{'s' if found.workers > 1 else ''}"
    text = f"done in about {duration(wall.expected)} at {workers}"
    if found.queued:
        return f"{text} ({duration(wall.low)} to {duration(wall.high)}), plus waiting in the queue"
    fine = wall.high < _SHORT_SECONDS
    around, low, high = (
        _clock(now, seconds, fine) for seconds in (wall.expected, wall.low, wall.high)
    )
    return f"{text}: around {around}, with {100 * found.level:.0f} % between {low} and {high}"


def _clock(now: float, seconds: float, fine: bool) -> str:
    """A moment on the clock of this machine, with its day where that is another."""
    day, moment = time.localtime(now), time.localtime(now + seconds)
    same = (day.tm_year, day.tm_yday) == (moment.tm_year, moment.tm_yday)
    clock = "%H:%M:%S" if fine else "%H:%M"
    return time.strftime(clock if same else f"%d %b {clock}", moment)


def _forecast_end(plain: "Mapping[str, Any]") -> str:
    wall = plain.get("wall_seconds")
    return f" in {duration(wall['expected'])}" if wall else ""
