"""What a cell needs: rules of a method's trait, read in view of the cell's options and density."""

import json
from dataclasses import replace
from typing import Any

import pytest

from grids.catalogue import Catalogue, Entry
from grids.cell import Cell, Component
from grids.options import Option
from grids.problems import GridError
from orchestrator.planning.needs import needs_of
from orchestrator.planning.plan import Known, Plan, Standing, Wishes, make_plan
from orchestrator.store.index import CellState
from orchestrator.store.index_part import IndexEntry

MOMENT = "2026-11-20T00:00:00.000000Z"
DENSE = {"method": "dense", "density": "1", "allocation": "erk"}
LADDER = {"ladder": {"rate": "rate"}, "first": DENSE, "artifact": "final"}
REWIND = {"cell": DENSE, "artifact": "rewind@{step}", "unless": {"step": 0}}


CLEAN = {**DENSE, "scenario": "clean", "data_ratio": "1"}
SCORES = {
    "cell": CLEAN,
    "artifact": "el2n@{epoch}e",
    "seeds": {"first": "first", "count": "models"},
    "unless": {"data_ratio": "1"},
}


def catalogue(*needs: dict[str, Any]) -> Catalogue:
    numbers = ("epoch", "first", "models")
    hard = tuple(Option(name=name, type="int", default=2) for name in numbers)
    options = (
        Option(name="rate", type="float", default=0.2),
        Option(name="step", type="int", default=0),
    )
    return Catalogue(
        methods=(
            Entry(name="dense"),
            Entry(name="omp", traits={"needs": [{"cell": DENSE, "artifact": "final"}]}),
            Entry(name="imp", options=options, semantics=3, traits={"needs": needs}),
        ),
        allocations=(Entry(name="erk"), Entry(name="uniform", semantics=2)),
        scenarios=(
            Entry(name="clean"),
            Entry(name="hard", options=hard, traits={"needs": [SCORES]}),
        ),
        datasets=(Entry(name="digits"),),
        models=(Entry(name="mlp"),),
    )


def cell(density: str = "0.1", method: str = "imp", **options: Any) -> Cell:
    return Cell(
        method=Component(name=method, options=tuple(sorted(options.items()))),
        density=density,
        dataset=Component(name="digits"),
        model=Component(name="mlp"),
        seed=4,
        semantics=(("method", 3),) if method == "imp" else (),
    )


def needed(of: Cell, *rules: dict[str, Any]) -> list[tuple[Cell, str | None]]:
    return [(need.producer, need.artifact) for need in needs_of(of, catalogue(*rules))]


DENSE_CELL = cell("1", "dense")


def test_fields_are_replaced_and_the_rest_stays() -> None:
    uniform = Component(name="uniform")
    made = Cell.from_canonical(cell().canonical() | {"allocation": "uniform"})
    rule = {"cell": {"method": "dense", "density": "1"}, "artifact": "final"}
    [(producer, name)] = needed(made, rule)
    assert (producer.allocation, producer.seed, name) == (uniform, 4, "final")
    assert dict(producer.semantics) == {"allocation": 2}


def test_results_may_be_all_that_is_needed() -> None:
    assert needed(cell(), {"cell": DENSE, "artifact": None}) == [(DENSE_CELL, None)]


@pytest.mark.parametrize(("step", "expected"), [(0, []), (500, [(DENSE_CELL, "rewind@500")])])
def test_a_rule_holds_or_not_and_names_its_step(step: int, expected: list) -> None:
    assert needed(cell(step=step) if step else cell(), REWIND) == expected


def test_a_rule_can_hold_at_one_value_only() -> None:
    rule = {"cell": DENSE, "artifact": "final", "when": {"rate": 0.5}}
    assert needed(cell(), rule) == []
    assert needed(cell(rate=0.5), rule) == [(DENSE_CELL, "final")]


def test_a_round_needs_the_round_before_and_the_first_one_the_dense_cell() -> None:
    assert needed(cell("0.5"), LADDER) == [(cell("0.512"), "final")]
    assert needed(cell("0.64"), LADDER) == [(cell("0.8"), "final")]
    assert needed(cell("0.8"), LADDER) == [(DENSE_CELL, "final")]
    assert needed(cell("0.5", rate=0.5), LADDER) == [(DENSE_CELL, "final")]


def test_two_artifacts_of_one_name_cannot_be_told_apart() -> None:
    with pytest.raises(GridError, match="method imp needs the final of two cells"):
        needed(cell(), LADDER, {"cell": DENSE, "artifact": "final"})


def test_a_rule_that_names_no_artifact_is_refused() -> None:
    with pytest.raises(GridError, match="unknown artifact 'finale'"):
        needed(cell(), {"cell": DENSE, "artifact": "finale"})


def plan_of(*cells: Cell) -> Plan:
    return make_plan(cells, catalogue(LADDER, REWIND), Known(index={}, code="c0de"), Wishes())


def test_densities_on_one_ladder_share_their_rounds() -> None:
    plan = plan_of(cell("0.512"), cell("0.5"), cell("0.64"), cell("0.2", "omp"))
    assert plan.waves() == [
        [DENSE_CELL],
        [cell("0.8"), cell("0.2", "omp")],
        [cell("0.64")],
        [cell("0.512")],
        [cell("0.5")],
    ]
    leaves = {entry.cell.label(): entry.leaves for entry in plan.cells if entry.leaves}
    assert leaves == {
        "dense seed=4": ("final",),
        "imp density=0.8 seed=4": ("final",),
        "imp density=0.64 seed=4": ("final",),
        "imp density=0.512 seed=4": ("final",),
    }


def test_every_round_rewinds_to_one_dense_cell() -> None:
    dense, first, second = plan_of(cell("0.64", step=7)).cells
    assert dense.leaves == ("final", "rewind@7")
    assert first.inputs == {"final": dense.cell.id, "rewind@7": dense.cell.id}
    assert second.inputs == {"final": first.cell.id, "rewind@7": dense.cell.id}
    assert second.needs == (first.cell.id, dense.cell.id)


def test_twenty_rounds_are_twenty_waves_after_the_dense_one() -> None:
    waves = plan_of(cell("0.011529215046")).waves()
    assert len(waves) == 21
    assert {len(wave) for wave in waves} == {1}
    assert [wave[0].density for wave in waves[-3:]] == [
        "0.018014398509", "0.014411518808", "0.011529215046",
    ]  # fmt: skip


def test_a_chain_may_be_longer_than_calls_can_be_nested() -> None:
    assert len(plan_of(cell("0.00001", rate=0.01)).waves()) == 1147


def hard(of: Cell, ratio: str = "0.5", **options: int) -> Cell:
    scenario = Component(name="hard", options=tuple(sorted(options.items())))
    return replace(of, scenario=scenario, data_ratio=ratio)


def test_a_scenario_needs_one_artifact_of_a_producer_of_every_seed() -> None:
    needs = needs_of(hard(cell("1", "dense"), first=5), catalogue())
    assert [(need.producer, need.artifact, need.input) for need in needs] == [
        (replace(DENSE_CELL, seed=seed), "el2n@2e", f"el2n@2e#{seed}") for seed in (5, 6)
    ]


def test_producers_are_of_the_whole_clean_data_whatever_the_method() -> None:
    of_dense, of_imp = (needs_of(hard(one), catalogue()) for one in (DENSE_CELL, cell("0.5")))
    assert of_dense == of_imp


def test_a_rule_may_hold_at_some_data_ratios_only() -> None:
    assert needs_of(hard(DENSE_CELL, ratio="1"), catalogue()) == []


def test_what_a_method_needs_stays_under_the_scenario() -> None:
    ticket = hard(cell("0.1", "omp"))
    first, *scores = needs_of(ticket, catalogue())
    assert (first.producer, first.input) == (hard(DENSE_CELL), "final")
    assert [need.input for need in scores] == ["el2n@2e#2", "el2n@2e#3"]


def test_scores_come_first_then_the_dense_cell_of_the_subset_then_its_tickets() -> None:
    tickets = [hard(cell(density, "omp"), models=3) for density in ("0.1", "0.2")]
    plan = plan_of(*tickets, DENSE_CELL)
    producers = [replace(DENSE_CELL, seed=seed) for seed in (2, 3, 4)]
    first, *rest = plan.waves()
    assert {one.id for one in first} == {one.id for one in producers}  # seed 4 is the baseline
    assert rest == [[hard(DENSE_CELL, models=3)], tickets]
    leaves = {entry.cell.id: entry.leaves for entry in plan.cells}
    assert [leaves[one.id] for one in producers] == [("el2n@2e",)] * 3
    assert leaves[hard(DENSE_CELL, models=3).id] == ("final",)
    inputs = plan.inputs()[tickets[0].id]
    assert inputs == {
        "final": hard(DENSE_CELL, models=3).id,
        **{f"el2n@2e#{one.seed}": one.id for one in producers},
    }
    assert plan.needs()[tickets[0].id] == tuple(inputs.values())


def test_producers_are_shared_by_all_cells_of_the_scenario() -> None:
    cells = [
        hard(replace(DENSE_CELL, seed=seed), ratio) for seed in range(3) for ratio in ["0.5", "0.3"]
    ]
    assert [len(wave) for wave in plan_of(*cells).waves()] == [2, 6]


def test_a_producer_that_failed_blocks_with_its_reason() -> None:
    consumer = hard(DENSE_CELL)
    producer = replace(DENSE_CELL, seed=3)
    entry = IndexEntry(producer.id, "a", "FAILED", MOMENT, MOMENT)
    index = {producer.id: CellState.of(producer.canonical_json(), (entry,))}
    plan = make_plan([consumer], catalogue(), Known(index=index, code="c0de"), Wishes())
    [blocked] = [entry for entry in plan.cells if not entry.produced_for]
    assert (blocked.standing, blocked.train) == (Standing.BLOCKED, False)
    assert blocked.reason == "its producer dense seed=3 failed"


def test_a_need_is_plain_data() -> None:
    assert json.loads(json.dumps([LADDER, REWIND])) == [LADDER, REWIND]
