"""compare: what changed between two stores, grids or runs, and whether it is noise."""

from typing import Annotated

import typer

from orchestrator.commands.arguments import DEFAULT_STORE, StoreFolder, deliver
from orchestrator.commands.asking import NOTHING, Output, Value, Where, conditions


def compare(
    first: Annotated[
        str,
        typer.Argument(metavar="A", help="A store, a grid that was run, or a certain run: GRID@2."),
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="What to compare it with.")],
    grid: Annotated[
        str | None,
        typer.Option("--grid", metavar="GRID", help="Of stores, compare the cells of this grid."),
    ] = None,
    vary: Annotated[
        list[str],
        typer.Option(
            "--vary", metavar="FIELD", help="It differs by design; else inferred. Repeatable."
        ),
    ] = NOTHING,
    value: Value = "test_accuracy",
    where: Where = NOTHING,
    output_format: Annotated[
        str, typer.Option("--format", metavar="text|markdown|csv|json", help="How to write it.")
    ] = "text",
    output: Output = None,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Compare two stores, grids or runs: what changed, by how much, and is it noise.

    Ends with 0; with 1 when both measured a cell of which equal bits are promised, and got others.
    """
    from orchestrator.keeping.comparing import compare as compare_sides
    from orchestrator.keeping.comparison_text import render
    from orchestrator.keeping.sides import read_side

    kept = conditions(where)
    one, other = (read_side(given, store, grid, kept) for given in (first, second))
    found = compare_sides(one, other, value=value, vary=vary)
    deliver(render(found, output_format), output)
    raise typer.Exit(1 if found.broken else 0)
