"""What shall be measured of the cells of a plan, and which are trained again for it."""

from collections.abc import Sequence
from typing import Any

import pytest

from grids.catalogue import Catalogue, Entry
from grids.cell import Cell, Component
from grids.options import Option
from grids.problems import GridError
from orchestrator.planning.plan import Known, Plan, PlannedCell, Standing, Wishes, make_plan
from orchestrator.store.index import CellState
from orchestrator.store.index_part import IndexEntry

ROBUST, FGSM = '{"name":"robust"}', '{"attack":"fgsm","name":"robust"}'
RANK = '{"name":"rank","semantics":2}'

CATALOGUE = Catalogue(
    methods=(
        Entry(name="set"),
        Entry(name="dense"),
        Entry(
            name="lth",
            traits={"needs": [{"cell": {"method": {"name": "dense"}}, "artifact": "final"}]},
        ),
    ),
    allocations=(Entry(name="erk"),),
    scenarios=(Entry(name="clean"), Entry(name="hard", traits={"probes": ["robust"]})),
    datasets=(Entry(name="digits"),),
    models=(Entry(name="mlp"),),
    probes=(
        Entry(name="robust", options=(Option(name="attack", type="str", default="pgd"),)),
        Entry(name="rank", semantics=2),
    ),
)


def cell(method: str = "set", scenario: str = "clean") -> Cell:
    return Cell(
        method=Component(name=method), density="0.1", dataset=Component(name="digits"),
        model=Component(name="mlp"), scenario=Component(name=scenario), seed=0,
    )  # fmt: skip


def results(*covered: Sequence[str], one: Cell | None = None, tier: str = "exact") -> CellState:
    """A cell with one attempt for each of these lists of probes."""
    moment = "2026-11-20T00:00:0{}.000000Z"
    entries = [
        IndexEntry(
            cell=(one or cell()).id, attempt=f"a{n}", state="COMPLETED", tier=tier, code="c0de",
            started_at=moment.format(n), finished_at=moment.format(n), probes=tuple(probes),
        )
        for n, probes in enumerate(covered)
    ]  # fmt: skip
    return CellState.of((one or cell()).canonical_json(), tuple(entries))


def plan_of(one: Cell, *states: CellState, probes: Sequence[str] = (), **known: Any) -> Plan:
    index = {state.cell: state for state in states}
    return make_plan(
        [one], CATALOGUE, Known(index=index, code="c0de", **known), Wishes(probes=probes)
    )


def planned(*given: Any, **more: Any) -> PlannedCell:
    [entry] = plan_of(*given, **more).cells
    return entry


def test_a_new_cell_is_measured_by_what_is_asked() -> None:
    entry = planned(cell(), probes=[ROBUST])
    assert (entry.standing, entry.asked, entry.probes) == (Standing.NEW, (ROBUST,), (ROBUST,))


@pytest.mark.parametrize("covered", [[[ROBUST, RANK]], [[], [RANK], [ROBUST]]])
def test_a_cell_is_done_when_its_attempts_together_cover_what_is_asked(
    covered: list[list[str]],
) -> None:
    entry = planned(cell(), results(*covered), probes=[RANK, ROBUST])
    assert (entry.standing, entry.train, entry.lacks) == (Standing.DONE, False, ())


def test_results_without_probes_stay_done_where_none_is_asked() -> None:
    assert planned(cell(), results([])).standing is Standing.DONE
    assert planned(cell(), results([ROBUST])).standing is Standing.DONE


def test_a_cell_that_lacks_a_probe_is_trained_again_and_says_why() -> None:
    entry = planned(cell(), results([RANK]), probes=[FGSM, RANK])
    assert (entry.standing, entry.train) == (Standing.AGAIN, True)
    assert entry.lacks == ("robust(attack=fgsm)",)
    assert entry.reason == (
        "has results but no robust(attack=fgsm): trained again, and must come to the same results"
    )
    assert planned(cell(), results([RANK], tier="fast"), probes=[ROBUST]).reason == (
        "has results but no robust: trained again, and the new results replace the old"
    )


def test_the_same_probe_with_other_options_is_another() -> None:
    assert planned(cell(), results([ROBUST]), probes=[FGSM]).standing is Standing.AGAIN


def test_missing_artifacts_and_probes_are_told_together() -> None:
    known = Known(index={cell().id: results([])}, code="c0de")
    wishes = Wishes(probes=[ROBUST], leave=["final"])
    [entry] = make_plan([cell()], CATALOGUE, known, wishes).cells
    assert entry.reason.startswith("has results but no final and robust: trained again")


def test_an_attempt_measures_what_earlier_results_cover_too() -> None:
    entry = planned(cell(), results([ROBUST]), probes=[RANK])
    assert (entry.asked, entry.probes) == ((RANK,), (RANK, ROBUST))


def test_what_is_asked_replaces_what_was_covered_under_the_same_name() -> None:
    assert planned(cell(), results([ROBUST]), probes=[FGSM]).probes == (FGSM,)


@pytest.mark.parametrize("gone", ['{"name":"gone"}', '{"name":"rank"}', '{"name":"rank","x":1}'])
def test_what_no_longer_exists_is_not_measured_again(gone: str) -> None:
    assert planned(cell(), results([gone]), probes=[ROBUST]).probes == (ROBUST,)


def test_the_probes_of_a_scenario_count_as_asked() -> None:
    hard = cell(scenario="hard")
    assert planned(hard).asked == (ROBUST,)
    assert planned(hard, results([], one=hard)).standing is Standing.AGAIN
    assert planned(hard, results([ROBUST], one=hard)).standing is Standing.DONE
    assert planned(hard, probes=[FGSM]).asked == (FGSM,)


def test_a_scenario_that_names_no_probe_is_a_mistake_of_its_own() -> None:
    wrong = Entry(name="hard", traits={"probes": ["robst"]})
    names = Catalogue.from_json({**_plain(), "scenarios": [wrong.plain()]})
    with pytest.raises(GridError, match="unknown probe 'robst'"):
        make_plan([cell(scenario="hard")], names, Known(index={}, code="c0de"))


def _plain() -> dict[str, Any]:
    kinds = ("methods", "allocations", "datasets", "models", "probes")
    return {kind: [entry.plain() for entry in getattr(CATALOGUE, kind)] for kind in kinds}


def test_a_producer_is_measured_for_its_scenario_and_not_for_the_grid() -> None:
    plan = plan_of(cell("lth", "hard"), probes=[RANK])
    assert [(entry.cell.method.name, entry.asked) for entry in plan.cells] == [
        ("dense", (ROBUST,)),
        ("lth", (RANK, ROBUST)),
    ]
    assert plan.probes() == (
        {"rank": 1, "robust": 2},
        {"rank": 1, "robust": 2},
    )


def test_a_cell_that_is_trained_again_for_a_probe_needs_its_producers_artifact() -> None:
    lth, dense = cell("lth"), cell("dense")
    plan = plan_of(lth, results([], one=lth), results([], one=dense), probes=[RANK])
    assert [entry.standing for entry in plan.cells] == [Standing.AGAIN, Standing.AGAIN]
    assert plan.cells[0].lacks == ("final",)
    done = plan_of(lth, results([RANK], one=lth), results([], one=dense), probes=[RANK])
    assert [entry.standing for entry in done.cells] == [Standing.DONE, Standing.DONE]


def test_a_cell_that_another_run_trains_is_left_to_it() -> None:
    entry = planned(cell(), results([]), probes=[RANK], running={cell().id})
    assert (entry.standing, entry.train) == (Standing.RUNNING, False)


def failed(*phases: str) -> CellState:
    """A cell with one failed attempt for each of these phases."""
    moment = "2026-11-20T00:00:0{}.000000Z"
    entries = [
        IndexEntry(
            cell=cell().id, attempt=f"a{n}", state="FAILED", code="c0de", error_phase=phase,
            started_at=moment.format(n), finished_at=moment.format(n),
        )
        for n, phase in enumerate(phases)
    ]  # fmt: skip
    return CellState.of(cell().canonical_json(), tuple(entries))


@pytest.mark.parametrize("asked", [(), (ROBUST,), (RANK,)])
def test_the_failure_of_a_probe_that_is_not_asked_for_is_none(asked):
    found = planned(cell(), failed("probe robust(attack=fgsm)"), probes=asked)
    assert (found.standing, found.train) == (Standing.NEW, True)


@pytest.mark.parametrize(
    ("phases", "asked"),
    [
        (["probe robust(attack=fgsm)"], FGSM),
        (["probe robust(attack=fgsm)", "probe rank"], FGSM),
        (["probe rank"], RANK),
        (["probe rank", "training"], ROBUST),
    ],
)
def test_the_failure_of_a_probe_that_is_asked_for_and_any_other_stay(phases, asked):
    found = planned(cell(), failed(*phases), probes=[asked])
    assert (found.standing, found.train) == (Standing.FAILED, False)


def test_the_probes_of_a_scenario_are_asked_for_too():
    hard = cell(scenario="hard")
    entry = failed("probe robust").answer._replace(cell=hard.id)
    state = CellState.of(hard.canonical_json(), (entry,))
    assert planned(hard, state).standing is Standing.FAILED


def test_a_producer_that_a_probe_of_another_grid_stopped_blocks_nobody():
    [producer, consumer] = plan_of(cell("lth")).cells
    entry = failed("probe rank").answer._replace(cell=producer.cell.id)
    state = CellState.of(producer.cell.canonical_json(), (entry,))
    found = plan_of(consumer.cell, state, probes=[RANK])
    assert [one.standing for one in found.cells] == [Standing.NEW, Standing.NEW]


def repeated(phase: str, *, code: str = "c0de", state: str = "FAILED") -> CellState:
    """A cell with results, and an attempt after them that stopped in this phase."""
    done = results([])
    later = done.answer._replace(
        attempt="b", state=state, code=code, error_phase=phase, error_type="ValueError",
        error_message="no pixels", finished_at="2026-11-20T00:00:09.000000Z",
    )  # fmt: skip
    return CellState.of(done.text, (*done.entries, later))


def test_results_of_which_a_probe_failed_wait_for_a_retry():
    state = repeated("probe robust")
    found = planned(cell(), state, probes=[ROBUST])
    assert (found.standing, found.train, found.lacks) == (Standing.FAILED, False, ("robust",))
    assert found.reason == "has results; measuring robust failed: ValueError: no pixels"
    known = Known(index={state.cell: state}, code="c0de")
    for retried, train in ((["FAILED"], True), (["OUT_OF_MEMORY"], False)):
        [entry] = make_plan(
            [cell()], CATALOGUE, known, Wishes(probes=[ROBUST], retry=retried)
        ).cells
        assert entry.train is train


@pytest.mark.parametrize("asked", [FGSM, RANK])
def test_another_probe_may_be_measured_of_results_of_which_one_failed(asked):
    found = planned(cell(), repeated("probe robust"), probes=[asked])
    assert (found.standing, found.failed) == (Standing.AGAIN, None)


def test_nothing_failed_where_the_probe_that_failed_is_not_asked_for():
    found = planned(cell(), repeated("probe robust"))
    assert (found.standing, found.failed, found.reason) == (Standing.DONE, None, "")


def test_a_probe_that_failed_under_other_code_is_tried_again():
    found = planned(cell(), repeated("probe robust", code="old"), probes=[ROBUST])
    assert found.standing is Standing.AGAIN


def test_a_repeat_that_was_interrupted_is_tried_again_and_one_that_broke_is_not():
    interrupted = planned(cell(), repeated("training", state="CANCELLED"), probes=[ROBUST])
    assert interrupted.standing is Standing.AGAIN
    broken = planned(cell(), repeated("training"), probes=[ROBUST])
    assert broken.standing is Standing.FAILED
    assert broken.reason == "has results; training it again failed: ValueError: no pixels"


def test_a_probe_that_failed_stays_failed_when_another_was_measured_since():
    failed_once = repeated("probe robust")
    since = failed_once.answer._replace(
        attempt="c", finished_at="2026-11-20T00:00:10.000000Z", probes=(RANK,)
    )
    state = CellState.of(failed_once.text, (*failed_once.entries, since))
    assert planned(cell(), state, probes=[RANK, ROBUST]).standing is Standing.FAILED
    assert planned(cell(), state, probes=[RANK]).standing is Standing.DONE


def test_a_producer_of_which_only_a_probe_failed_blocks_nobody_while_its_artifact_is_there():
    dense, lth = cell("dense", "hard"), cell("lth", "hard")
    state = repeated("probe robust")
    entries = tuple(entry._replace(cell=dense.id) for entry in state.entries)
    held = {dense.id: ["final"]}
    again = CellState.of(dense.canonical_json(), entries)
    there = plan_of(lth, again, artifacts=held)
    assert [entry.standing for entry in there.cells] == [Standing.FAILED, Standing.NEW]
    gone = plan_of(lth, again)
    assert [entry.standing for entry in gone.cells] == [Standing.FAILED, Standing.BLOCKED]
