"""The plan: how every cell stands against the store, and what a run would train."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest

from grids.catalogue import Catalogue, Entry
from grids.cell import Cell, Component
from orchestrator.planning.needs import needs_of
from orchestrator.planning.plan import Known, Plan, Standing, Wishes, make_plan
from orchestrator.store.index import DISAGREEMENT, CellState
from orchestrator.store.index_part import IndexEntry
from orchestrator.store.records import CollisionError

CODE = "c0de"


def catalogue(needs: list[Mapping[str, Any]] | None = None) -> Catalogue:
    return Catalogue(
        methods=(
            Entry(name="dense"),
            Entry(name="set"),
            Entry(name="lth", traits={"needs": [_need(fields) for fields in needs or []]}),
        ),
        allocations=(Entry(name="erk"),),
        scenarios=(Entry(name="clean"),),
        datasets=(Entry(name="digits"),),
        models=(Entry(name="mlp"),),
    )


def _need(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"cell": fields, "artifact": "final"}


def plan_of(
    cells: Sequence[Cell],
    names: Catalogue,
    index: Mapping[str, CellState],
    *,
    running: Collection[str] = (),
    artifacts: Mapping[str, Collection[str]] | None = None,
    losses: Mapping[str, int] | None = None,
    **wishes: Any,
) -> Plan:
    known = Known(
        index=index, code=CODE, artifacts=artifacts or {}, running=running, losses=losses or {}
    )
    return make_plan(cells, names, known, Wishes(**wishes))


def cell(method: str = "set", seed: int = 0, density: str = "0.1") -> Cell:
    return Cell(
        method=Component(name=method),
        density=density,
        dataset=Component(name="digits"),
        model=Component(name="mlp"),
        seed=seed,
    )


def answered(
    one: Cell, state: str = "COMPLETED", code: str = CODE, disagreement: str = ""
) -> dict[str, CellState]:
    entry = IndexEntry(
        cell=one.id,
        attempt="20261120T000000.000000Z-00000000",
        state=state,
        started_at="2026-11-20T00:00:00.000000Z",
        finished_at="2026-11-20T00:00:01.000000Z",
        code=code,
        tier="exact",
    )
    later = entry._replace(
        attempt="20261120T000001.000000Z-00000000",
        state="FAILED",
        finished_at="2026-11-20T00:00:02.000000Z",
        error_type=DISAGREEMENT,
        error_message=disagreement,
    )
    entries = (entry, later) if disagreement else (entry,)
    return {one.id: CellState.of(one.canonical_json(), entries)}


def test_an_empty_store_makes_every_cell_new() -> None:
    plan = plan_of([cell(seed=0), cell(seed=1)], catalogue(), {})
    assert plan.counts()[Standing.NEW] == 2
    assert [[member.seed for member in wave] for wave in plan.waves()] == [[0, 1]]


def test_a_completed_cell_is_done_and_not_trained_again() -> None:
    plan = plan_of([cell(seed=0), cell(seed=1)], catalogue(), answered(cell(seed=0)))
    assert (plan.counts()[Standing.DONE], plan.to_train()) == (1, [cell(seed=1)])


@pytest.mark.parametrize("state", ["FAILED", "INVALID", "OUT_OF_MEMORY"])
def test_a_failed_cell_waits_for_a_retry(state: str) -> None:
    index = answered(cell(), state)
    assert plan_of([cell()], catalogue(), index).to_train() == []
    assert plan_of([cell()], catalogue(), index, retry=[state]).to_train() == [cell()]


@pytest.mark.parametrize("state", ["CANCELLED", "TIMEOUT", "PREEMPTED", "NODE_FAIL"])
def test_an_interrupted_cell_is_new_again(state: str) -> None:
    assert plan_of([cell()], catalogue(), answered(cell(), state)).to_train() == [cell()]


def test_answers_of_other_code_are_kept_unless_told_otherwise() -> None:
    index = answered(cell(), code="older")
    plan = plan_of([cell()], catalogue(), index)
    assert (plan.counts()[Standing.OTHER_CODE], plan.to_train()) == (1, [])
    assert plan_of([cell()], catalogue(), index, rerun_stale=True).to_train() == [cell()]


def test_a_cell_that_a_living_run_trains_is_left_to_it() -> None:
    plan = plan_of([cell()], catalogue(), {}, running={cell().id})
    assert (plan.counts()[Standing.RUNNING], plan.to_train()) == (1, [])


def test_neither_is_an_answer_of_other_code_that_a_living_run_replaces() -> None:
    index = answered(cell(), code="older")
    running = {cell().id}
    plan = plan_of([cell()], catalogue(), index, running=running, rerun_stale=True)
    assert plan.to_train() == []


def test_a_producer_that_another_run_trains_is_waited_for() -> None:
    need = {"method": "dense", "density": "1"}
    running = {cell("dense", density="1").id}
    plan = plan_of([cell("lth")], catalogue([need]), {}, running=running)
    assert plan.to_train() == []
    assert plan.cells[-1].reason == "its producer dense seed=0 is being trained by another run"


def test_a_missing_producer_is_added_and_trained_a_wave_earlier() -> None:
    need = {"method": "dense", "density": "1"}
    plan = plan_of([cell("lth")], catalogue([need]), {})
    first, second = plan.waves()
    assert first == [cell("dense", density="1")]
    assert second == [cell("lth")]
    assert [entry.produced_for for entry in plan.cells] == [True, False]


def test_a_producer_that_the_grid_has_anyway_is_one_cell() -> None:
    dense = cell("dense", density="1")
    plan = plan_of([cell("lth"), dense], catalogue([dense.canonical()]), {})
    assert [entry.cell for entry in plan.cells] == [dense, cell("lth")]
    assert not any(entry.produced_for for entry in plan.cells)


def test_a_failed_producer_blocks_its_consumers_and_says_so() -> None:
    need = {"method": "dense", "density": "1"}
    index = answered(cell("dense", density="1"), "FAILED")
    plan = plan_of([cell("lth")], catalogue([need]), index)
    assert plan.to_train() == []
    assert plan.cells[-1].standing is Standing.BLOCKED
    assert plan.cells[-1].reason == "its producer dense seed=0 failed"


def test_a_retried_producer_no_longer_blocks() -> None:
    need = {"method": "dense", "density": "1"}
    index = answered(cell("dense", density="1"), "FAILED")
    plan = plan_of([cell("lth")], catalogue([need]), index, retry=["FAILED"])
    assert [len(wave) for wave in plan.waves()] == [1, 1]


def test_a_producer_differs_only_in_what_is_substituted() -> None:
    [need] = needs_of(cell("lth", seed=3), catalogue([{"method": "dense", "density": "1"}]))
    assert (need.producer, need.artifact) == (cell("dense", seed=3, density="1"), "final")


def test_another_cell_under_the_same_id_is_an_error() -> None:
    index = answered(cell(seed=1))
    [state] = index.values()
    with pytest.raises(CollisionError, match="two different cells carry the id"):
        plan_of([cell(seed=0)], catalogue(), {cell(seed=0).id: state})


def test_one_cell_of_every_method_goes_ahead_when_asked() -> None:
    cells = [cell(method, seed=seed) for method in ("set", "dense") for seed in range(3)]
    ahead, others = plan_of(cells, catalogue(), {}, canary=True).waves()
    assert ahead == [cell("set", seed=0), cell("dense", seed=0)]
    assert others == [cell(m, seed=seed) for m in ("set", "dense") for seed in (1, 2)]


def test_a_canary_that_failed_blocks_its_own_method_only() -> None:
    cells = [cell(method, seed=seed) for method in ("set", "dense") for seed in range(2)]
    plan = plan_of(cells, catalogue(), answered(cells[0], "FAILED"), canary=True)
    blocked = [entry for entry in plan.cells if entry.standing is Standing.BLOCKED]
    assert [entry.cell for entry in blocked] == [cell("set", seed=1)]
    assert plan.waves() == [[cell("dense", seed=0)], [cell("dense", seed=1)]]


def test_a_method_that_has_results_needs_no_canary() -> None:
    cells = [cell("set", seed=seed) for seed in range(3)]
    plan = plan_of(cells, catalogue(), answered(cells[1]), canary=True)
    assert plan.waves() == [[cell("set", seed=0), cell("set", seed=2)]]


def test_what_a_canary_needs_goes_before_it() -> None:
    need = {"method": "dense", "density": "1"}
    cells = [cell("lth", seed=seed) for seed in range(2)]
    waves = plan_of(cells, catalogue([need]), {}, canary=True).waves()
    assert waves == [
        [cell("dense", seed=0, density="1"), cell("dense", seed=1, density="1")],
        [cell("lth", seed=0)],
        [cell("lth", seed=1)],
    ]


DENSE = {"method": "dense", "density": "1"}


def test_a_producer_leaves_what_its_consumers_need() -> None:
    dense, lth = plan_of([cell("lth")], catalogue([DENSE]), {}).cells
    assert (dense.leaves, lth.leaves) == (("final",), ())
    assert lth.inputs == {"final": dense.cell.id}


def test_one_producer_feeds_every_density() -> None:
    cells = [cell("lth", density=density) for density in ("0.1", "0.2", "0.3")]
    assert [len(wave) for wave in plan_of(cells, catalogue([DENSE]), {}).waves()] == [1, 3]


def test_a_finished_producer_whose_artifact_is_there_is_not_trained_again() -> None:
    dense = cell("dense", density="1")
    held = {dense.id: ["final"]}
    plan = plan_of([cell("lth")], catalogue([DENSE]), answered(dense), artifacts=held)
    assert plan.to_train() == [cell("lth")]


def test_a_finished_producer_without_its_artifact_is_trained_again_and_must_agree() -> None:
    dense = cell("dense", density="1")
    again, lth = plan_of([cell("lth")], catalogue([DENSE]), answered(dense)).cells
    assert (again.standing, again.train, again.lacks) == (Standing.AGAIN, True, ("final",))
    assert again.reason == (
        "has results but no final: trained again, and must come to the same results"
    )
    assert (lth.standing, lth.train, lth.wave) == (Standing.NEW, True, 1)


def test_results_of_other_code_are_said_to_be_replaced() -> None:
    dense = cell("dense", density="1")
    again, _ = plan_of([cell("lth")], catalogue([DENSE]), answered(dense, code="older")).cells
    assert again.reason.endswith("trained again, and the new results replace the old")


def test_an_artifact_is_not_made_for_cells_that_have_their_results() -> None:
    dense = cell("dense", density="1")
    index = answered(dense) | answered(cell("lth"))
    plan = plan_of([cell("lth")], catalogue([DENSE]), index)
    assert plan.to_train() == []


def test_a_producer_that_did_not_agree_with_itself_blocks_until_it_is_retried() -> None:
    dense = cell("dense", density="1")
    index = answered(dense, disagreement="0.5 then, 0.4 now")
    plan = plan_of([cell("lth")], catalogue([DENSE]), index)
    assert [entry.standing for entry in plan.cells] == [Standing.FAILED, Standing.BLOCKED]
    retried = plan_of([cell("lth")], catalogue([DENSE]), index, retry=["FAILED"])
    assert retried.to_train() == [dense, cell("lth")]


def test_a_producer_that_another_run_trains_again_is_waited_for() -> None:
    dense = cell("dense", density="1")
    plan = plan_of([cell("lth")], catalogue([DENSE]), answered(dense), running={dense.id})
    assert [entry.standing for entry in plan.cells] == [Standing.RUNNING, Standing.BLOCKED]


def test_every_cell_of_a_grid_leaves_what_the_grid_asks_for() -> None:
    cells = [cell(seed=0), cell(seed=1)]
    held = {cells[0].id: ["final"]}
    index = answered(cells[0]) | answered(cells[1])
    plan = plan_of(cells, catalogue(), index, artifacts=held, leave=["final"])
    assert [entry.standing for entry in plan.cells] == [Standing.DONE, Standing.AGAIN]


def test_a_cell_that_lost_five_workers_in_a_row_is_left_alone_until_it_is_retried() -> None:
    plan = plan_of([cell()], catalogue(), {}, losses={cell().id: 5})
    [entry] = plan.cells
    assert (entry.standing, entry.train) == (Standing.BLOCKED, False)
    assert entry.reason == "its worker was lost 5 times in a row; retry trains it all the same"
    assert plan_of([cell()], catalogue(), {}, losses={cell().id: 4}).to_train() == [cell()]
    retried = plan_of([cell()], catalogue(), {}, losses={cell().id: 5}, retry=["FAILED"])
    assert retried.to_train() == [cell()]
