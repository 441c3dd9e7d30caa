"""A table as CSV, for programs: one line per entry, unrounded."""

import csv
import io
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING

from orchestrator.answers.contrasts import Contrast, Contrasts
from orchestrator.answers.grouping import Entry, Grouped
from orchestrator.tables.entries import Spread
from orchestrator.watching.states import FAILURES

if TYPE_CHECKING:
    from orchestrator.tables.table import Table

_LEFT_OUT = ("missing", "unmeasured")
_NUMBERS: Mapping[Spread, tuple[str, ...]] = {
    "std": ("mean", "std"),
    "ci": ("mean", "std", "low", "high"),
    "none": ("mean",),
}
_COMPARED = (
    "difference", "difference_low", "difference_high", "pairs", "p_t", "p_wilcoxon", "p_holm",
    "p_bh",
)  # fmt: skip


def csv_of(table: "Table") -> str:
    """The entries with their fields, numbers and how many cells each mean leaves out, and why.

    Accuracies are fractions. Of one measurement the columns of numbers are named after it; of
    several, the column `measurement` names it and every entry has a line for each.
    """
    several = len(table.groups) > 1
    prefix = "" if several else f"{table.grouped.value}_"
    numbers = [f"{prefix}{name}" for name in _NUMBERS[table.spread]]
    dropped = ["dropped"] * bool(table.grouped.averaged)
    fields = [*table.row_fields, *table.column_fields, *["measurement"] * several]
    compared = _COMPARED if table.compared else ()
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow([*fields, *numbers, "n", *_LEFT_OUT, *FAILURES, *dropped, *compared])
    for grouped, against in zip_longest(table.groups, table.compared):
        writer.writerows(_lines(table, grouped, against, several))
    return sink.getvalue()


def _lines(
    table: "Table", grouped: Grouped, against: Contrasts | None, several: bool
) -> Iterable[list[object]]:
    for row in grouped.rows:
        for column in grouped.columns:
            entry = grouped.entries.get((row, column))
            if entry is not None:
                names = [*grouped.row_parts[row], *grouped.column_parts[column]]
                compared = [] if against is None else _compared(against.of(row, column))
                yield [*names, *[grouped.value] * several, *_line(table, entry), *compared]


def _line(table: "Table", entry: Entry) -> list[object]:
    found = entry.summary
    numbers = [None if found is None else getattr(found, name) for name in _NUMBERS[table.spread]]
    failed = [entry.failed.get(state, 0) for state in FAILURES]
    dropped = [entry.dropped] * bool(table.grouped.averaged)
    return [*numbers, len(entry.by_seed), entry.missing, entry.unmeasured, *failed, *dropped]


def _compared(contrast: Contrast | None) -> list[object]:
    """The numbers of a comparison; of the reference row, and without a pair, none."""
    if contrast is None or contrast.difference is None:
        return [None] * len(_COMPARED)
    of = contrast.difference
    return [of.mean, of.low, of.high, of.n, of.p_t, of.p_wilcoxon, contrast.p_holm, contrast.p_bh]
