"""What commands that answer from a store share: options, and the answers that they ask for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from orchestrator.answers.results import Answers

Where = Annotated[
    list[str],
    typer.Option(
        "--where", metavar="KEY=VALUE", help="Use only these cells: density=0.05,0.1. Repeatable."
    ),
]
Rows = Annotated[
    str, typer.Option("--rows", metavar="FIELD,...", help="Cell fields that name the rows.")
]
Columns = Annotated[
    str, typer.Option("--columns", metavar="FIELD,...", help="Cell fields that name the columns.")
]
Average = Annotated[
    list[str],
    typer.Option(
        "--average",
        metavar="FIELD",
        help="Take the mean over this field within each seed. Repeatable.",
    ),
]
Spread = Annotated[
    str, typer.Option("--spread", metavar="std|ci|none", help="What stands behind the mean.")
]
Confidence = Annotated[float, typer.Option("--confidence", help="Of the intervals.")]
Value = Annotated[str, typer.Option("--value", help="The measurement.")]
AllowMixed = Annotated[
    bool,
    typer.Option("--allow-mixed", help="Compare results of different tiers, devices or code."),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead.")
]

NOTHING: list[str] = []
"""The default of options that may be repeated; nobody changes it."""


def conditions(where: list[str]) -> dict[str, list[str]]:
    """The arguments of `--where` as field to values.

    Raises:
        GridError: For one that is not of the form FIELD=VALUE or FIELD=VALUE,VALUE. Commas
            inside brackets are part of a value: `model.hidden=[64, 64]`.
    """
    from grids.problems import GridError

    found: dict[str, list[str]] = {}
    for text in where:
        field, equals, values = text.partition("=")
        if not equals or not field or not values:
            raise GridError(f"--where {text}: write FIELD=VALUE or FIELD=VALUE,VALUE")
        found.setdefault(field, []).extend(_values(values))
    return found


def _values(text: str) -> list[str]:
    """The parts of a text between the commas that stand in no brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def answers_for(store: Path, grid: str | None, where: list[str], allow_mixed: bool) -> "Answers":
    """The answers of the grid that was asked for, by default of the last one that was run.

    Raises:
        StoreError: When there is no such store or grid.
        AnswerError: When a field in `where` does not occur, or results are mixed.
    """
    from orchestrator.answers.noting import select_asked
    from orchestrator.store.layout import Store
    from orchestrator.submissions.submission import find_submission

    opened = Store.open(store)
    submission = find_submission(opened, grid)
    return select_asked(opened, submission, where=conditions(where), allow_mixed=allow_mixed)
