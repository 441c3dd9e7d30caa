"""The catalogue: plain data in and out, entries by name, and all fields of a cell."""

import pytest

from grids.catalogue import Catalogue
from grids.cell import Cell, Component
from grids.problems import GridError


def test_a_catalogue_survives_the_way_through_json(catalogue: Catalogue) -> None:
    assert Catalogue.from_json(catalogue.to_json()) == catalogue
    assert Catalogue.from_json(catalogue.to_json().encode()).to_json() == catalogue.to_json()


def test_an_entry_is_found_by_its_name(catalogue: Catalogue) -> None:
    assert catalogue.entry("method", "rigl").option("update_every").default == 100


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        (
            "method",
            "rgl",
            "unknown method 'rgl'; allowed: dense, gmp, rigl, set, snip, static; did you mean "
            "'rigl'?",
        ),
        ("model", "vit", "unknown model 'vit'; allowed: convnet, mlp"),
        (
            "methods",
            "rigl",
            "unknown kind of entry 'methods'; allowed: allocation, dataset, method, model, "
            "probe, scenario; did you mean 'method'?",
        ),
    ],
)
def test_an_unknown_entry_names_the_nearest(
    catalogue: Catalogue, kind: str, name: str, message: str
) -> None:
    with pytest.raises(GridError) as caught:
        catalogue.entry(kind, name)
    assert str(caught.value) == message


def test_an_unknown_option_names_whose_options_there_are(catalogue: Catalogue) -> None:
    with pytest.raises(GridError, match=r"^unknown option 'with' of convnet; allowed: width;"):
        catalogue.entry("model", "convnet").option("with")


def test_a_component_holds_only_what_differs_from_the_defaults(catalogue: Catalogue) -> None:
    entry = catalogue.entry("method", "rigl")
    given = {"update_every": 100, "drop_fraction": 0.5}
    assert entry.component(given) == Component(name="rigl", options=(("drop_fraction", 0.5),))


def test_what_a_method_ignores_may_depend_on_its_options(catalogue: Catalogue) -> None:
    gmp = catalogue.entry("method", "gmp")
    assert gmp.ignores(Component(name="gmp")) == {"allocation"}
    assert gmp.ignores(Component(name="gmp", options=(("scope", "layer"),))) == set()
    assert catalogue.entry("method", "dense").ignores(Component(name="dense")) == {
        "density",
        "allocation",
    }


def test_the_fields_of_a_cell_are_flat_with_every_default(catalogue: Catalogue) -> None:
    cell = Cell(
        method=Component(name="rigl", options=(("update_every", 50),)),
        density="0.05",
        dataset=Component(name="digits"),
        model=Component(name="mlp"),
        recipe=(("epochs", 5),),
        seed=3,
    )
    fields = catalogue.fields(cell)
    expected = {
        "method": "rigl",
        "method.update_every": 50,
        "method.drop_fraction": 0.3,
        "density": "0.05",
        "allocation": "erk",
        "scenario": "clean",
        "model.hidden": (300, 100),
        "model.dropout": None,
        "data_ratio": "1",
        "recipe.epochs": 5,
        "recipe.lr": 0.1,
        "seed": 3,
    }
    assert {path: fields[path] for path in expected} == expected
