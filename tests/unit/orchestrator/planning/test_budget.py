"""Budgets: refused with the numbers and a way out, never ignored."""

import pytest

from orchestrator.planning.budget import Budget, BudgetError, budget_of, check_budget
from orchestrator.planning.forecast import Forecast, Interval, Target

GPU = Target(gpus=1.0)


def a_forecast(high: float | None, *, unknown: int = 0) -> Forecast:
    hours = None if high is None else Interval(expected=0.75 * high, low=0.5 * high, high=high)
    return Forecast(
        cells=100, unknown=unknown, workers=2, gpus=1.0, queued=False, level=0.9,
        device_hours=None, wall_seconds=None, held_hours=hours, notes=(),
    )  # fmt: skip


def test_one_of_two_flags_makes_a_budget() -> None:
    assert budget_of(None, None) is None
    assert budget_of(2.0, None) == Budget(hours=2.0, flag="--max-gpu-hours")
    assert budget_of(None, 2.0) == Budget(hours=2.0, flag="--max-device-hours")


@pytest.mark.parametrize("given", [(1.0, 1.0), (0.0, None), (None, -1.0), (float("nan"), None)])
def test_two_budgets_or_none_above_zero_are_refused(given: tuple[float, float]) -> None:
    with pytest.raises(BudgetError, match=r"give one of them|above 0"):
        budget_of(*given)


def test_gpu_hours_bound_nothing_where_there_are_no_gpus() -> None:
    budget = Budget(hours=10.0, flag="--max-gpu-hours")
    with pytest.raises(BudgetError, match="allowed: --max-device-hours"):
        check_budget(budget, Target(), a_forecast(1.0))
    check_budget(Budget(hours=10.0, flag="--max-device-hours"), Target(), a_forecast(1.0))


def test_the_upper_end_must_be_within_the_budget() -> None:
    check_budget(Budget(hours=4.0, flag="--max-gpu-hours"), GPU, a_forecast(4.0))
    with pytest.raises(BudgetError) as refused:
        check_budget(Budget(hours=3.0, flag="--max-gpu-hours"), GPU, a_forecast(4.01))
    said = str(refused.value)
    assert "the forecast is 3.01 device-hours, between 2 and 4.01 with 90 %" in said
    assert "about 74 of them would fit" in said
    assert said.endswith("or allow 4.1")


def test_what_is_known_of_a_part_may_refuse_the_whole() -> None:
    budget = Budget(hours=3.0, flag="--max-gpu-hours")
    with pytest.raises(BudgetError, match="for 60 cells and the starts"):
        check_budget(budget, GPU, a_forecast(4.0, unknown=40))


def test_unknown_cells_begin_where_somebody_waits_and_not_where_all_is_queued_at_once() -> None:
    budget = Budget(hours=3.0, flag="--max-gpu-hours")
    unknown = a_forecast(None, unknown=100)
    check_budget(budget, GPU, unknown)
    check_budget(budget, GPU, unknown, limit_hours=3.0)
    with pytest.raises(BudgetError, match="could use 64 device-hours; measure a few cells first"):
        check_budget(budget, GPU, unknown, limit_hours=64.0)


def test_nothing_to_train_is_within_any_budget() -> None:
    check_budget(Budget(hours=1e-9, flag="--max-gpu-hours"), GPU, None)
