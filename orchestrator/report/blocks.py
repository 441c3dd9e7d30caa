"""Blocks of a report: each shows one answer, and the command that gives it again."""

from dataclasses import dataclass
from functools import partial

from orchestrator.answers.measurements import better_end
from orchestrator.answers.results import AnswerError
from orchestrator.report.commands import again
from orchestrator.report.material import ReportMaterial
from orchestrator.report.panels import Panel
from orchestrator.tables.html import bare_html_of, footnotes
from orchestrator.tables.table import build_table
from orchestrator.tables.table_layout import layout_of

MOST_PANELS = 24
"""Parts of a grid that are shown; a page of more is read by nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One answer.

    Attributes:
        title: What tells it from its neighbours; may be "".
        caption: What its numbers are; "" where the answer itself says it.
        html: The answer, safe to be put into a page as it is; "" where there is none.
        notes: What a reader must be told below it.
        look: The class of what surrounds it; "" for the common one.
        command: Gives it again.
        problem: Why there is no answer; "" where there is one.
    """

    title: str
    caption: str = ""
    html: str = ""
    notes: tuple[str, ...] = ()
    look: str = ""
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
    rows, columns, asked = material.rows, material.columns, material.asked
    build = partial(
        build_table,
        panel.answers,
        rows=rows,
        columns=columns,
        value=value,
        spread=asked.spread,
        confidence=asked.confidence,
    )
    words = ["--rows", rows, "--columns", columns, "--value", value]
    words += ["--spread", asked.spread] if asked.spread != "std" else []
    try:
        table = build(against=asked.against)
        words += ["--against", asked.against]
    except AnswerError:  # nothing to compare with; the statistics say why
        table = build()
    if asked.confidence != 0.95 and (table.compared or asked.spread == "ci"):
        words += ["--confidence", f"{asked.confidence:g}"]
    best = better_end(table.grouped) is not None
    layout = layout_of(table, best=best)
    return Block(
        title=panel.title,
        caption=layout.caption,
        html=bare_html_of(layout),
        notes=footnotes(layout),
        command=again(material, "table", panel, *words, *(["--best"] if best else [])),
    )
