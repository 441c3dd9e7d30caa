"""Options that hold a method: written, checked, kept, told and compared as a method is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from grids.catalogue import Catalogue, Entry
from grids.cell import Cell
from grids.grid import Grid, load
from grids.method_texts import method_text, method_words
from grids.options import Option
from grids.problems import GridProblems
from grids.schema import json_schema
from orchestrator.planning.needs import needs_of

BASE = "base: {dataset: digits, model: mlp, method: retrain, density: 0.1}\n"
SET_TEXT = '{"drop_fraction":0.2,"name":"set"}'


@pytest.fixture
def read(
    shipped: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Grid]:
    monkeypatch.chdir(tmp_path)

    def read_text(text: str, *overrides: str) -> Grid:
        Path("grid.yaml").write_text(text)
        return load("grid.yaml", shipped, overrides)

    return read_text


@pytest.fixture
def told(read: Callable[..., Grid]) -> Callable[..., str]:
    def mistakes(*given: str) -> str:
        with pytest.raises(GridProblems) as caught:
            read(*given)
        return str(caught.value)

    return mistakes


def methods(grid: Grid) -> list[str]:
    return [str(cell.method) for cell in grid.cells]


def test_a_text_is_a_name_or_canonical_json() -> None:
    assert method_text("rigl") == method_text({"name": "rigl"}) == "rigl"
    assert method_text({"name": "set", "drop_fraction": 0.2}) == SET_TEXT
    assert method_text(SET_TEXT) == SET_TEXT
    assert method_words(SET_TEXT) == "set(drop_fraction=0.2)"
    assert method_words("rigl") == "rigl"
    assert method_words("{not json") == "{not json"
    for wrong in (3, None, [], ["rigl"], {"drop": "signed"}, {"name": 3}):
        with pytest.raises(ValueError, match="is no method: give its name, or a mapping"):
            method_text(wrong)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("rigl", None),
        ("{name: rigl}", None),
        ("{name: rigl, update_every: 100}", None),
        ("set", "set"),
        ("{drop_fraction: 0.2, name: set}", SET_TEXT),
        ("{name: set, update_every: 100, drop_fraction: 2/10}", SET_TEXT),
    ],
)
def test_a_method_is_kept_in_one_spelling_without_defaults(
    written: str, kept: str | None, read: Callable[..., Grid]
) -> None:
    inside = read(f"{BASE.replace('retrain', f'{{name: retrain, source: {written}}}')}")
    dotted = read(f"{BASE}axes: {{method.source: [{written}]}}\n")
    flag = read(BASE, f"method.source={written}")
    for grid in (inside, dotted, flag):
        assert [cell.method.get("source") for cell in grid.cells] == [kept]
    assert Cell.from_canonical(inside.cells[0].canonical()) == inside.cells[0]


def test_an_axis_of_methods_is_labelled_readably(read: Callable[..., Grid]) -> None:
    axis = "axes: {method.source: [rigl, {name: set, drop_fraction: 0.2}]}\n"
    assert [cell.label() for cell in read(BASE + axis).cells] == [
        "retrain density=0.1 seed=0",
        "retrain(source=set(drop_fraction=0.2)) density=0.1 seed=0",
    ]


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ("method.source: rigl", ["set(drop_fraction=0.2)", "snip"]),
        ("method.source: {name: set, drop_fraction: 0.2}", ["rigl", "snip"]),
        ("method.source: [snip, {name: set, drop_fraction: 0.2}]", ["rigl"]),
        ("method.source: '!=snip'", ["snip"]),
        ("method: {name: retrain, source: snip}", ["rigl", "set(drop_fraction=0.2)"]),
    ],
)
def test_exclude_compares_methods(
    rule: str, left: list[str], read: Callable[..., Grid], shipped: Catalogue
) -> None:
    axis = "axes: {method.source: [rigl, {name: set, drop_fraction: 0.2}, snip]}\n"
    cells = read(f"{BASE}{axis}exclude: [{{{rule}}}]\n").cells
    found = [method_words(str(shipped.fields(cell)["method.source"])) for cell in cells]
    assert found == left


MISTAKES = [
    ("rigle", "grid.yaml:2: unknown method 'rigle'; allowed: acdc,"),
    ("rigle", "did you mean 'rigl'?"),
    ("{name: rigl, update_evry: 5}", "unknown option 'update_evry' of rigl; allowed: anneal,"),
    ("{name: rigl, update_evry: 5}", "did you mean 'update_every'?"),
    ("{name: rigl, drop_fraction: 2}", "drop_fraction of rigl in method.source of retrain is 2;"),
    (
        "{name: set, anneal: constant, final_drop_fraction: 0.1}",
        "final_drop_fraction has no effect",
    ),
    ("retrain", "method.source of retrain is retrain, which itself builds on another method"),
    ("dense", "method.source of retrain is dense, which keeps every weight"),
    ("small_dense", "method.source of retrain is small_dense, which trains a network of another"),
    ("5", "method.source of retrain is 5; allowed: a name, or a mapping"),
    ("[rigl, set]", "method.source of retrain is ['rigl', 'set']; allowed: a name, or"),
    (
        "{drop_fraction: 0.2}",
        "method.source of retrain is {drop_fraction: 0.2}; allowed: a name",
    ),
    ("null", "method.source of retrain is null; allowed: a name, or"),
]


@pytest.mark.parametrize(("written", "message"), MISTAKES)
def test_mistakes_are_told_with_their_line(
    written: str, message: str, told: Callable[..., str]
) -> None:
    base = BASE.replace(", method: retrain", "")
    found = told(f"{base}axes: {{method: [{{name: retrain, source: {written}}}]}}\n")
    assert found.startswith("grid.yaml:2: ")
    assert message in found


def test_each_mistake_inside_a_method_has_its_own_line(told: Callable[..., str]) -> None:
    found = told(
        "base:\n  dataset: digits\n  model: mlp\n  density: 0.1\n  method:\n    name: retrain\n"
        "    source:\n      name: rigl\n      update_evry: 5\n      drop_fraction: 7\n"
    ).splitlines()
    assert [line.split(" ")[0] for line in found] == ["grid.yaml:9:", "grid.yaml:10:"]


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (
            "{name: retrain, source: n_m}, density: 0.3",
            "density 0.3 is not legal for n_m with m: 4",
        ),
        (
            "{name: retrain, source: set_np}, model: resnet18",
            "set_np does not work on model resnet18",
        ),
    ],
)
def test_a_source_must_be_legal_with_model_and_density(
    base: str, message: str, told: Callable[..., str]
) -> None:
    model = "" if "model" in base else "model: mlp, "
    density = "" if "density" in base else ", density: 0.5"
    text = f"base: {{dataset: synthetic_images, {model}method: {base}{density}}}\n"
    assert message in told(text)


def test_a_source_without_effect_is_a_mistake_and_is_not_judged(
    told: Callable[..., str], read: Callable[..., Grid]
) -> None:
    text = BASE.replace("method: retrain", "method: {name: retrain, mask: random, source: set}")
    assert "source has no effect with mask: random; leave it out" in told(text)
    assert len(read(text.replace(", source: set", "")).cells) == 1


def test_what_a_source_ignores_makes_no_further_cells(read: Callable[..., Grid]) -> None:
    axes = "axes: {density: [0.1], allocation: [erk, uniform], method.source: [imp, rigl]}\n"
    text = BASE.replace(", density: 0.1", "") + axes
    assert [(str(c.method), c.allocation.name) for c in read(text).cells] == [
        ("retrain(source=imp)", "erk"),
        ("retrain", "erk"),
        ("retrain", "uniform"),
    ]


def test_a_source_that_finds_its_density_takes_none(read: Callable[..., Grid]) -> None:
    text = BASE.replace(", density: 0.1", "").replace("retrain", "{name: retrain, source: str}")
    [cell] = read(text).cells
    assert cell.density == "1"


@pytest.mark.parametrize(
    ("source", "chain"),
    [
        ("rigl", ["rigl density=0.1"]),
        ("{name: set, update_every: 7}", ["set(update_every=7) density=0.1"]),
        ("lth", ["lth density=0.1", "dense"]),
        (
            "{name: imp, rate: 0.5, rewind_step: 2}",
            [
                *(f"imp(rate=0.5, rewind_step=2) density={d}" for d in (0.1, 0.125, 0.25, 0.5)),
                "dense",
            ],
        ),
    ],
)
def test_the_producer_is_the_same_cell_of_the_source_and_what_that_needs_follows(
    source: str, chain: list[str], read: Callable[..., Grid], shipped: Catalogue
) -> None:
    [cell] = read(BASE.replace("retrain", f"{{name: retrain, source: {source}}}")).cells
    found = []
    while needs := needs_of(cell, shipped):
        assert needs[0].artifact == "final"
        cell = needs[0].producer
        found.append(cell.label())
    assert found == [f"{label} seed=0" for label in chain]


def test_the_producer_is_the_cell_that_a_grid_of_the_source_has(
    read: Callable[..., Grid], shipped: Catalogue
) -> None:
    text = BASE.replace(
        "retrain", "{name: retrain, mask: shuffled, source: {name: set, drop: taylor}}"
    )
    [need] = needs_of(read(text).cells[0], shipped)
    [cell] = read(BASE.replace("retrain", "{name: set, drop: taylor}")).cells
    assert need.producer.id == cell.id


def test_the_seed_of_the_source_is_that_of_the_producer(
    read: Callable[..., Grid], shipped: Catalogue
) -> None:
    text = BASE.replace("retrain", "{name: retrain, source_seed: 7}") + "seeds: [2]\n"
    [cell] = read(text).cells
    [need] = needs_of(cell, shipped)
    assert (cell.seed, need.producer.seed, need.input) == (2, 7, "final")


def versioned(shipped: Catalogue, **semantics: int) -> Catalogue:
    """The catalogue with the semantics of some methods raised."""
    plain = {
        "methods": [
            {**entry.plain(), "semantics": semantics.get(entry.name, entry.semantics)}
            for entry in shipped.methods
        ]
    }
    others = {
        kind: [entry.plain() for entry in shipped.entries(kind.removesuffix("s"))]
        for kind in ("allocations", "scenarios", "datasets", "models")
    }
    return Catalogue.from_json(plain | others)


def test_raised_semantics_of_the_source_move_the_ids_of_both(
    shipped: Catalogue, tmp_path: Path
) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(BASE)
    [before] = load(path, shipped).cells
    raised = versioned(shipped, rigl=3)
    [after] = load(path, raised).cells
    assert (before.semantics, after.semantics) == ((), (("method.source", 3),))
    assert before.id != after.id
    [need] = needs_of(after, raised)
    assert need.producer.semantics == (("method", 3),)
    own = versioned(shipped, retrain=2)
    [need] = needs_of(load(path, own).cells[0], own)
    assert need.producer.semantics == ()


def test_packages_of_sources_are_known(shipped: Catalogue, tmp_path: Path) -> None:
    theirs = Entry(name="theirs", distribution="ourlab", traits={"density": "exact"})
    catalogue = Catalogue(
        methods=(*shipped.methods, theirs), allocations=shipped.allocations,
        scenarios=shipped.scenarios, datasets=shipped.datasets, models=shipped.models,
    )  # fmt: skip
    path = tmp_path / "grid.yaml"
    path.write_text(BASE.replace("retrain", "{name: retrain, source: theirs}"))
    cells = load(path, catalogue).cells
    assert catalogue.distributions(cells) == {"ourlab"}


def test_the_schema_takes_a_method_there(shipped: Catalogue) -> None:
    schema = json_schema(shipped)
    option = schema["definitions"]["fields"]["properties"]["method.source"]
    assert option["allOf"] == [{"$ref": "#/definitions/method"}]
    assert option["default"] == "rigl"


def test_an_option_alone_checks_the_form() -> None:
    option = Option(name="source", type="method", default="rigl")
    assert option.check({"name": "set", "drop_fraction": 0.2}) == SET_TEXT
    assert option.allowed() == "a method by its name, or a mapping {name: ..., option: ...}"
