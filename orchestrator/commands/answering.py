"""query, table, plot: answers from the records of a store."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    StoreFolder,
    SubmittedGrid,
    deliver,
    tell,
    write,
    writing,
)

if TYPE_CHECKING:
    from orchestrator.answers.results import Answers

_FORMATS = ("table", "csv", "json")

Where = Annotated[
    list[str],
    typer.Option(
        "--where", metavar="KEY=VALUE", help="Use only these cells: density=0.05,0.1. Repeatable."
    ),
]
Value = Annotated[str, typer.Option("--value", help="The measurement.")]
AllowMixed = Annotated[
    bool,
    typer.Option("--allow-mixed", help="Compare results of different tiers, devices or code."),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead.")
]


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
    from orchestrator.answers.tables import build_table

    answers = _answers(store, grid, where, allow_mixed)
    text = build_table(answers, rows=rows, columns=columns, value=value).render(
        output_format, best=best
    )
    deliver(text, output)


def plot(
    grid: SubmittedGrid = None,
    output: Output = None,
    value: Value = "test_accuracy",
    where: Where = [],  # noqa: B006
    allow_mixed: AllowMixed = False,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Draw accuracy over density, one line per method: SVG, PDF or PNG, by the file's suffix."""
    from orchestrator.answers.plots import accuracy_over_density
    from orchestrator.store.layout import Store
    from orchestrator.submissions.submission import find_submission

    target = output
    if target is None:
        target = Path(f"{find_submission(Store.open(store), grid).grid}.svg")
    answers = _answers(store, grid, where, allow_mixed)
    with writing(target):
        accuracy_over_density(answers, target, value=value)
    tell(f"wrote {target}")


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


def _answers(store: Path, grid: str | None, where: list[str], allow_mixed: bool) -> "Answers":
    from orchestrator.answers.results import select
    from orchestrator.store.layout import Store
    from orchestrator.submissions.submission import find_submission

    opened = Store.open(store)
    submission = find_submission(opened, grid)
    return select(
        opened,
        submission.cells,
        where=conditions(where),
        allow_mixed=allow_mixed,
        probes=submission.probes,
        metrics=submission.metrics,
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
