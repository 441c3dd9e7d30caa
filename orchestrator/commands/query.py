"""query: SQL over the records of a store."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.arguments import DEFAULT_STORE, OutputError, StoreFolder, deliver
from orchestrator.commands.asking import Output


def query(
    sql: Annotated[
        str | None,
        typer.Argument(metavar="[SQL]", help="One SELECT; without it, the views are listed."),
    ] = None,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="table|csv|json|markdown|parquet",
            help="How to write the answer; by default as --output ends, else a table.",
        ),
    ] = None,
    output: Output = None,
    tables: Annotated[
        bool, typer.Option("--tables", help="List the views, their columns and what they mean.")
    ] = False,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Ask cells, results, curves, layers, metrics, attempts and packs with SQL. Reads only."""
    from orchestrator.answers.formats import BINARY, rendered
    from orchestrator.answers.query import list_views, run_query
    from orchestrator.store.layout import Store

    form = _format(output_format, output)
    if form == BINARY and output is None and sys.stdout.isatty():
        raise OutputError("parquet is no text for a terminal: give --output FILE, or use a pipe")
    if tables and sql is not None:
        raise OutputError("--tables lists the views; it takes no SQL")
    rows = list_views() if sql is None else run_query(Store.open(store), sql)
    data = rendered(rows, form)
    deliver(data if form == BINARY else data.decode(), output)


def _format(named: str | None, output: Path | None) -> str:
    from grids.problems import unknown
    from orchestrator.answers.formats import FORMATS, SUFFIXES, TEXT

    if named is None:
        return SUFFIXES.get(output.suffix.lower(), TEXT) if output else TEXT
    if named not in FORMATS:
        raise unknown("value of --format", named, tuple(FORMATS))
    return named
