"""Paired statistics in a report: what `stats` shows of every part of the grid."""

from orchestrator.answers.results import AnswerError
from orchestrator.contrasts.building import build_comparison
from orchestrator.contrasts.formats import render
from orchestrator.report.blocks import MOST_PANELS, Block
from orchestrator.report.commands import again
from orchestrator.report.material import ReportMaterial
from orchestrator.report.panels import Panel


def comparisons_of(material: ReportMaterial) -> tuple[Block, ...]:
    """The paired statistics of every headline table; where there can be none, why."""
    return tuple(
        _comparison(material, panel, value)
        for value in material.asked.values
        for panel in material.panels[:MOST_PANELS]
    )


def _comparison(material: ReportMaterial, panel: Panel, value: str) -> Block:
    rows, columns, against = material.rows, material.columns, material.asked.against
    words = ("--rows", rows, "--columns", columns, "--value", value, "--against", against)
    command = again(material, "stats", panel, *words)
    try:
        found = build_comparison(
            panel.answers, rows=rows, columns=columns, value=value, against=against
        )
    except AnswerError as error:
        return Block(title=panel.title, command=command, problem=str(error))
    return Block(title=panel.title, html=render(found, "html"), command=command)
