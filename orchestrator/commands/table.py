"""table: means and spreads over the seeds, by any fields of the cells."""

from typing import Annotated

import typer

from orchestrator.commands.arguments import DEFAULT_STORE, StoreFolder, SubmittedGrid, deliver
from orchestrator.commands.asking import (
    NOTHING,
    AllowMixed,
    Average,
    Columns,
    Output,
    Rows,
    Spread,
    Where,
    answers_for,
)


def table(
    grid: SubmittedGrid = None,
    rows: Rows = "method",
    columns: Columns = "density",
    value: Annotated[
        str, typer.Option("--value", metavar="NAME,...", help="The measurements.")
    ] = "test_accuracy",
    where: Where = NOTHING,
    average: Average = NOTHING,
    spread: Spread = "std",
    confidence: Annotated[
        float | None,
        typer.Option("--confidence", help="Of --spread ci and --against; by default 0.95."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against", metavar="ROW", help="Mark entries that differ from this row, say dense."
        ),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option("--test", metavar="t|wilcoxon", help="Of --against; by default t."),
    ] = None,
    best: Annotated[
        bool, typer.Option("--best", help="Mark the best mean of each column, in bold.")
    ] = False,
    output_format: Annotated[
        str,
        typer.Option("--format", metavar="text|markdown|csv|latex|html", help="How to write it."),
    ] = "text",
    caption: Annotated[str, typer.Option("--caption", help="What the caption begins with.")] = "",
    label: Annotated[
        str, typer.Option("--label", help=r"LaTeX: its name for \ref, such as tab:digits.")
    ] = "",
    wide: Annotated[
        bool, typer.Option("--wide", help="LaTeX: take both columns of a two-column paper.")
    ] = False,
    allow_mixed: AllowMixed = False,
    output: Output = None,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Show means and their spread over the seeds of a grid's cells."""
    from orchestrator.tables.table import build_table

    _check_effect(spread, confidence, against, test)
    answers = answers_for(store, grid, where, allow_mixed)
    asked = build_table(
        answers,
        rows=rows,
        columns=columns,
        value=value,
        average=average,
        spread=spread,
        confidence=0.95 if confidence is None else confidence,
        against=against,
        test=test or "t",
    )
    text = asked.render(output_format, best=best, caption=caption, label=label, wide=wide)
    deliver(text, output)


def _check_effect(
    spread: str, confidence: float | None, against: str | None, test: str | None
) -> None:
    """Refuse options that would change nothing.

    Raises:
        AnswerError: For a confidence of nothing, and a test against nothing.
    """
    from orchestrator.answers.results import AnswerError

    if confidence is not None and spread != "ci" and against is None:
        raise AnswerError("--confidence has an effect with --spread ci or --against only")
    if test is not None and against is None:
        raise AnswerError("--test has an effect with --against only")
