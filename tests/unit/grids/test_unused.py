"""What is written for nothing is named, with the reason."""

# ruff: noqa: E501 (the tables read best with a mistake and its message on one line)

from collections.abc import Callable

import pytest

from grids.grid import Grid

Mistakes = Callable[..., list[str]]

SHARED = "base: {dataset: digits, model: mlp}\n"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("method: dense, density: 0.1", "density 0.1 is given, but no cell uses it: every method that it meets ignores it"),
        ("method: snip, density: 0.1, allocation: uniform", "allocation 'uniform' is given, but no cell uses it: every method that it meets ignores it"),
        ("method: set, density: 0.1, allocation: er_epsilon", "density 0.1 is given, but no cell uses it: every method or allocation that it meets ignores it"),
        ("method: set, density: 0.1, recipe: {optimizer: adam, momentum: 0.9}", "recipe.momentum 0.9 is given, but no cell uses it: with recipe.optimizer adam it has no effect (sgd only)"),
        ("method: set, density: 0.1, recipe.milestones: [0.5]", "recipe.milestones [0.5] is given, but no cell uses it: with recipe.schedule cosine it has no effect (step only)"),
        ("method: set, density: 0.1, recipe: {momentum: 0, nesterov: true}", "recipe.nesterov true is given, but no cell uses it: with recipe.momentum 0 it has no effect"),
        ("method: set, density: 0.1, recipe: {tier: fast, threads: 2}", "recipe.threads 2 is given, but no cell uses it: with recipe.tier fast it has no effect (the worker's cores are shared)"),
        ("method: static, density: 0.1, method.update_every: 5", "unknown method option 'update_every' of static; allowed: none"),
    ],
)  # fmt: skip
def test_a_field_without_effect_is_a_mistake(mistakes: Mistakes, fields: str, message: str) -> None:
    text = f"base: {{dataset: digits, model: mlp, {fields}}}\n"
    assert mistakes(text) == [f"grid.yaml:1: {message}"]


def test_an_axis_that_no_cell_uses_is_told_once(mistakes: Mistakes) -> None:
    text = SHARED + "axes:\n  method: [dense]\n  density: [0.1, 0.2]\n"
    assert mistakes(text) == [
        "grid.yaml:4: density is given, but no cell uses it: every method that it meets ignores it"
    ]


def test_a_flag_that_changes_the_allocation_may_leave_densities_without_a_use(
    read: Callable[..., Grid],
) -> None:
    text = SHARED + "axes: {method: [set], density: [0.1, 0.2]}\n"
    assert [cell.density for cell in read(text, "allocation=er_epsilon").cells] == ["1"]


def test_one_value_of_a_zip_group_that_no_cell_uses_is_told_at_its_place(
    mistakes: Mistakes,
) -> None:
    text = SHARED + "zip:\n- method: [dense, set]\n  density:\n  - 0.1\n  - 0.2\n"
    assert mistakes(text) == [
        "grid.yaml:5: density 0.1 is given, but no cell uses it: every method that it meets "
        "ignores it"
    ]


def test_a_base_value_that_an_axis_replaces_is_a_mistake(mistakes: Mistakes, base: str) -> None:
    assert mistakes(base + "axes:\n  density: [0.2, 0.3]\n") == [
        "grid.yaml:1: density 0.1 is given, but no cell uses it: axis density in grid.yaml:3 "
        "replaces it"
    ]


def test_an_option_that_every_component_gives_itself_is_a_mistake(mistakes: Mistakes) -> None:
    text = (
        "base: {dataset: digits, model: mlp, density: 0.1, method.update_every: 5}\n"
        "axes: {method: [{name: rigl, update_every: 7}]}\n"
    )
    assert mistakes(text) == [
        "grid.yaml:1: method.update_every 5 is given, but no cell uses it: rigl gives it in "
        "grid.yaml:2"
    ]


def test_an_included_cell_that_is_there_already_is_a_mistake(mistakes: Mistakes, base: str) -> None:
    text = base + "axes: {recipe.epochs: [5, 6]}\ninclude:\n- {recipe.epochs: 6}\n"
    assert mistakes(text) == [
        "grid.yaml:4: this entry of include adds no cell: the grid has it already"
    ]
