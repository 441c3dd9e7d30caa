"""Laying a table out: the headings over its columns, its rows, and what is marked in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.answers.grouping import Grouped, Key
from orchestrator.answers.marks import Mark, marks_of
from orchestrator.answers.measurements import Unit, better_end, unit_of, words_of
from orchestrator.answers.naming import Parts
from orchestrator.tables.captions import common_n
from orchestrator.tables.entries import content_of
from orchestrator.tables.layout import (
    Content,
    HeadLine,
    Layout,
    Line,
    headings,
    plain,
    shared_parts,
)
from orchestrator.tables.winners import winners

if TYPE_CHECKING:
    from orchestrator.tables.table import Table


@dataclass(frozen=True, kw_only=True, slots=True)
class _Block:
    """The columns of one measurement, and what is marked in them."""

    grouped: Grouped
    unit: Unit
    best: frozenset[Key]
    marks: dict[Key, Mark]


def layout_of(table: "Table", *, best: bool = False, caption: str = "") -> Layout:
    """A table as the formats for people write it.

    Args:
        table: What is laid out.
        best: Whether the best entry of every column is marked.
        caption: What the caption begins with.

    Raises:
        AnswerError: When `best` cannot be known.
    """
    blocks = _blocks(table, best)
    return Layout(
        caption=plain(" ".join(part for part in (caption, table.caption) if part)),
        notes=tuple(map(plain, table.notes)),
        best=_best_of(table) if any(block.best for block in blocks) else "",
        head=_head(table),
        lines=tuple(_lines(table, blocks)),
    )


def _blocks(table: "Table", best: bool) -> list[_Block]:
    compared = table.compared or [None] * len(table.groups)
    return [
        _Block(
            grouped=grouped,
            unit=unit_of(grouped),
            best=winners(grouped) if best else frozenset(),
            marks=marks_of(grouped, against, better_end(grouped)) if against else {},
        )
        for grouped, against in zip(table.groups, compared, strict=True)
    ]


def _best_of(table: "Table") -> str:
    """What the best entries are best of: where rows have several fields, only the inner compete."""
    outer = " and ".join(("column", *table.row_fields[:-1]))
    entries = [entry for grouped in table.groups for entry in grouped.entries.values()]
    failed = ", of entries without failures" if any(entry.failures for entry in entries) else ""
    return f"best mean of each {outer}{failed}"


def _head(table: "Table") -> tuple[HeadLine, ...]:
    """The lines of headings; the names of the fields stand over the names of the rows."""
    several = len(table.groups) > 1
    names = [
        tuple(map(plain, (*_measured(grouped) * several, *grouped.column_parts[column])))
        for grouped in table.groups
        for column in grouped.columns
    ]
    fields = ("",) * several + table.column_fields
    *outer, innermost = table.row_fields
    corner = (*outer, f"{innermost} / {fields[-1]}")
    return tuple(
        HeadLine(
            stub=corner if level == len(fields) - 1 else (*[""] * len(outer), fields[level]),
            headings=headings(names, level),
        )
        for level in range(len(fields))
    )


def _measured(grouped: Grouped) -> Parts:
    return (words_of(grouped.value) + unit_of(grouped).words,)


def _lines(table: "Table", blocks: Sequence[_Block]) -> Iterable[Line]:
    tells_n = common_n(table)
    above: Parts | None = None
    for row in table.grouped.rows:
        parts = tuple(map(plain, table.grouped.row_parts[row]))
        contents = [
            _content(table, block, (row, column), tells_n)
            for block in blocks
            for column in block.grouped.columns
        ]
        yield Line(stub=parts, shared=shared_parts(above, parts), contents=tuple(contents))
        above = parts


def _content(table: "Table", block: _Block, key: Key, tells_n: bool) -> Content:
    return content_of(
        block.grouped.entries.get(key),
        block.unit,
        spread=table.spread,
        common_n=tells_n,
        best=key in block.best,
        mark=block.marks.get(key),
    )
