"""What a cell needs: rules of a method's trait, read in view of the cell's options and density."""

import json
from typing import Any

import pytest

from grids.catalogue import Catalogue, Entry
from grids.cell import Cell, Component
from grids.options import Option
from grids.problems import GridError
from orchestrator.planning.needs import needs_of
from orchestrator.planning.plan import Known, Plan, Wishes, make_plan

DENSE = {"method": "dense", "density": "1", "allocation": "erk"}
LADDER = {"ladder": {"rate": "rate"}, "first": DENSE, "artifact": "final"}
REWIND = {"cell": DENSE, "artifact": "rewind@{step}", "unless": {"step": 0}}


def catalogue(*needs: dict[str, Any]) -> Catalogue:
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
        scenarios=(Entry(name="clean"),),
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


def test_a_need_is_plain_data() -> None:
    assert json.loads(json.dumps([LADDER, REWIND])) == [LADDER, REWIND]
