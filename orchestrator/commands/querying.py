"""query: SQL over the records of a store."""

import sys
from typing import Annotated, Any

import typer

from orchestrator.commands.arguments import DEFAULT_STORE, StoreFolder, write

_FORMATS = ("table", "csv", "json")


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT over the store's tables.")],
    output_format: Annotated[
        str, typer.Option("--format", metavar="table|csv|json", help="How to write the answer.")
    ] = "table",
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Ask the tables results, metrics, curves and layers with SQL. Reads only."""
    from grids.problems import unknown
    from orchestrator.answers.query import run_query
    from orchestrator.store.layout import Store

    if output_format not in _FORMATS:
        raise unknown("value of --format", output_format, _FORMATS)
    rows = run_query(Store.open(store), sql)
    {"table": _write_table, "csv": _write_csv, "json": _write_json}[output_format](
        rows.column_names, rows.to_pylist()
    )


def _write_table(names: list[str], rows: list[dict[str, Any]]) -> None:
    lines = [names, *([_shown(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(names))]
    for line in lines:
        write("  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)))


def _write_csv(names: list[str], rows: list[dict[str, Any]]) -> None:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row[name] for name in names] for row in rows)


def _write_json(names: list[str], rows: list[dict[str, Any]]) -> None:
    import json

    typer.echo(json.dumps([{name: row[name] for name in names} for row in rows], default=str))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
