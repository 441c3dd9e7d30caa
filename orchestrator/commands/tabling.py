"""table: mean and spread over the seeds, by two fields."""

from typing import Annotated

import typer

from orchestrator.commands.arguments import DEFAULT_STORE, StoreFolder, SubmittedGrid, deliver
from orchestrator.commands.asking import AllowMixed, Output, Value, Where, answers_for


def table(
    grid: SubmittedGrid = None,
    rows: Annotated[str, typer.Option("--rows", help="Cell field that names the rows.")] = "method",
    columns: Annotated[
        str, typer.Option("--columns", help="Cell field that names the columns.")
    ] = "density",
    value: Value = "test_accuracy",
    where: Where = [],  # noqa: B006 - typer reads the default, nobody changes it
    output_format: Annotated[
        str, typer.Option("--format", metavar="text|markdown|csv|latex", help="How to write it.")
    ] = "text",
    best: Annotated[
        bool, typer.Option("--best", help="The best mean of each column in bold.")
    ] = False,
    allow_mixed: AllowMixed = False,
    output: Output = None,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Show mean and standard deviation over the seeds of a grid's cells."""
    from orchestrator.tables.table import build_table

    answers = answers_for(store, grid, where, allow_mixed)
    text = build_table(answers, rows=rows, columns=columns, value=value).render(
        output_format, best=best
    )
    deliver(text, output)
