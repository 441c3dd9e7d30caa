"""Widths that a method scales, judged when a grid is read: all have units, and the same joins."""

from pathlib import Path

import pytest

from grids.catalogue import Catalogue
from grids.grid import load
from grids.problems import GridProblems

TEXT = """name: g
base:
  dataset: digits
  method: same_capacity
axes:
  method.role: [sparse, dense]
  method.width:
    - WIDTH
    - 0.5
  model:
    - {name: mlp, hidden: HIDDEN, skip: SKIP}
"""


def mistakes_of(catalogue: Catalogue, folder: Path, text: str) -> list[str]:
    path = folder / "grid.yaml"
    path.write_text(text)
    try:
        load(str(path), catalogue)
    except GridProblems as found:
        return [line.removeprefix(f"{path}:") for line in str(found).splitlines()]
    return []


def grid(hidden: str, skip: str, width: str) -> str:
    return TEXT.replace("HIDDEN", hidden).replace("SKIP", skip).replace("WIDTH", width)


@pytest.mark.parametrize(
    ("hidden", "skip", "width", "told"),
    [
        ("[20, 30]", "false", "0.025", ""),
        (
            "[20, 30]",
            "false",
            "0.01",
            "makes hidden: [20, 30] into [0, 0], a layer without units; allowed: >= 0.025",
        ),
        (
            "[19, 190]",
            "false",
            "0.02",
            "makes hidden: [19, 190] into [0, 4], a layer without units; allowed: >= 0.0264",
        ),
        ("[20, 20, 17]", "true", "0.1", "[2, 2, 2], where skip joins layers that it does not"),
        ("[20, 20, 17]", "false", "0.1", ""),
        ("[20, 20, 14]", "true", "0.1", ""),
    ],
)
def test_a_share_of_the_widths_is_told_with_its_line_once_for_both_roles(
    shipped: Catalogue, tmp_path: Path, hidden: str, skip: str, width: str, told: str
) -> None:
    found = mistakes_of(shipped, tmp_path, grid(hidden, skip, width))
    assert len(found) == bool(told)
    for line in found:
        assert line.startswith(f"8: width {width} of same_capacity makes hidden: ")
        assert told in line


def test_a_width_inside_the_method_is_blamed_where_the_method_stands(
    shipped: Catalogue, tmp_path: Path
) -> None:
    text = """name: g
base: {dataset: digits}
axes:
  method:
    - {name: same_capacity, width: 0.001}
  model: [convnet]"""
    [line] = mistakes_of(shipped, tmp_path, text)
    assert line == (
        "5: width 0.001 of same_capacity makes channels: [32, 64] into [0, 0], a layer without"
        " units; allowed: >= 0.0157"
    )
