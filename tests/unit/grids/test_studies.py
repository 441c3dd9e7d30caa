"""The shipped studies and the documented examples, read with the catalogue of this code."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from grids.catalogue import Catalogue
from grids.finding import STUDIES, shipped_studies
from grids.grid import load
from grids.problems import GridProblems

ROOT = STUDIES.parents[1]
DOCUMENT = (ROOT / "docs" / "grids.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(# \d+ cells?\n.*?)```", DOCUMENT, flags=re.DOTALL)
MISTAKEN = re.findall(r"```yaml\n([^`]*)```\n\n```text\n(.*?)```", DOCUMENT, flags=re.DOTALL)
OVERRIDES = re.findall(r"--set (?:'([^']+)'|(\S+))", DOCUMENT)


def named_in(text: str, catalogue: Catalogue) -> Catalogue:
    """The catalogue as it was when the text was written: later names are no news for it."""
    words = set(re.findall(r"\w+", text))
    return replace(
        catalogue,
        methods=tuple(entry for entry in catalogue.methods if entry.name in words),
        datasets=tuple(entry for entry in catalogue.datasets if entry.name in words),
    )


def test_there_is_a_small_twin_of_every_study() -> None:
    names = set(shipped_studies())
    assert {name for name in names if not name.endswith("_ci")} == {
        name.removesuffix("_ci") for name in names if name.endswith("_ci")
    }


@pytest.mark.parametrize("name", shipped_studies())
def test_every_study_is_read_without_mistakes_and_bears_its_file_s_name(
    name: str, shipped: Catalogue
) -> None:
    grid = load(name, shipped)
    assert grid.name == name
    assert grid.description
    assert len({cell.id for cell in grid.cells}) == len(grid.cells) > 0


def test_the_demo_has_130_cells_dense_once_per_seed(shipped: Catalogue) -> None:
    cells = load("digits", shipped).cells
    assert Counter(cell.method.name for cell in cells) == {
        "dense": 5,
        "static": 25,
        "snip": 25,
        "gmp": 25,
        "set": 25,
        "rigl": 25,
    }
    assert {cell.density for cell in cells} == {"1", "0.02", "0.05", "0.1", "0.2", "0.5"}
    assert {shipped.fields(cell)["model.hidden"] for cell in cells} == {(256, 256)}


def test_the_demo_s_twin_asks_the_same_methods(shipped: Catalogue) -> None:
    twin, study = load("digits_ci", shipped), load("digits", shipped)
    assert {c.method.name for c in twin.cells} == {c.method.name for c in study.cells}
    assert len(twin.cells) < len(study.cells) / 4


@pytest.mark.parametrize("name", ["zoo", "zoo_ci"])
def test_the_zoo_has_every_method_at_three_densities(name: str, shipped: Catalogue) -> None:
    found: dict[str, set[str]] = {}
    for cell in load(name, shipped).cells:
        found.setdefault(cell.method.name, set()).add(cell.density)
    # One network of a pair says nothing alone; what pairs say is a study of its own.
    assert set(found) == {entry.name for entry in shipped.methods} - {"same_capacity"}
    assert {method for method, own in found.items() if own == {"1"}} == {"dense", "str"}
    assert {frozenset(own) for own in found.values() if own != {"1"}} == {
        frozenset({"0.0625", "0.125", "0.25"})
    }


def test_every_documented_grid_says_how_many_cells_it_has_or_what_is_wrong() -> None:
    assert len(EXAMPLES) + len(MISTAKEN) == DOCUMENT.count("```yaml") > 8


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_documented_example_is_read_without_mistakes(
    text: str, shipped: Catalogue, tmp_path: Path
) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(text)
    promised = int(text.split()[1])
    assert len(load(path, shipped).cells) == promised


@pytest.mark.parametrize(("text", "told"), MISTAKEN)
def test_the_documented_mistakes_are_told_as_documented(
    text: str, told: str, shipped: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("grid.yaml").write_text(text)
    with pytest.raises(GridProblems) as caught:
        load("grid.yaml", named_in(told, shipped))
    assert str(caught.value) + "\n" == told


@pytest.mark.parametrize("text", ["".join(pair) for pair in OVERRIDES])
def test_every_documented_override_is_legal(text: str, shipped: Catalogue) -> None:
    assert load("digits", shipped, [text]).overrides == (text,)
