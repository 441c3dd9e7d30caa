"""stats: whether differences to a reference row are real, and how rows rank."""

from typing import Annotated

import typer

from orchestrator.commands.arguments import DEFAULT_STORE, StoreFolder, SubmittedGrid, deliver
from orchestrator.commands.asking import (
    NOTHING,
    AllowMixed,
    Average,
    Columns,
    Confidence,
    Output,
    Rows,
    Value,
    Where,
    answers_for,
)


def stats(
    grid: SubmittedGrid = None,
    against: Annotated[
        str, typer.Option("--against", metavar="ROW", help="The row to compare all others with.")
    ] = "dense",
    rows: Rows = "method",
    columns: Columns = "density",
    value: Value = "test_accuracy",
    where: Where = NOTHING,
    average: Average = NOTHING,
    confidence: Confidence = 0.95,
    test: Annotated[
        str,
        typer.Option("--test", metavar="t|wilcoxon", help="Whose p is corrected for being many."),
    ] = "t",
    output_format: Annotated[
        str,
        typer.Option(
            "--format", metavar="text|markdown|csv|latex|html|json", help="How to write it."
        ),
    ] = "text",
    allow_mixed: AllowMixed = False,
    output: Output = None,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Compare rows with a reference, paired by seed: intervals, tests and average ranks."""
    from orchestrator.contrasts.building import build_comparison
    from orchestrator.contrasts.formats import check_format, render

    check_format(output_format)
    comparison = build_comparison(
        answers_for(store, grid, where, allow_mixed),
        rows=rows,
        columns=columns,
        value=value,
        average=average,
        against=against,
        confidence=confidence,
        test=test,
    )
    deliver(render(comparison, output_format), output)
