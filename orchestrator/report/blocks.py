"""Blocks of a report: each shows one answer, and the command that gives it again."""

from dataclasses import dataclass
from html import escape

from orchestrator.answers.grouping import Entry
from orchestrator.report.commands import again
from orchestrator.report.material import ReportMaterial
from orchestrator.report.panels import Panel
from orchestrator.tables.table import MISSING, Table, build_table, in_percent

MOST_PANELS = 24
"""Parts of a grid that are shown; a page of more is read by nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One answer.

    Attributes:
        title: What tells it from its neighbours; may be "".
        caption: What its numbers are.
        html: The answer, safe to be put into a page as it is; "" where there is none.
        look: The class of what surrounds it; "" for the common one.
        notes: What a reader must be told.
        command: Gives it again.
        problem: Why there is no answer; "" where there is one.
    """

    title: str
    caption: str = ""
    html: str = ""
    look: str = ""
    notes: tuple[str, ...] = ()
    command: str
    problem: str = ""


def tables_of(material: ReportMaterial) -> tuple[Block, ...]:
    """Mean and spread over the seeds: a table for each measurement and part of the grid.

    Raises:
        AnswerError: When a measurement that was asked for does not occur.
    """
    return tuple(
        _table(material, panel, value)
        for value in material.asked.values
        for panel in material.panels[:MOST_PANELS]
    )


def left_out(material: ReportMaterial) -> int:
    """How many parts of the grid are not shown."""
    return max(0, len(material.panels) - MOST_PANELS)


def _table(material: ReportMaterial, panel: Panel, value: str) -> Block:
    rows, columns = material.rows, material.columns
    table = build_table(panel.answers, rows=rows, columns=columns, value=value)
    words = ("--rows", rows, "--columns", columns, "--value", value)
    return Block(
        title=panel.title,
        caption=table.caption,
        html=_fragment(table),
        notes=table.notes,
        command=again(material, "table", panel, *words),
    )


def _fragment(table: Table) -> str:
    """The table as an element of a page; its cells carry the unrounded mean, for sorting."""
    grouped = table.grouped
    heads = [f"{table.row_field} / {table.column_field}", *grouped.columns]
    lines = [
        [f'<th scope="row">{escape(row)}</th>']
        + [_entry(table, grouped.entries.get((row, column))) for column in grouped.columns]
        for row in grouped.rows
    ]
    body = "".join(f"<tr>{''.join(line)}</tr>" for line in lines)
    head = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    return f'<table class="sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _entry(table: Table, entry: Entry | None) -> str:
    if entry is None or entry.summary is None:
        return f"<td>{'' if entry is None else MISSING}</td>"
    scale = 100 if in_percent(table.grouped.value) else 1
    found = entry.summary
    std = "" if found.std is None else f" ± {scale * found.std:.2f}"
    return f'<td data-value="{found.mean!r}">{scale * found.mean:.2f}{std}</td>'
