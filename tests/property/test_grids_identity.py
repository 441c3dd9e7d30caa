"""What a cell's id depends on, and what it does not, for any cell and any grid."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from grids import recipe
from grids.catalogue import Catalogue, Entry
from grids.cell import Cell
from grids.grid import build_grid, read_grid
from grids.options import Option, fraction_text

CATALOGUE = Catalogue.from_json(
    (Path(__file__).parents[1] / "unit" / "grids" / "catalogue.json").read_text()
)

names = st.text(min_size=1, max_size=12)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=12)
options = st.dictionaries(
    names.filter(lambda name: name != "name"), scalars | st.lists(scalars), max_size=4
)
components = names | st.builds(
    lambda name, given: {**given, "name": name}, names, options.filter(bool)
)
fractions = st.integers(1, 10**6).map(lambda count: fraction_text(count / 10**6, "density"))


def recipe_field(option: Option) -> st.SearchStrategy[Any]:
    """Legal values of a recipe field."""
    if option.choices is not None:
        return st.sampled_from(option.choices)
    strategies: dict[str, st.SearchStrategy[Any]] = {
        "int": st.integers(1, 1000),
        "float": st.floats(0.001, 0.999),
        "bool": st.booleans(),
        "list[float]": st.lists(st.floats(0.001, 0.999)),
    }
    return strategies[option.type]


recipes = st.fixed_dictionaries(
    {}, optional={option.name: recipe_field(option) for option in recipe.RECIPE}
)
canonicals = st.fixed_dictionaries(
    {
        "method": components,
        "density": fractions,
        "dataset": components,
        "model": components,
        "seed": st.integers(0, 2**32 - 1),
    },
    optional={
        "allocation": components.filter(lambda part: part != "erk"),
        "scenario": components.filter(lambda part: part != "clean"),
        "data_ratio": fractions.filter(lambda ratio: ratio != "1"),
        "recipe": recipes.filter(bool),
        "semantics": st.dictionaries(names, st.integers(2, 9), min_size=1, max_size=3),
    },
)


@given(canonicals)
def test_canonical_and_from_canonical_are_inverse(canonical: dict[str, Any]) -> None:
    cell = Cell.from_canonical(canonical)
    again = Cell.from_canonical(cell.canonical())
    assert cell.canonical() == canonical
    assert again == cell
    assert again.id == cell.id


@given(canonicals)
def test_the_canonical_text_is_what_json_writes_sorted_and_without_spaces(
    canonical: dict[str, Any],
) -> None:
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"))
    assert Cell.from_canonical(canonical).canonical_json() == text


@given(canonicals, st.randoms())
def test_the_order_of_keys_never_matters(canonical: dict[str, Any], random: Any) -> None:
    shuffled = dict(random.sample(list(canonical.items()), len(canonical)))
    assert Cell.from_canonical(shuffled).id == Cell.from_canonical(canonical).id


@given(canonicals, canonicals)
def test_cells_are_equal_exactly_when_their_ids_are(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, second = Cell.from_canonical(one), Cell.from_canonical(other)
    assert (first.id == second.id) == (first.canonical_json() == second.canonical_json())
    assert replace(first, seed=first.seed + 1).id != first.id


@given(st.sampled_from(CATALOGUE.methods), st.integers(1, 99), st.sampled_from(["int", "float"]))
def test_an_option_added_with_its_default_moves_no_id(
    entry: Entry, default: int, kind: str
) -> None:
    added = Option(name="added_later", type=kind, default=default)
    richer = replace(entry, options=(*entry.options, added))
    given_options = {option.name: option.default for option in entry.options}
    assert richer.component({**given_options, "added_later": default}) == entry.component({})


@given(st.decimals(Decimal("1e-6"), 1, places=6), st.sampled_from(["{}", "{:f}0", "{:e}"]))
def test_a_density_has_one_text_however_it_is_written(density: Decimal, form: str) -> None:
    written = float(form.format(density))
    assert Decimal(fraction_text(written, "density")) == density
    assert fraction_text(written, "density") == fraction_text(float(density), "density")


axes = st.lists(
    st.sampled_from(["dense", "gmp", "rigl", "set", "snip", "static"]), min_size=1, unique=True
)
densities = st.lists(st.sampled_from([0.01, 0.05, 0.1, 0.5, 1]), min_size=1, unique=True)


@given(axes, densities, st.integers(1, 4))
def test_a_grid_has_every_combination_once_in_the_order_of_the_file(
    tmp_path_factory: Any, methods: list[str], kept: list[float], seeds: int
) -> None:
    path = tmp_path_factory.mktemp("grid") / "grid.yaml"
    document = {
        "base": {"dataset": "digits", "model": "mlp"},
        "axes": {"method": methods, "density": kept},
        "seeds": seeds,
    }
    if methods == ["dense"]:
        del document["axes"]["density"]  # type: ignore[attr-defined]
    path.write_text(json.dumps(document))
    cells = build_grid(read_grid(path), CATALOGUE).cells
    expected = [
        (method, seed, fraction_text(density, "density"))
        for method in methods
        for density in (kept if method != "dense" else [1])
        for seed in range(seeds)
    ]
    assert [(cell.method.name, cell.seed, cell.density) for cell in cells] == expected
    assert len({cell.id for cell in cells}) == len(cells)
