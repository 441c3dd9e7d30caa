"""How long the run of a cell can be, known without its data; artifacts of later steps."""

import pytest

from grids.catalogue import Catalogue, Entry
from grids.options import Option
from grids.problems import GridError
from orchestrator.planning.plan import Known, Wishes, make_plan
from orchestrator.planning.run_length import most_steps
from tests.support.cells import make_cell

CATALOGUE = Catalogue(
    methods=(Entry(name="dense"),),
    allocations=(Entry(name="erk"),),
    scenarios=(Entry(name="clean"),),
    datasets=(
        Entry(name="digits", traits={"examples": 1797}),
        Entry(
            name="synthetic",
            traits={"examples": "{examples}"},
            options=(Option(name="examples", type="int", default=1024),),
        ),
        Entry(name="idx"),
    ),
    models=(Entry(name="mlp"),),
)


@pytest.mark.parametrize(
    ("dataset", "ratio", "recipe", "expected"),
    [
        ("digits", "1", {"epochs": 20, "batch": 32}, 20 * 57),
        ("digits", "0.5", {"epochs": 1, "batch": 100}, 9),  # 898.5 examples, rounded up
        ("synthetic", "1", {"epochs": 2, "batch": 100}, 2 * 2),  # 123 examples
        ("idx", "1", {}, None),
    ],
)
def test_the_dataset_bounds_the_steps(dataset, ratio, recipe, expected):
    cell = make_cell(dataset=dataset, data_ratio=ratio, **recipe)
    assert most_steps(cell, CATALOGUE) == expected


def plan_leaving(*names, dataset="digits"):
    cells = [make_cell(dataset=dataset, seed=seed, epochs=2, batch=100) for seed in range(2)]
    return make_plan(cells, CATALOGUE, Known(index={}, code="c0de"), Wishes(leave=names))


def test_a_step_beyond_every_run_is_refused_with_both_numbers():
    with pytest.raises(GridError) as caught:
        plan_leaving("final", "rewind@36", "rewind@37", "rewind@500")
    assert str(caught.value).splitlines() == [
        "rewind@37 of dense seed=0: its run has at most 36 steps",
        "rewind@500 of dense seed=0: its run has at most 36 steps",
    ]


def test_where_the_size_is_not_known_the_run_itself_will_tell():
    assert plan_leaving("rewind@500", dataset="idx").cells[0].leaves == ("rewind@500",)
