"""The grammar of a grid file: each mistake with its literal line."""

# ruff: noqa: E501 (the tables read best with a mistake and its message on one line)

from collections.abc import Callable

import pytest

from grids.grid import Grid

Read = Callable[..., Grid]
Mistakes = Callable[..., list[str]]

KEYS = "allowed: artifacts, axes, base, description, exclude, include, name, probes, seeds, zip"
FIELDS = "allowed: allocation, data_ratio, dataset, density, method, model, recipe, scenario"
SEEDS = "allowed: a count >= 1, a list of integers >= 0 or a mapping of min, max and until"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("axis: {}\n", f"unknown key 'axis'; {KEYS}; did you mean 'axes'?"),
        ("density: 0.1\n", f"unknown key 'density'; {KEYS}; write density in base, axes, zip or include"),
        (
            "sparsity: 0.9\n",
            "sparsity is not a field of a grid; write density: 0.1 (1 - sparsity) in base",
        ),
        ("name: My Grid\n", "name is 'My Grid'; allowed: up to 64 of a-z, 0-9, _ and -, a letter or digit first"),
        ("name: ../x\n", "name is '../x'; allowed: up to 64 of a-z, 0-9, _ and -, a letter or digit first"),
        ("description: [a]\n", "description is ['a']; allowed: a text; quote it"),
        ("axes: {}\n", "axes is {}; allowed: a mapping of fields to lists; give an axis, or remove axes"),
        ("axes:\n", "axes is null; allowed: a mapping of fields to lists; give an axis, or remove axes"),
        ("axes: [1]\n", "axes is [1]; allowed: a mapping of fields to lists; give an axis, or remove axes"),
        ("axes: {recipe.lr: []}\n", "the axis recipe.lr is empty; give at least one value, or remove it"),
        ("axes: {recipe.lr: }\n", "the axis recipe.lr is empty; give at least one value, or remove it"),
        ("axes: {recipe.lr: 0.1}\n", "the axis recipe.lr is 0.1; allowed: a list of values; write [0.1]"),
        ("axes: {lr: [0.1]}\n", "unknown field 'lr'; did you mean 'recipe.lr'?"),
        ("axes: {metod: [set]}\n", f"unknown field 'metod'; {FIELDS}; did you mean 'method'?"),
        ("axes: {metod.drop: [a]}\n", f"unknown field 'metod.drop'; {FIELDS}; did you mean 'method.drop'?"),
        ("axes: {density.x: [1]}\n", "unknown field 'density.x': density has no options; write density"),
        ("axes: {method.name: [set]}\n", "unknown field 'method.name'; write method"),
        ("axes: {seed: [1]}\n", "seed is no cell field; use seeds: a count or a list of integers"),
        (
            "axes: {sparsity: [0.9, 0.95]}\n",
            "sparsity is not a field of a grid; write density: [0.1, 0.05] (1 - sparsity)",
        ),
        ("axes: {sparsity: [high]}\n", "sparsity is not a field of a grid; write density: 1 - value"),
        ("axes: {recipe.lr: [0.1, 1e-1]}\n", "the axis recipe.lr has 0.1 twice; first in grid.yaml:2"),
        ("zip: {recipe.lr: [1]}\n", "zip is a mapping; allowed: a list of groups; write - before it"),
        ("zip: []\n", "zip is []; allowed: a list of groups; give a group, or remove zip"),
        ("zip: [3]\n", "a zip group is 3; allowed: a mapping of fields to lists"),
        ("zip: [{recipe.lr: []}]\n", "the zip list recipe.lr is empty; give at least one value, or remove it"),
        (
            "zip: [{recipe.lr: [0.1, 0.2], recipe.epochs: [1]}]\n",
            "zip needs lists of one length: recipe.lr has 2, recipe.epochs has 1",
        ),
        (
            "zip: [{recipe.lr: [1, 1], recipe.epochs: [2, 2]}]\n",
            "the zip of recipe.lr, recipe.epochs has 1, 2 twice; first in grid.yaml:2",
        ),
        ("include: 3\n", "include is 3; allowed: a list of mappings"),
        ("include: [3]\n", "an entry of include is 3; allowed: a mapping of fields"),
        ("exclude: {density: 0.1}\n", "exclude is {density: 0.1}; allowed: a list of mappings; write - before it"),
        ("seeds: []\n", f"seeds is empty; {SEEDS}"),
        ("seeds: 0\n", f"seeds is 0; {SEEDS}"),
        ("seeds: -1\n", f"seeds is -1; {SEEDS}"),
        ("seeds: 1.5\n", f"seeds is 1.5; {SEEDS}"),
        ("seeds: two\n", f"seeds is 'two'; {SEEDS}"),
        ("seeds: yes\n", f"seeds is 'yes'; {SEEDS}"),
        ("seeds: [1, 1]\n", "the seed 1 is given twice; first in grid.yaml:2"),
        ("seeds: [-1]\n", "a seed is -1; allowed: an integer from 0 to 4294967295"),
        ("seeds: [a]\n", "a seed is 'a'; allowed: an integer from 0 to 4294967295"),
        ("seeds: [true]\n", "a seed is true; allowed: an integer from 0 to 4294967295"),
        ("seeds: 2000000\n", "the grid has 2,000,000 cells; allowed: up to 1,000,000"),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line(mistakes: Mistakes, base: str, text: str, message: str) -> None:
    line = 1 if "cells" in message else 2
    assert mistakes(base + text) == [f"grid.yaml:{line}: {message}"]


@pytest.mark.parametrize(
    ("text", "given"),
    [("", "empty"), ("3\n", "3"), ("hello\n", "'hello'"), ("- 1\n- 2\n", "[1, 2]")],
)
def test_a_file_of_another_type_is_refused(mistakes: Mistakes, text: str, given: str) -> None:
    keys = "name, description, base, axes, zip, include, exclude, seeds, artifacts, probes"
    assert mistakes(text) == [f"grid.yaml:1: the file is {given}; allowed: a mapping of {keys}"]


def test_an_axis_that_is_also_zipped_names_both_places(mistakes: Mistakes, base: str) -> None:
    text = base + "axes:\n  recipe.lr: [1, 2]\nzip:\n- {recipe.lr: [3], recipe.epochs: [1]}\n"
    assert mistakes(text) == [
        "grid.yaml:5: recipe.lr is set twice: also by axis recipe.lr in grid.yaml:3"
    ]


def test_a_recipe_field_given_in_both_ways_names_both_places(mistakes: Mistakes) -> None:
    text = (
        "base:\n  dataset: digits\n  model: mlp\n  method: rigl\n  density: 0.1\n"
        "  recipe: {lr: 0.1}\n  recipe.lr: 0.2\n"
    )
    assert mistakes(text) == ["grid.yaml:7: recipe.lr is given twice; first in grid.yaml:6"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: 3\n", "base is 3; allowed: a mapping of cell fields"),
        (
            "base: {recipe: 3}\n",
            "recipe is 3; allowed: a mapping of its fields; for example recipe: {epochs: 20, lr: 0.1}",
        ),
        ("axes: {method: []}\n", "the axis method is empty; give at least one value, or remove it"),
    ],
)  # fmt: skip
def test_what_is_missing_is_not_told_while_it_may_be_misspelt(
    mistakes: Mistakes, text: str, message: str
) -> None:
    assert mistakes(text) == [f"grid.yaml:1: {message}"]


def test_the_name_is_that_of_the_file_unless_given(read: Read, base: str) -> None:
    assert read(base).name == "grid"
    assert read(base + "name: other-1\n").name == "other-1"


def test_a_description_is_kept_without_its_margins(read: Read, base: str) -> None:
    assert read(base + "description: >\n  Does it\n  hold?\n").description == "Does it hold?"
