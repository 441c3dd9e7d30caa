"""Which steps the run of a cell takes, known without its data; artifacts of other steps."""

import pytest

from grids.catalogue import Catalogue, Entry
from grids.options import Option
from grids.problems import GridError
from orchestrator.planning.plan import Known, Wishes, make_plan
from orchestrator.planning.run_length import first_step, total_steps
from tests.support.cells import make_cell

SHARES = (
    Option(name="val_fraction", type="float", default=0.15),
    Option(name="test_fraction", type="float", default=0.2),
)
DIGITS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
CATALOGUE = Catalogue(
    methods=(
        Entry(name="dense"),
        Entry(
            name="late",
            traits={"first_step": "{step}"},
            options=(Option(name="step", type="int", default=0),),
        ),
    ),
    allocations=(Entry(name="erk"),),
    scenarios=(Entry(name="clean"),),
    datasets=(
        Entry(
            name="digits",
            traits={"class_sizes": [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]},
            options=SHARES,
        ),
        Entry(
            name="synthetic",
            traits={"class_sizes": {"examples": "examples", "classes": "classes"}},
            options=(
                Option(name="examples", type="int", default=1024),
                Option(name="classes", type="int", default=10),
                *SHARES,
            ),
        ),
        Entry(name="idx"),
    ),
    models=(Entry(name="mlp"),),
)


@pytest.mark.parametrize(
    ("dataset", "ratio", "recipe", "expected"),
    [
        ("digits", "1", {"epochs": 20, "batch": 32}, 20 * 37),
        ("digits", "0.5", {"epochs": 1, "batch": 100}, 6),  # 584 of 1168 examples
        ("synthetic", "1", {"epochs": 2, "batch": 100}, 2 * 1),  # 80 of 123 examples
        ("idx", "1", {}, None),
    ],
)
def test_the_dataset_and_the_recipe_give_the_steps(dataset, ratio, recipe, expected):
    cell = make_cell(dataset=dataset, data_ratio=ratio, **recipe)
    assert total_steps(cell, CATALOGUE) == expected


def plan_leaving(*names, dataset="digits", method="dense", **options):
    shape = {"dataset": dataset, "options": options, "epochs": 2, "batch": 100}
    cells = [make_cell(method, "1", seed=seed, **shape) for seed in range(2)]
    return make_plan(cells, CATALOGUE, Known(index={}, code="c0de"), Wishes(leave=names))


def test_a_step_beyond_every_run_is_refused_with_both_numbers():
    with pytest.raises(GridError) as caught:
        plan_leaving("final", "rewind@24", "rewind@25", "rewind@500")
    assert str(caught.value).splitlines() == [
        "rewind@25 of dense seed=0: its run has 24 steps",
        "rewind@500 of dense seed=0: its run has 24 steps",
    ]


def test_an_epoch_beyond_every_run_is_refused_though_its_steps_are_not_known():
    assert plan_leaving("rewind@2e", "el2n@2e").cells
    for dataset in ("digits", "idx"):
        with pytest.raises(GridError) as caught:
            plan_leaving("el2n@2e", "el2n@3e", dataset=dataset)
        assert str(caught.value) == "el2n@3e of dense seed=0: its run has 2 epochs"


def test_an_epoch_before_the_step_that_a_run_goes_on_from_is_refused():
    assert plan_leaving("rewind@2e", method="late", step=12).cells
    with pytest.raises(GridError) as caught:
        plan_leaving("rewind@1e", method="late", step=12)
    said = "rewind@1e of late(step=12) seed=0: its run goes on from step 12"
    assert str(caught.value) == said
    assert plan_leaving("rewind@1e", method="late", step=12, dataset="idx").cells


def test_where_the_size_is_not_known_the_run_itself_will_tell():
    assert plan_leaving("rewind@500", dataset="idx").cells[0].leaves == ("rewind@500",)


def test_the_step_that_a_run_goes_on_from_is_an_option_of_its_method():
    cells = [
        make_cell("dense"),
        make_cell("late", "1"),
        make_cell("late", "1", options={"step": 7}),
    ]
    assert [first_step(cell, CATALOGUE) for cell in cells] == [0, 0, 7]


def test_a_run_that_would_take_no_step_is_refused():
    assert len(plan_leaving(method="late", step=23).cells) == 2
    for step in (24, 500):
        with pytest.raises(GridError) as caught:
            plan_leaving(method="late", step=step)
        said = f"goes on from step {step}: its run has 24 steps"
        assert str(caught.value) == f"late(step={step}) seed=0 {said}"
    assert len(plan_leaving(method="late", step=500, dataset="idx").cells) == 2


def test_a_step_before_the_one_that_a_run_goes_on_from_is_refused():
    assert plan_leaving("final", "rewind@8", method="late", step=7).cells
    with pytest.raises(GridError) as caught:
        plan_leaving("rewind@6", "rewind@7", "rewind@8", method="late", step=7)
    cell = "late(step=7) seed=0"
    assert str(caught.value).splitlines() == [
        f"rewind@6 of {cell}: its run goes on from step 7",
        f"rewind@7 of {cell}: its run goes on from step 7",
    ]


def test_a_share_of_no_example_has_no_length():
    cell = make_cell(dataset="digits", data_ratio="0.0004")
    with pytest.raises(GridError, match=r"data_ratio 0\.0004 keeps none of \d+ training examples"):
        total_steps(cell, CATALOGUE)
