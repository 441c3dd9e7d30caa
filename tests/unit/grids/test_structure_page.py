"""The studies of structure, and what docs/studies/structure.md says of them."""

import re
from collections import Counter

import pytest

from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.finding import STUDIES
from grids.grid import load

ROOT = STUDIES.parents[1]
PAGE = (ROOT / "docs" / "studies" / "structure.md").read_text(encoding="utf-8")
STUDIED = ("structure", "structure_sources", "structure_efficient")
SOURCES = {"imp", "snip", "rigl", "static", "synflow", "gmp", "set"}


def arms(cells: tuple[Cell, ...], catalogue: Catalogue) -> Counter[tuple[str, ...]]:
    """How many cells have each combination of start, mask and fan-in."""
    fields = [catalogue.fields(cell) for cell in cells]
    names = ("method.start", "method.mask", "method.fan_in")
    return Counter(tuple(str(one[name]) for name in names) for one in fields)


def test_the_number_of_cells_is_that_of_the_page(shipped: Catalogue) -> None:
    listed = re.findall(r"^\| `(structure\w*)` \|.*?\| (\d+) \|", PAGE, re.MULTILINE)
    assert [name for name, _ in listed] == list(STUDIED)
    found = {name: len(load(name, shipped).cells) for name in STUDIED}
    assert found == {name: int(count) for name, count in listed}


@pytest.mark.parametrize(("name", "places"), [("structure", 504), ("structure_ci", 18)])
def test_every_source_meets_every_start_and_mask(
    name: str, places: int, shipped: Catalogue
) -> None:
    cells = load(name, shipped).cells
    combinations = {
        ("same_init", "kept", "dense"): 1,
        ("reshuffle", "kept", "dense"): 1,
        ("sign_reinit", "kept", "dense"): 1,
        ("signed_const", "kept", "dense"): 1,
        ("final_weights", "kept", "dense"): 1,
        ("reinit", "kept", "dense"): 1,
        ("reinit", "shuffled", "dense"): 5,
        ("reinit", "kept", "active"): 1,
        ("reinit", "shuffled", "active"): 5,
    }
    found = arms(cells, shipped)
    random = found.pop(("reinit", "random", "dense"))
    assert found == {arm: places * count for arm, count in combinations.items()}
    assert random == {"structure": 72, "structure_ci": 6}[name]


def test_the_sources_are_the_cells_of_the_study_that_leaves_them(shipped: Catalogue) -> None:
    sources = load("structure_sources", shipped)
    assert {cell.method.name for cell in sources.cells} == SOURCES
    assert sources.artifacts.leave == ("final",)
    retrained = load("structure", shipped).cells
    inner = {one for cell in retrained for one in shipped.inner_methods(cell.method).values()}
    assert inner < {cell.method for cell in sources.cells}
    assert {one.name for one in inner} == SOURCES


def test_the_efficient_variants_are_those_of_the_page(shipped: Catalogue) -> None:
    cells = load("structure_efficient", shipped).cells
    fields = [shipped.fields(cell) for cell in cells]
    growths = Counter(str(one["method.growth"]) for one in fields)
    assert growths == {
        "gradient": 5 * 72,  # RigL and E1
        "candidates": 12 * 72,
        "gradient_then_random": 4 * 72,
        "gradient_subset": 2 * 72,
        "stale_gradient": 4 * 72,
    }
    epochs = {
        160 * float(str(one["method.dense_until"]))
        for one in fields
        if one["method.growth"] in ("candidates", "gradient_then_random", "stale_gradient")
    }
    stops = {160 * float(str(one["method.update_stop"])) for one in fields}
    assert epochs == {0.25, 1.0, 2.0, 5.0}
    assert stops == {0.25, 1.0, 2.0, 5.0, 120.0}


def test_guard_g24_e1_that_stops_when_rigl_does_is_rigl(shipped: Catalogue) -> None:
    rigl = shipped.entry("method", "rigl")
    never = rigl.component({"update_stop": 0.75, "anneal_stop": 0.75})
    assert never == rigl.component({})


def test_the_tests_that_are_named_exist() -> None:
    golden = PAGE.partition("\n## Golden numbers\n")[2]
    paths = re.findall(r"`(\w+(?:/\w+)*/test_\w+\.py)`", golden)
    assert len(set(paths)) > 15
    assert [path for path in paths if not (ROOT / "tests" / path).is_file()] == []
    named = [int(n) for row in re.findall(r"^\| (G[^|]*)\|", golden, re.MULTILINE)
             for n in range_of(row)]  # fmt: skip
    assert sorted(set(named)) == list(range(1, 26))


def range_of(row: str) -> list[int]:
    """The checks that a first column names: "G2, G3" or "G8 to G10"."""
    numbers = [int(n) for n in re.findall(r"G(\d+)", row)]
    return list(range(numbers[0], numbers[-1] + 1)) if " to " in row else numbers
