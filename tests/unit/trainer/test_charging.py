"""What cells are charged: in sum the seconds and the joules that were taken, and nothing twice."""

import time
from typing import Any

import pytest

from tests.support.cells import make_cell, train
from trainer.outcome import Outcome
from trainer.reporting import BlockClock, Taken

CELLS = [make_cell("static", seed=seed) for seed in range(4)]
WATTS = 100.0


class Power:
    """A device that takes 100 watts, and keeps when it was asked."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def total(self) -> tuple[float, int]:
        return WATTS * (time.monotonic() - self._began), 0


def charged(*cells: Any, **request: Any) -> tuple[dict[str, Outcome], float]:
    """The outcomes of a pack, and its wall seconds."""
    began = time.monotonic()
    outcomes = train(*cells, energy=Power().total, inputs={}, **request)
    return outcomes, time.monotonic() - began


def check_sums(outcomes: dict[str, Outcome], *, least: float, most: float) -> None:
    """Seconds lie between, and energy is that of the same seconds."""
    seconds = sum(outcome.seconds for outcome in outcomes.values())
    assert least <= seconds <= most
    for outcome in outcomes.values():
        assert outcome.energy_j == pytest.approx(WATTS * outcome.seconds, rel=0.1, abs=0.5)


@pytest.fixture
def one_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """All cells step together, and no time goes into the search for a width."""
    monkeypatch.setattr("trainer.engines.auto._search", lambda w, c, candidates: candidates[0])


def test_load_failures_share_what_the_load_took(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: Any) -> None:
        time.sleep(0.3)
        raise OSError("the data is gone")

    monkeypatch.setattr("trainer.run.load_workload", slow)
    outcomes, wall = charged(*CELLS)
    assert {outcome.error["phase"] for outcome in outcomes.values() if outcome.error} == {"load"}
    check_sums(outcomes, least=0.3, most=wall)
    assert {outcome.seconds for outcome in outcomes.values()} == {outcomes[CELLS[0].id].seconds}


def test_all_cells_of_a_stack_that_broke_pay_for_it(
    monkeypatch: pytest.MonkeyPatch, one_stack: None
) -> None:
    from trainer.engines.stack import StackEngine

    original = StackEngine.backward

    def backward(self: Any, indices: Any, step: int) -> Any:
        if len(self.cells) > 1:
            time.sleep(0.8)
            raise MemoryError("too big together")
        return original(self, indices, step)

    monkeypatch.setattr(StackEngine, "backward", backward)
    outcomes, wall = charged(*CELLS)
    assert {outcome.state for outcome in outcomes.values()} == {"COMPLETED"}
    assert all(outcome.seconds >= 0.2 for outcome in outcomes.values())
    check_sums(outcomes, least=0.8, most=wall)


def test_cells_that_cannot_be_prepared_pay_their_share_until_then(
    monkeypatch: pytest.MonkeyPatch, one_stack: None
) -> None:
    from trainer.loop import BlockLoop

    original = BlockLoop.run

    def run(self: BlockLoop, control: Any) -> bool:
        time.sleep(0.8)
        return original(self, control)

    monkeypatch.setattr(BlockLoop, "run", run)
    bad = [make_cell("set", seed=seed, options={"drop_fraction": 7.0}) for seed in range(3)]
    good = make_cell("set")
    outcomes, wall = charged(good, *bad)
    assert [outcomes[cell.id].state for cell in bad] == ["FAILED"] * 3
    check_sums(outcomes, least=0.8, most=wall)
    assert outcomes[good.id].seconds >= 0.8


def test_a_gap_makes_its_block_unknown_and_no_other() -> None:
    told = iter([(0.0, 0), (5.0, 1), (5.0, 1), (9.0, 1)])
    first = BlockClock("stack", "cpu", lambda: next(told))
    assert first.share(1).energy_j is None
    assert BlockClock("stack", "cpu", lambda: next(told)).share(2).energy_j == 2.0


def test_shares_of_what_nobody_told_stay_unknown() -> None:
    unknown = Taken(seconds=2.0, device_seconds=1.0, energy_j=None)
    assert unknown.shared(4) == Taken(seconds=0.5, device_seconds=0.25, energy_j=None)
    assert Taken(energy_j=3.0).plus(unknown).energy_j is None
