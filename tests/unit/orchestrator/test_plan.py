"""The plan: how every cell stands against the store, and what a run would train."""

from collections.abc import Mapping
from typing import Any

import pytest

from grids.catalogue import Catalogue, Entry
from grids.cell import Cell, Component
from orchestrator.plan import Standing, make_plan, producers
from orchestrator.store.index import CellState, IndexEntry
from orchestrator.store.records import CollisionError

CODE = "c0de"


def catalogue(needs: list[Mapping[str, Any]] | None = None) -> Catalogue:
    return Catalogue(
        methods=(
            Entry(name="dense"),
            Entry(name="set"),
            Entry(name="lth", traits={"needs": needs or []}),
        ),
        allocations=(Entry(name="erk"),),
        scenarios=(Entry(name="clean"),),
        datasets=(Entry(name="digits"),),
        models=(Entry(name="mlp"),),
    )


def cell(method: str = "set", seed: int = 0, density: str = "0.1") -> Cell:
    return Cell(
        method=Component(name=method),
        density=density,
        dataset=Component(name="digits"),
        model=Component(name="mlp"),
        seed=seed,
    )


def answered(one: Cell, state: str = "COMPLETED", code: str = CODE) -> dict[str, CellState]:
    entry = IndexEntry(
        cell=one.id,
        attempt="20261120T000000.000000Z-00000000",
        state=state,
        started_at="2026-11-20T00:00:00.000000Z",
        finished_at="2026-11-20T00:00:01.000000Z",
        code=code,
    )
    failures = int(state != "COMPLETED")
    return {
        one.id: CellState(
            canonical=one.canonical(), answer=entry, attempts=1, failures=failures, hot=True
        )
    }


def test_an_empty_store_makes_every_cell_new() -> None:
    plan = make_plan([cell(seed=0), cell(seed=1)], catalogue(), {}, CODE)
    assert plan.counts()[Standing.NEW] == 2
    assert [[member.seed for member in wave] for wave in plan.waves()] == [[0, 1]]


def test_a_completed_cell_is_done_and_not_trained_again() -> None:
    plan = make_plan([cell(seed=0), cell(seed=1)], catalogue(), answered(cell(seed=0)), CODE)
    assert (plan.counts()[Standing.DONE], plan.to_train()) == (1, [cell(seed=1)])


@pytest.mark.parametrize("state", ["FAILED", "INVALID", "OUT_OF_MEMORY"])
def test_a_failed_cell_waits_for_a_retry(state: str) -> None:
    index = answered(cell(), state)
    assert make_plan([cell()], catalogue(), index, CODE).to_train() == []
    assert make_plan([cell()], catalogue(), index, CODE, retry=[state]).to_train() == [cell()]


@pytest.mark.parametrize("state", ["CANCELLED", "TIMEOUT", "PREEMPTED", "NODE_FAIL"])
def test_an_interrupted_cell_is_new_again(state: str) -> None:
    assert make_plan([cell()], catalogue(), answered(cell(), state), CODE).to_train() == [cell()]


def test_answers_of_other_code_are_kept_unless_told_otherwise() -> None:
    index = answered(cell(), code="older")
    plan = make_plan([cell()], catalogue(), index, CODE)
    assert (plan.counts()[Standing.OTHER_CODE], plan.to_train()) == (1, [])
    assert make_plan([cell()], catalogue(), index, CODE, rerun_stale=True).to_train() == [cell()]


def test_a_cell_that_a_living_run_trains_is_left_to_it() -> None:
    plan = make_plan([cell()], catalogue(), {}, CODE, running={cell().id})
    assert (plan.counts()[Standing.RUNNING], plan.to_train()) == (1, [])


def test_neither_is_an_answer_of_other_code_that_a_living_run_replaces() -> None:
    index = answered(cell(), code="older")
    running = {cell().id}
    plan = make_plan([cell()], catalogue(), index, CODE, running=running, rerun_stale=True)
    assert plan.to_train() == []


def test_a_producer_that_another_run_trains_is_waited_for() -> None:
    need = {"method": "dense", "density": "1"}
    running = {cell("dense", density="1").id}
    plan = make_plan([cell("lth")], catalogue([need]), {}, CODE, running=running)
    assert plan.to_train() == []
    assert plan.cells[-1].reason == "its producer dense seed=0 is being trained by another run"


def test_a_missing_producer_is_added_and_trained_a_wave_earlier() -> None:
    need = {"method": "dense", "density": "1"}
    plan = make_plan([cell("lth")], catalogue([need]), {}, CODE)
    first, second = plan.waves()
    assert first == [cell("dense", density="1")]
    assert second == [cell("lth")]
    assert [entry.produced_for for entry in plan.cells] == [True, False]


def test_a_producer_that_the_grid_has_anyway_is_one_cell() -> None:
    dense = cell("dense", density="1")
    plan = make_plan([cell("lth"), dense], catalogue([dense.canonical()]), {}, CODE)
    assert [entry.cell for entry in plan.cells] == [dense, cell("lth")]
    assert not any(entry.produced_for for entry in plan.cells)


def test_a_failed_producer_blocks_its_consumers_and_says_so() -> None:
    need = {"method": "dense", "density": "1"}
    index = answered(cell("dense", density="1"), "FAILED")
    plan = make_plan([cell("lth")], catalogue([need]), index, CODE)
    assert plan.to_train() == []
    assert plan.cells[-1].standing is Standing.BLOCKED
    assert plan.cells[-1].reason == "its producer dense seed=0 failed"


def test_a_retried_producer_no_longer_blocks() -> None:
    need = {"method": "dense", "density": "1"}
    index = answered(cell("dense", density="1"), "FAILED")
    plan = make_plan([cell("lth")], catalogue([need]), index, CODE, retry=["FAILED"])
    assert [len(wave) for wave in plan.waves()] == [1, 1]


def test_a_producer_differs_only_in_what_is_substituted() -> None:
    [dense] = producers(cell("lth", seed=3), catalogue([{"method": "dense", "density": "1"}]))
    assert dense == cell("dense", seed=3, density="1")


def test_another_cell_under_the_same_id_is_an_error() -> None:
    index = answered(cell(seed=1))
    [state] = index.values()
    with pytest.raises(CollisionError, match="two different cells carry the id"):
        make_plan([cell(seed=0)], catalogue(), {cell(seed=0).id: state}, CODE)


def test_one_cell_of_every_method_goes_ahead_when_asked() -> None:
    cells = [cell(method, seed=seed) for method in ("set", "dense") for seed in range(3)]
    ahead, others = make_plan(cells, catalogue(), {}, CODE, canary=True).waves()
    assert ahead == [cell("set", seed=0), cell("dense", seed=0)]
    assert others == [cell(m, seed=seed) for m in ("set", "dense") for seed in (1, 2)]


def test_a_canary_that_failed_blocks_its_own_method_only() -> None:
    cells = [cell(method, seed=seed) for method in ("set", "dense") for seed in range(2)]
    plan = make_plan(cells, catalogue(), answered(cells[0], "FAILED"), CODE, canary=True)
    blocked = [entry for entry in plan.cells if entry.standing is Standing.BLOCKED]
    assert [entry.cell for entry in blocked] == [cell("set", seed=1)]
    assert plan.waves() == [[cell("dense", seed=0)], [cell("dense", seed=1)]]


def test_a_method_that_has_results_needs_no_canary() -> None:
    cells = [cell("set", seed=seed) for seed in range(3)]
    plan = make_plan(cells, catalogue(), answered(cells[1]), CODE, canary=True)
    assert plan.waves() == [[cell("set", seed=0), cell("set", seed=2)]]


def test_what_a_canary_needs_goes_before_it() -> None:
    need = {"method": "dense", "density": "1"}
    cells = [cell("lth", seed=seed) for seed in range(2)]
    waves = make_plan(cells, catalogue([need]), {}, CODE, canary=True).waves()
    assert waves == [
        [cell("dense", seed=0, density="1"), cell("dense", seed=1, density="1")],
        [cell("lth", seed=0)],
        [cell("lth", seed=1)],
    ]
