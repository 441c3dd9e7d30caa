"""plot: figures of a grid's answers."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    StoreFolder,
    SubmittedGrid,
    deliver,
)
from orchestrator.commands.asking import NOTHING, AllowMixed, Output, Where, answers_for

_DENSITY = "density"

Drawn = Annotated[str, typer.Option("--kind", help="What to draw: density, layers, curves.")]
Measured = Annotated[
    str | None,
    typer.Option("--value", help="The measurement, or curve; by default that of the kind."),
]
By = Annotated[str, typer.Option("--by", metavar="FIELD", help="What has a line each.")]
Over = Annotated[
    str | None, typer.Option("--x", metavar="FIELD", help="What lies along the axis below.")
]
Facet = Annotated[
    list[str],
    typer.Option(
        "--facet", metavar="FIELD", help="Draw a panel for each of its values. Repeatable."
    ),
]
Confidence = Annotated[
    float, typer.Option("--confidence", min=0.5, max=0.9999, help="Of the intervals.")
]
XLog = Annotated[bool | None, typer.Option("--x-log/--x-linear", help="Scale of the axis below.")]
YLog = Annotated[
    bool | None, typer.Option("--y-log/--y-linear", help="Scale of the axis at the left.")
]
Width = Annotated[
    str | None,
    typer.Option(
        "--width", metavar="column|page|INCHES", help="Width in print, with text of 8 points."
    ),
]


def plot(
    grid: SubmittedGrid = None,
    kind: Drawn = _DENSITY,
    output: Output = None,
    value: Measured = None,
    by: By = "method",
    x: Over = None,
    facet: Facet = NOTHING,
    where: Where = NOTHING,
    confidence: Confidence = 0.95,
    x_log: XLog = None,
    y_log: YLog = None,
    width: Width = None,
    allow_mixed: AllowMixed = False,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Draw a figure, by default accuracy over density: SVG, PDF or PNG, by the file's suffix."""
    from orchestrator.plots.choices import Choices
    from orchestrator.plots.drawing import drawn
    from orchestrator.plots.material import gather
    from orchestrator.plots.style import SCREEN, paper_of
    from orchestrator.store.layout import Store

    choices = Choices(
        value=value, by=by, x=x, facet=tuple(facet) or None, confidence=confidence,
        x_log=x_log, y_log=y_log, paper=SCREEN if width is None else paper_of(width),
    )  # fmt: skip
    answers = answers_for(store, grid, where, allow_mixed)
    target = output or _own_name(store, grid, kind)
    deliver(drawn(kind, gather(Store.open(store), answers), target.suffix, choices), target)


def _own_name(store: Path, grid: str | None, kind: str) -> Path:
    """The file of a figure for which none is named."""
    from orchestrator.store.layout import Store
    from orchestrator.submissions.submission import find_submission

    name = find_submission(Store.open(store), grid).grid
    return Path(f"{name}.svg" if kind == _DENSITY else f"{name}_{kind}.svg")
