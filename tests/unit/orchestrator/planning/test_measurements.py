"""What a store tells of durations: blocks, places, occasions, and the starts of workers."""

from typing import Any

import pytest

from orchestrator.planning.cost import kind_of, kind_of_state
from orchestrator.planning.measurements import born, measured, place_of, start_of_run
from orchestrator.store.index import CellState
from orchestrator.store.index_part import IndexEntry
from tests.support.grids import a_cell

WORKER = "20261120T120000.000000Z-00000001"
LATER = "20261120T140000.000000Z-00000002"


def at(clock: str) -> str:
    return f"2026-11-20T{clock}.000000Z"


def state(method: str, seed: int, **given: Any) -> CellState:
    cell = a_cell(method, seed=seed)
    entry = IndexEntry(
        cell=cell.id,
        **{
            "attempt": WORKER, "state": "COMPLETED", "started_at": at("12:00:04"),
            "finished_at": at("12:00:10"), "seconds": 2.0, "stack_width": 3, "device": "cpu",
            "machine": "m", "host": "h", "grid": "digits", **given,
        },
    )  # fmt: skip
    return CellState.of(cell.canonical_json(), (entry,))


def test_cells_that_stepped_together_are_one_observation_of_each_kind() -> None:
    states = [state("set", 0), state("set", 1), state("rigl", 0)]
    found = measured(states).blocks
    assert [(block.kind[1], block.cells, block.width) for block in found] == [
        ("rigl", 1, 3),
        ("set", 2, 3),
    ]
    assert {block.place for block in found} == {"cpu m"}


def test_what_did_not_complete_tells_nothing() -> None:
    assert measured([state("set", 0, state="FAILED"), state("set", 1, seconds=None)]).blocks == ()


def test_a_start_is_what_no_block_of_the_worker_covers() -> None:
    second = {"started_at": at("12:00:11"), "finished_at": at("12:00:20")}
    assert measured([state("set", 0), state("set", 1, **second)]).starts == (5.0,)


def test_a_pause_or_another_machine_is_another_occasion() -> None:
    later = {"attempt": LATER, "started_at": at("14:00:01"), "finished_at": at("14:00:05")}
    elsewhere = {"attempt": "20261120T120001.000000Z-00000003", "host": "other"}
    soon = {"attempt": "20261120T120900.000000Z-00000004", "started_at": at("12:09:01")}
    states = [
        state("set", 0),
        state("set", 1, **later),
        state("set", 2, **elsewhere),
        state("set", 3, **soon, finished_at=at("12:09:09")),
    ]
    numbers = {block.worker: block.occasion for block in measured(states).blocks}
    assert len(set(numbers.values())) == 3
    assert numbers[WORKER] == numbers[soon["attempt"]]


def test_a_place_is_a_gpu_or_a_type_of_cpu() -> None:
    assert place_of("cpu", "x86_64 EPYC") == "cpu x86_64 EPYC"
    assert place_of("NVIDIA H100", "x86_64 EPYC") == "NVIDIA H100"


def test_an_attempt_is_born_when_its_id_says() -> None:
    assert born("19700101T000100.500000Z-abcd") == 60.5
    assert born("somebody else's name") is None


def test_a_run_starts_when_its_first_worker_does() -> None:
    index = {one.cell: one for one in (state("set", 0), state("set", 1, attempt=LATER))}
    assert start_of_run(index, "digits", at("11:59:50")) == 10.0
    assert start_of_run(index, "digits", at("12:30:00")) == 5400.0
    assert start_of_run(index, "another", at("11:59:50")) == 0.0
    assert start_of_run(index, "digits", "") == 0.0


@pytest.mark.parametrize("changed", [{}, {"scenario": "el2n"}, {"recipe": (("epochs", 3),)}])
def test_a_record_has_the_kind_of_its_cell(changed: dict[str, Any]) -> None:
    from grids.cell import Component

    if "scenario" in changed:
        changed = {"scenario": Component(name="el2n", options=(("seed", 7),))}
    cell = a_cell("rigl", seed=12, semantics=(("method", 2),), **changed)
    entry = IndexEntry(cell.id, "a", "COMPLETED", at("12:00:00"), at("12:00:01"))
    assert kind_of_state(CellState.of(cell.canonical_json(), (entry,))) == kind_of(cell)
