"""A cell: its canonical form, its id, and the ways to ask it for a value."""

import pickle
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from grids.cell import Cell, Component
from grids.problems import GridError

RIGL = Cell(
    method=Component(name="rigl", options=(("update_every", 50),)),
    density="0.05",
    dataset=Component(name="digits"),
    model=Component(name="mlp", options=(("hidden", (256, 256)),)),
    recipe=(("epochs", 5), ("lr", 0.01)),
    seed=3,
)


def test_the_canonical_form_leaves_out_what_stands_at_its_default() -> None:
    assert RIGL.canonical() == {
        "dataset": "digits",
        "density": "0.05",
        "method": {"name": "rigl", "update_every": 50},
        "model": {"hidden": [256, 256], "name": "mlp"},
        "recipe": {"epochs": 5, "lr": 0.01},
        "seed": 3,
    }


def test_the_canonical_text_is_sorted_ascii_without_spaces() -> None:
    assert RIGL.canonical_json() == (
        '{"dataset":"digits","density":"0.05","method":{"name":"rigl","update_every":50},'
        '"model":{"hidden":[256,256],"name":"mlp"},"recipe":{"epochs":5,"lr":0.01},"seed":3}'
    )


def test_everything_off_its_default_is_in_the_canonical_text_in_sorted_order() -> None:
    full = replace(
        RIGL,
        allocation=Component(name="uniform"),
        scenario=Component(name="noisy", options=(("level", 0.5),)),
        data_ratio="0.25",
        semantics=(("method", 2),),
    )
    assert full.canonical_json() == (
        '{"allocation":"uniform","data_ratio":"0.25","dataset":"digits","density":"0.05",'
        '"method":{"name":"rigl","update_every":50},"model":{"hidden":[256,256],"name":"mlp"},'
        '"recipe":{"epochs":5,"lr":0.01},"scenario":{"level":0.5,"name":"noisy"},"seed":3,'
        '"semantics":{"method":2}}'
    )
    assert Cell.from_canonical(full.canonical()) == full


def test_the_id_is_sixteen_hex_digits_of_the_text() -> None:
    assert RIGL.id == "fe4c1d2e103a3762"


def test_a_raised_semantics_is_another_cell_and_the_first_is_not_written() -> None:
    assert replace(RIGL, semantics=(("method", 1), ("model", 1))) == RIGL
    assert replace(RIGL, semantics=(("method", 2),)).id != RIGL.id


def test_equal_cells_have_equal_ids_whatever_the_type_of_a_recipe_number() -> None:
    whole, real = replace(RIGL, recipe=(("lr", 1),)), replace(RIGL, recipe=(("lr", 1.0),))
    assert whole == real
    assert whole.id == real.id


def test_a_cell_cannot_be_changed_and_survives_pickling() -> None:
    with pytest.raises(FrozenInstanceError):
        RIGL.seed = 4  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(RIGL))
    assert copy == RIGL
    assert copy.id == RIGL.id


def test_settings_are_the_whole_recipe() -> None:
    settings = RIGL.settings()
    assert (settings["epochs"], settings["lr"], settings["batch"]) == (5, 0.01, 32)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("method", "rigl"),
        ("method.update_every", 50),
        ("density", "0.05"),
        ("model.hidden", (256, 256)),
        ("recipe.epochs", 5),
        ("recipe.momentum", 0.9),
        ("allocation", "erk"),
        ("data_ratio", "1"),
        ("seed", 3),
    ],
)
def test_a_path_names_a_value(path: str, value: object) -> None:
    assert RIGL.get(path) == value


def test_an_unknown_path_names_the_nearest() -> None:
    with pytest.raises(
        GridError, match=r"^unknown cell field 'recipe.epoch'; .*'recipe.epochs'\?$"
    ):
        RIGL.get("recipe.epoch")


def test_an_option_at_its_default_is_left_to_the_catalogue() -> None:
    with pytest.raises(GridError, match=r"^method.drop_fraction of rigl stands at its default"):
        RIGL.get("method.drop_fraction")


def test_labels_are_short() -> None:
    assert RIGL.label() == "rigl(update_every=50) density=0.05 seed=3"
    assert replace(RIGL, method=Component(name="dense"), density="1").label() == "dense seed=3"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "unknown cell field 'colour'; allowed:"),
        ({"density": "0.050"}, "density is '0.050'; allowed: the canonical text of a fraction"),
        ({"density": 0.05}, "density is 0.05; allowed: the canonical text of a fraction"),
        ({"density": "2"}, "density is 2.0; allowed: a number > 0 and <= 1"),
        ({"seed": 3.0}, "seed is 3.0; allowed: an integer"),
        ({"seed": True}, "seed is true; allowed: an integer"),
        ({"method": 3}, "method is 3; allowed: a name, or a mapping with one"),
        ({"method": {"update_every": 3}}, "method is {update_every: 3}; allowed: a name"),
        ({"model": {"name": "mlp", "hidden": {}}}, "an option is {}; allowed:"),
        ({"recipe": [1]}, "recipe is [1]; allowed: a mapping of fields"),
        ({"recipe": {"epoch": 1}}, "unknown recipe field 'epoch'; allowed:"),
        ({"recipe": {"epochs": 0}}, "epochs is 0; allowed: an integer >= 1"),
        ({"semantics": 2}, "semantics is 2; allowed: a mapping"),
    ],
)
def test_a_mapping_that_is_no_canonical_cell_is_refused(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(GridError) as caught:
        Cell.from_canonical(RIGL.canonical() | change)
    assert str(caught.value).startswith(message)


def test_a_canonical_cell_that_lacks_a_field_is_refused() -> None:
    with pytest.raises(GridError, match=r"^a canonical cell lacks method, seed$"):
        Cell.from_canonical({"density": "1", "dataset": "digits", "model": "mlp"})
