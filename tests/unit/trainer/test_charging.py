"""What cells are charged: in sum the seconds and the joules that were taken, and nothing twice."""

from typing import Any

import pytest

from tests.support.cells import make_cell, train
from trainer.outcome import Outcome
from trainer.reporting import BlockClock, Taken

CELLS = [make_cell("static", seed=seed) for seed in range(4)]


class Clock:
    """Time that passes only where a test lets it, on a device that takes 100 watts."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    monotonic = process_time = time

    def energy(self) -> tuple[float, int]:
        return 100.0 * self.now, 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("trainer.reporting.time", clock)
    return clock


def charged(clock: Clock, *cells: Any) -> dict[str, Outcome]:
    """The outcomes of a pack; energy is always that of the seconds."""
    outcomes = train(*cells, energy=clock.energy, inputs={})
    for outcome in outcomes.values():
        assert outcome.energy_j == pytest.approx(100.0 * outcome.seconds)
    return outcomes


def seconds_of(outcomes: dict[str, Outcome], cells: Any) -> list[float]:
    return [outcomes[cell.id].seconds for cell in cells]


@pytest.fixture
def one_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """All cells step together, and no time goes into the search for a width."""
    monkeypatch.setattr("trainer.engines.auto._search", lambda w, c, candidates: candidates[0])


def test_load_failures_share_what_the_load_took(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    def slow(*_: Any) -> None:
        clock.now += 2.0
        raise OSError("the data is gone")

    monkeypatch.setattr("trainer.run.load_workload", slow)
    outcomes = charged(clock, *CELLS)
    assert {outcome.error["phase"] for outcome in outcomes.values() if outcome.error} == {"load"}
    assert seconds_of(outcomes, CELLS) == pytest.approx([0.5] * 4)


def test_all_cells_of_a_stack_that_broke_pay_for_it(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, one_stack: None
) -> None:
    from trainer.engines.stack import StackEngine
    from trainer.loop import BlockLoop

    backward, run = StackEngine.backward, BlockLoop.run

    def broken_together(self: Any, indices: Any, step: int) -> Any:
        if len(self.cells) > 1:
            clock.now += 8.0
            raise MemoryError("too big together")
        return backward(self, indices, step)

    def slow_alone(self: BlockLoop, control: Any) -> bool:
        clock.now += 1.0 + self.runs[0].cell.seed if len(self.runs) == 1 else 0.0
        return run(self, control)

    monkeypatch.setattr(StackEngine, "backward", broken_together)
    monkeypatch.setattr(BlockLoop, "run", slow_alone)
    outcomes = charged(clock, *CELLS)
    assert {outcome.state for outcome in outcomes.values()} == {"COMPLETED"}
    assert seconds_of(outcomes, CELLS) == pytest.approx([3.0, 4.0, 5.0, 6.0])


def test_cells_that_cannot_be_prepared_pay_their_share_until_then(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, one_stack: None
) -> None:
    from trainer.cell_run import CellRun
    from trainer.loop import BlockLoop

    run = BlockLoop.run
    bad = [make_cell("set", seed=seed, options={"drop_fraction": 7.0}) for seed in range(3)]
    good = make_cell("set")

    def slow_to_fail(cell: Any, *given: Any) -> CellRun:
        clock.now += 0.4 if cell in bad else 0.0
        return CellRun(cell, *given)

    def slow(self: BlockLoop, control: Any) -> bool:
        clock.now += 10.0
        return run(self, control)

    monkeypatch.setattr("trainer.block.CellRun", slow_to_fail)
    monkeypatch.setattr(BlockLoop, "run", slow)
    outcomes = charged(clock, good, *bad)
    assert [outcomes[cell.id].state for cell in bad] == ["FAILED"] * 3
    assert seconds_of(outcomes, [good, *bad]) == pytest.approx([10.3, 0.3, 0.3, 0.3])


def test_a_gap_makes_its_block_unknown_and_no_other() -> None:
    told = iter([(0.0, 0), (5.0, 1), (5.0, 1), (9.0, 1)])
    first = BlockClock("stack", "cpu", lambda: next(told))
    assert first.share(1).energy_j is None
    assert BlockClock("stack", "cpu", lambda: next(told)).share(2).energy_j == 2.0


def test_shares_of_what_nobody_told_stay_unknown() -> None:
    unknown = Taken(seconds=2.0, device_seconds=1.0, energy_j=None)
    assert unknown.shared(4) == Taken(seconds=0.5, device_seconds=0.25, energy_j=None)
    assert Taken(energy_j=3.0).plus(unknown).energy_j is None
