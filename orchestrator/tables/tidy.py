"""A table as CSV, for programs: one line per entry, unrounded."""

import csv
import io
from typing import TYPE_CHECKING

from orchestrator.answers.grouping import Entry, Grouped
from orchestrator.watching.states import FAILURES

if TYPE_CHECKING:
    from orchestrator.tables.table import Table

_LEFT_OUT = ("missing", "unmeasured")


def csv_of(table: "Table") -> str:
    """The entries with their fields, numbers and how many cells each mean leaves out, and why.

    Accuracies are fractions. Of one measurement the columns of numbers are named after it; of
    several, the column `measurement` names it and every entry has a line for each.
    """
    several = len(table.groups) > 1
    prefix = "" if several else f"{table.grouped.value}_"
    numbers = [f"{prefix}{name}" for name in _numbers(table)]
    dropped = ["dropped"] * bool(table.grouped.averaged)
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    head = [*table.row_fields, *table.column_fields, *["measurement"] * several]
    writer.writerow([*head, *numbers, "n", *_LEFT_OUT, *FAILURES, *dropped])
    for grouped in table.groups:
        writer.writerows(_lines(table, grouped, several))
    return sink.getvalue()


def _numbers(table: "Table") -> tuple[str, ...]:
    """The names of the numbers of an entry, as attributes of its summary."""
    return {"std": ("mean", "std"), "ci": ("mean", "std", "low", "high"), "none": ("mean",)}[
        table.spread
    ]


def _lines(table: "Table", grouped: Grouped, several: bool) -> list[list[object]]:
    lines = []
    for row in grouped.rows:
        for column in grouped.columns:
            entry = grouped.entries.get((row, column))
            if entry is not None:
                names = [*grouped.row_parts[row], *grouped.column_parts[column]]
                about = [*names, *[grouped.value] * several]
                lines.append([*about, *_line(table, entry)])
    return lines


def _line(table: "Table", entry: Entry) -> list[object]:
    found = entry.summary
    numbers = [None if found is None else getattr(found, name) for name in _numbers(table)]
    failed = [entry.failed.get(state, 0) for state in FAILURES]
    dropped = [entry.dropped] * bool(table.grouped.averaged)
    return [*numbers, len(entry.by_seed), entry.missing, entry.unmeasured, *failed, *dropped]
