"""report: one HTML file about grids, to be sent to others."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.arguments import DEFAULT_STORE, StoreFolder, deliver
from orchestrator.commands.asking import NOTHING, Spread, Where, conditions

_DEFAULT_OUTPUT = Path("report.html")


def report(
    grids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[GRID ...]", help="Grids that were run; by default the last one."),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")
    ] = _DEFAULT_OUTPUT,
    values: Annotated[
        list[str],
        typer.Option(
            "--value",
            metavar="NAME,...",
            help="Measurements, the first is the headline. Repeatable.",
        ),
    ] = ["test_accuracy"],  # noqa: B006 - typer reads the default, nobody changes it
    rows: Annotated[
        str | None,
        typer.Option(
            "--rows", metavar="FIELD,...", help="Cell field that names the rows; by default method."
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="FIELD,...",
            help="Cell field that names the columns; by default density.",
        ),
    ] = None,
    against: Annotated[
        str,
        typer.Option("--against", metavar="ROW", help="The row that others are compared with."),
    ] = "dense",
    spread: Spread = "std",
    confidence: Annotated[
        float, typer.Option("--confidence", help="Of the tables' marks, and of --spread ci.")
    ] = 0.95,
    where: Where = NOTHING,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Write one HTML file that tells all of a grid: works while it runs, needs no network."""
    from orchestrator.answers.naming import fields_in
    from orchestrator.report.material import ReportRequest, gather
    from orchestrator.report.rendering import render
    from orchestrator.slurm.cluster import Slurm
    from orchestrator.store.layout import Store
    from orchestrator.submissions.submission import find_submission

    opened, scheduler = Store.open(store), Slurm()
    asked = ReportRequest(
        values=tuple(dict.fromkeys(name for text in values for name in fields_in(text))),
        rows=rows,
        columns=columns,
        where=conditions(where),
        against=against,
        spread=spread,
        confidence=confidence,
        folder="" if store == DEFAULT_STORE else str(store),
    )
    names: list[str | None] = list(dict.fromkeys(grids)) if grids else [None]
    page = render(
        [gather(opened, find_submission(opened, name), scheduler, asked) for name in names]
    )
    deliver(page, output)
