"""docs/corruptions.md shows the tables that the code computes with."""

from pathlib import Path

import pytest

from trainer.corruptions import CORRUPTIONS

TEXT = (Path(__file__).parents[4] / "docs" / "corruptions.md").read_text(encoding="utf-8")


def shown(section: str) -> dict[str, list[str]]:
    """The rows below a heading: the cells after the name, by name."""
    rows = TEXT.partition(f"### {section}")[2].partition("\n#")[0].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if "| `" in row]
    return {name.strip("`"): rest for name, *rest in cells}


@pytest.mark.parametrize(
    ("section", "table"), [("Sides up to 48 pixels", "small"), ("Longer sides", "large")]
)
def test_tables_are_those_of_the_code(section, table):
    expected = {
        name: [
            ", ".join(chosen.columns),
            *(", ".join(f"{value:g}" for value in row) for row in getattr(chosen, table)),
        ]
        for name, chosen in CORRUPTIONS.items()
    }
    assert shown(section) == expected


def test_every_corruption_says_how_it_differs():
    assert sorted(shown("Sides up")) == sorted(CORRUPTIONS)
    described = TEXT.partition("| corruption | what happens")[2]
    assert all(f"| `{name}` |" in described for name in CORRUPTIONS)
