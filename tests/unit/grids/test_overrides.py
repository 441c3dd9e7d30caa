"""`--set`: one value changes a field, several make an axis, and mistakes name the flag."""

from collections.abc import Callable

import pytest

from grids.grid import Grid

Read = Callable[..., Grid]
Labels = Callable[..., list[str]]
Mistakes = Callable[..., list[str]]

DENSITIES = (
    "base: {dataset: digits, model: mlp, recipe: {epochs: 9, momentum: 0.5}}\n"
    "axes: {density: [0.1, 0.2], method: [dense, set]}\n"
)


def test_one_value_changes_a_field_of_every_cell(read: Read) -> None:
    cells = read(DENSITIES, "recipe.epochs=5").cells
    assert [cell.get("recipe.epochs") for cell in cells] == [5, 5, 5]


def test_several_values_take_the_place_of_the_axis(labels: Labels) -> None:
    assert labels(DENSITIES, "density=0.3,0.4") == [
        "dense seed=0",
        "set density=0.3 seed=0",
        "set density=0.4 seed=0",
    ]


def test_several_values_make_an_axis_where_there_was_none(read: Read, base: str) -> None:
    cells = read(base, "recipe.lr=0.1,1e-3").cells
    assert [cell.get("recipe.lr") for cell in cells] == [0.1, 0.001]


def test_seeds_are_counted_or_listed(read: Read, base: str) -> None:
    assert read(base + "seeds: 5\n", "seeds=2").seeds == (0, 1)
    assert read(base, "seeds=2,5").seeds == (2, 5)
    assert read(base, "seeds=[4]").seeds == (4,)


def test_lists_and_mappings_are_written_as_in_a_file(labels: Labels, base: str) -> None:
    method = "method={name: rigl, update_every: 50}"
    assert labels(base, method, "model.hidden=[64, 64]") == [
        "rigl(update_every=50) density=0.1 seed=0"
    ]


def test_a_flag_has_the_last_word_over_an_option_written_inside_a_component(
    labels: Labels,
) -> None:
    text = (
        "base: {dataset: digits, model: mlp, density: 0.1}\n"
        "axes: {method: [set, {name: rigl, update_every: 7}]}\n"
    )
    assert labels(text, "method.update_every=9") == [
        "set(update_every=9) density=0.1 seed=0",
        "rigl(update_every=9) density=0.1 seed=0",
    ]


def test_a_flag_takes_its_field_out_of_a_zip_group(read: Read, base: str) -> None:
    text = base + "zip:\n- {recipe.lr: [0.1, 0.2], recipe.epochs: [1, 2]}\n"
    cells = read(text, "recipe.lr=0.5").cells
    assert [(c.get("recipe.lr"), c.get("recipe.epochs")) for c in cells] == [(0.5, 1), (0.5, 2)]


def test_a_flag_reaches_included_cells(read: Read, base: str) -> None:
    text = base + "include:\n- {method.update_every: 7, recipe.epochs: 30}\n"
    assert read(text, "recipe.epochs=2").cells[0].recipe == (("epochs", 2),)


def test_what_a_flag_leaves_without_use_in_the_file_is_no_mistake(labels: Labels) -> None:
    assert labels(DENSITIES, "method=dense", "recipe.optimizer=adam") == ["dense seed=0"]


def test_what_a_flag_leaves_without_effect_in_rules_is_no_mistake(labels: Labels) -> None:
    text = DENSITIES + "exclude: [{density: 0.1}]\ninclude: [{method: set, density: 0.3}]\n"
    assert labels(text, "density=0.3") == ["dense seed=0", "set density=0.3 seed=0"]


def test_the_grid_remembers_the_texts(read: Read, base: str) -> None:
    assert read(base, "recipe.lr=0.1,1e-3", "seeds=2").overrides == (
        "recipe.lr=0.1,1e-3",
        "seeds=2",
    )


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("density=0", "density is 0; allowed: a number > 0 and <= 1"),
        ("density=1.5,0.1", "density is 1.5; allowed: a number > 0 and <= 1"),
        ("density=low", "density is 'low'; allowed: a number > 0 and <= 1"),
        ("density=0.1,.10", "the axis density has 0.1 twice; first in --set density=0.1,.10"),
        (
            "sparsity=0.9",
            "sparsity is not a field of a grid; write density: 0.1 (1 - sparsity)",
        ),
        (
            "sparsity=0.9,0.8",
            "sparsity is not a field of a grid; write density: [0.1, 0.2] (1 - sparsity)",
        ),
        ("seed=3", "seed is no cell field; use seeds: a count or a list of integers"),
        ("recipe.epochs", "not of the form key=value; for example --set recipe.epochs=5"),
        ("recipe.epochs=", "no value is given; for example --set recipe.epochs=1"),
        ("=3", "not of the form key=value; for example --set recipe.epochs=5"),
        ("recipe.epochs=[1", "not YAML: did not find expected ',' or ']'"),
        ("recipe.epochs=0", "recipe.epochs is 0; allowed: an integer >= 1"),
        (
            "method.updat_every=3",
            "unknown method option 'updat_every' of rigl; allowed: drop_fraction, update_every, "
            "update_stop; did you mean 'update_every'?",
        ),
        ("recipe.nesterov=no", "recipe.nesterov is 'no'; allowed: true or false; write false"),
        (
            "seeds=0",
            "seeds is 0; allowed: a count >= 1, a list of integers >= 0 or a mapping of min, max "
            "and until",
        ),
        ("seeds=1,1", "the seed 1 is given twice; first in --set seeds=1,1"),
    ],
)
def test_a_mistake_names_the_flag(mistakes: Mistakes, base: str, flag: str, message: str) -> None:
    assert mistakes(base, flag) == [f"--set {flag}: {message}"]


def test_a_field_is_set_once(mistakes: Mistakes, base: str) -> None:
    assert mistakes(base, "recipe.lr=1", "recipe.lr=2") == [
        "--set recipe.lr=2: recipe.lr is set twice on the command line"
    ]


def test_a_flag_that_no_cell_uses_is_a_mistake(mistakes: Mistakes, base: str) -> None:
    assert mistakes(base, "method=dense", "density=0.3") == [
        "--set density=0.3: density 0.3 is given, but no cell uses it: every method that it meets "
        "ignores it"
    ]
