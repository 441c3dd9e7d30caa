"""Combinations of method, model and density that cannot be trained are refused with their line."""

from pathlib import Path

import pytest

from grids.catalogue import Catalogue, Entry
from grids.grid import load
from grids.legality import check_density, densities_in_words, legal_models
from grids.options import Option
from grids.problems import GridError, GridProblems

GROUPS = Entry(
    name="groups",
    options=(Option(name="m", type="int", default=4, ge=2, le=64),),
    traits={"densities": {"multiple_of_one_over": "m"}},
)
CHAINED = Entry(name="chained", traits={"models": {"trait": "chain"}})
DIVIDING = Entry(name="dividing", traits={"needs_density": True})
PICKY = Entry(name="picky", traits={"models": {"names": ["mlp"]}})
DENSE = Entry(name="dense", traits={"ignores": [{"field": "density", "when": None}]})
CATALOGUE = Catalogue(
    methods=(Entry(name="any"), CHAINED, DENSE, DIVIDING, GROUPS, PICKY),
    allocations=(
        Entry(name="erk"),
        Entry(name="deciding", traits={"ignores": [{"field": "density", "when": None}]}),
    ),
    scenarios=(
        Entry(name="clean"),
        Entry(name="attacked", traits={"needs_pixels": True}),
        Entry(name="chosen", traits={"needs_share": True}),
        Entry(
            name="damaged",
            options=(Option(name="arrays", type="str", default="made", choices=("made", "read")),),
            traits={"datasets": [{"names": ["photos"], "when": {"arrays": "read"}}]},
        ),
    ),
    datasets=(
        Entry(name="digits"),
        Entry(name="photos", traits={"pixels": True}),
        Entry(
            name="maybe",
            options=(Option(name="size", type="int", default=None, nullable=True, ge=1),),
            traits={"pixels": {"unless": {"size": None}}},
        ),
    ),
    models=(
        Entry(name="convnet", traits={"chain": True}),
        Entry(
            name="mlp",
            traits={
                "chain": {"when": {"joined": False}},
                "equal_neighbours": {"joined": "widths"},
            },
            options=(
                Option(name="joined", type="bool", default=False),
                Option(name="widths", type="list[int]", default=(8, 8)),
            ),
        ),
        Entry(name="resnet"),
        Entry(name="wide", traits={"chain": False}),
    ),
)


def cells_of(text: str, folder: Path) -> list[str]:
    return cells_in(f"name: g\nbase: {{dataset: digits}}\n{text}\n", folder)


def cells_in(text: str, folder: Path) -> list[str]:
    path = folder / "grid.yaml"
    path.write_text(text)
    return [cell.label() for cell in load(str(path), CATALOGUE).cells]


def problems_of(text: str, folder: Path) -> list[str]:
    return mistakes_in(f"name: g\nbase: {{dataset: digits}}\n{text}\n", folder)


def mistakes_in(text: str, folder: Path) -> list[str]:
    with pytest.raises(GridProblems) as caught:
        cells_in(text, folder)
    return [line.removeprefix(f"{folder}/grid.yaml:") for line in str(caught.value).splitlines()]


def test_all_mistakes_are_told_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = """axes:
  model: [mlp, resnet]
  method:
    - any
    - chained
    - groups
    - {name: groups, m: 8}
    - picky
  density:
    - 0.25
    - 0.3"""
    groups = "0.25, 0.5, 0.75, 1; nearest: 0.25"
    eighths = "0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1; nearest: 0.25"
    assert problems_of(text, tmp_path) == [
        "7: method chained does not work on model resnet; allowed: convnet, mlp",
        "10: method picky does not work on model resnet; allowed: mlp",
        f"13: density 0.3 is not legal for groups with m: 4; allowed: {groups}",
        f"13: density 0.3 is not legal for groups with m: 8; allowed: {eighths}",
    ]


@pytest.mark.parametrize(
    ("fields", "line"),
    [("scenario: chosen", 5), ("scenario: chosen\n  data_ratio: 1", 6)],
)
def test_a_scenario_that_decides_what_is_kept_needs_a_share(
    tmp_path: Path, fields: str, line: int
) -> None:
    text = f"  model: mlp\n  {fields}\n  method: dense"
    base = "name: g\nbase:\n  dataset: digits\n"
    [told] = mistakes_in(base + text, tmp_path)
    assert told == (
        f"{line}: data_ratio is 1 with scenario chosen, which decides what a share keeps;"
        " give a data_ratio below 1, or write scenario: clean"
    )
    share = base + text.replace("data_ratio: 1", "") + "\n  data_ratio: 0.5"
    assert len(cells_in(share, tmp_path)) == 1


def test_a_scenario_may_take_some_datasets_only_under_some_options(tmp_path: Path) -> None:
    scenario = "scenario: {name: damaged, arrays: read}"
    text = f"name: g\nbase: {{model: mlp, method: dense, dataset: NAME, {scenario}}}"
    assert mistakes_in(text.replace("NAME", "digits"), tmp_path) == [
        "2: scenario damaged with arrays: read does not take dataset digits; allowed: photos"
    ]
    assert len(cells_in(text.replace("NAME", "photos"), tmp_path)) == 1
    assert len(cells_in(text.replace("NAME", "digits").replace("read", "made"), tmp_path)) == 1


def test_a_model_may_be_taken_only_under_some_options(tmp_path: Path) -> None:
    text = """axes:
  density: [0.5]
  method: [any, chained]
  model: [mlp, {name: mlp, joined: true}]"""
    assert problems_of(text, tmp_path) == [
        "5: method chained does not work on model mlp with joined: true"
    ]
    assert len(cells_of(text.replace("any, chained", "chained").replace("true", "false"), tmp_path))


def test_a_switch_of_a_model_that_joins_nothing_is_told_unless_excluded(tmp_path: Path) -> None:
    text = """axes:
  density: [0.5]
  method: [any]
  model: [mlp]
  model.joined: [true, false]
  model.widths: [[8], [8, 9, 8], [9, 8, 8], []]"""
    told = "has no effect with widths: {}, where no two in a row are equal; leave it out (in mlp)"
    found = problems_of(text, tmp_path)
    assert [line.partition(": joined ")[2] for line in found] == [
        told.format(widths) for widths in ("[8]", "[8, 9, 8]", "[]")
    ]
    without = "\nexclude:\n  - {model.joined: true, model.widths: [[8], [8, 9, 8], []]}"
    assert len(cells_of(text + without, tmp_path)) == 5


def test_what_exclude_removes_may_be_anything(tmp_path: Path) -> None:
    text = """axes:
  model: [mlp, resnet]
  method: [any, chained]
  density: [0.3]
exclude:
  - {method: chained, model: resnet}"""
    assert len(cells_of(text, tmp_path)) == 3


def test_included_cells_are_judged_too(tmp_path: Path) -> None:
    text = """include:
  - {method: groups, model: mlp, density: 0.5}
  - {method: groups, model: mlp, density: 0.6}"""
    assert problems_of(text, tmp_path) == [
        "5: density 0.6 is not legal for groups with m: 4; allowed: 0.25, 0.5, 0.75, 1;"
        " nearest: 0.5"
    ]


def test_a_density_without_effect_is_not_judged(tmp_path: Path) -> None:
    text = """axes:
  model: [mlp]
  method: [any, groups]
  allocation: [deciding]"""
    assert len(cells_of(text, tmp_path)) == 2


@pytest.mark.parametrize(
    ("density", "m", "message"),
    [
        ("0.1", 3, "allowed: 1; nearest: 1"),  # a third has no last decimal
        ("0.01", 64, "allowed: multiples of 1 / 64; nearest: 0.015625"),
        ("0.999999999999", 2, "allowed: 0.5, 1; nearest: 1"),
        ("0.625", 4, "nearest: 0.5"),
    ],
)
def test_the_nearest_legal_density_is_named(density: str, m: int, message: str) -> None:
    with pytest.raises(GridError, match=message):
        check_density(GROUPS, density, {"m": m})


def test_every_whole_share_is_legal() -> None:
    for count in range(1, 65):
        check_density(GROUPS, f"{count / 64}".removesuffix(".0"), {"m": 64})


def test_what_is_legal_is_said_in_words() -> None:
    assert legal_models(CHAINED, CATALOGUE) == ("convnet", "mlp")
    assert legal_models(PICKY, CATALOGUE) == ("mlp",)
    assert legal_models(GROUPS, CATALOGUE) is None
    words = [densities_in_words(entry) for entry in (CHAINED, GROUPS, DENSE)]
    assert words == ["any", "multiples of 1 / m", "none to choose"]


def test_an_allocation_that_decides_the_density_may_leave_a_method_nothing_to_do(
    tmp_path: Path,
) -> None:
    text = "axes:\n  method: [any, dividing]\n  model: [mlp]\n  allocation: [deciding]"
    with pytest.raises(GridProblems) as caught:
        cells_of(text, tmp_path)
    assert "grid.yaml:6: allocation deciding decides the density itself" in str(caught.value)
    assert str(caught.value).count("dividing") == 1


def test_what_takes_images_is_refused_on_data_that_has_none(tmp_path: Path) -> None:
    text = """axes:
  scenario:
    - clean
    - attacked
  dataset: [photos, maybe, {name: maybe, size: 8}]
  recipe:
    - {epochs: 1}
    - {flip: true}
    - {crop: 4}
    - {rotation: 0}
base: {model: mlp, method: dense}"""
    flat = "and dataset maybe has none under these options; allowed: photos, maybe"
    path = tmp_path / "grid.yaml"
    path.write_text(f"name: g\n{text}\n")
    with pytest.raises(GridProblems) as caught:
        load(str(path), CATALOGUE)
    assert str(caught.value).replace(f"{path}:", "").splitlines() == [
        f"5: scenario attacked takes images, {flat}",
        f"9: recipe.flip takes images, {flat}",
        f"10: recipe.crop takes images, {flat}",
    ]
