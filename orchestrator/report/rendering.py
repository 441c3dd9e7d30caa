"""From the material to the page: one HTML file that needs nothing but itself.

Everything that came from a grid, a record or a log is escaped by the template; the two fragments
that are markup, tables and figures, are made here from our own code. The page may load nothing: its
policy names the one script and the one style by their hashes.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.report.blocks import Block, left_out, tables_of
from orchestrator.report.causes import Cause, FailureMap, causes_of, failure_map
from orchestrator.report.commands import about_store
from orchestrator.report.comparisons import comparisons_of
from orchestrator.report.explorer import Column, columns_of, embedded
from orchestrator.report.figures import figures_of
from orchestrator.report.material import ReportMaterial
from orchestrator.report.origins import Origin, origins_of
from orchestrator.report.progress import Progress, progress_of
from orchestrator.report.question import Question, question_of
from orchestrator.report.spending import Spending, spending_of

if TYPE_CHECKING:
    from jinja2 import Environment

PAGE = Path(__file__).parent / "page"
"""Folder of the template, the style and the script."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chapter:
    """What the page says of one grid, ready to be written.

    Attributes:
        key: Begins the ids of its parts.
        material: What it was made from.
        question: What the grid asks.
        progress: How far it is.
        tables: The headline tables.
        figures: The figures.
        left_out: Parts of the grid without table and figure.
        comparisons: The paired statistics.
        map: Where failures are.
        causes: Why they are.
        columns: The columns of the table of cells.
        cells: The table of cells, as data for the script.
        spending: What the grid took.
        origins: What made the results.
        status_command: Shows how far the grid is.
    """

    key: str
    material: ReportMaterial
    question: Question
    progress: Progress
    tables: tuple[Block, ...]
    figures: tuple[Block, ...]
    left_out: int
    comparisons: tuple[Block, ...]
    map: FailureMap
    causes: tuple[Cause, ...]
    columns: tuple[Column, ...]
    cells: str
    spending: Spending
    origins: tuple[Origin, ...]
    status_command: str


def render(materials: Sequence[ReportMaterial]) -> str:
    """The page about one or several grids; equal materials give equal text.

    Raises:
        AnswerError: When a measurement that was asked for does not occur.
        ValueError: Without any material.
    """
    if not materials:
        raise ValueError("a report is about at least one grid")
    style, script = _source("report.css"), _source("report.js")
    chapters = [_chapter(material, f"g{n}") for n, material in enumerate(materials, start=1)]
    return (
        _environment()
        .get_template("page.html")
        .render(
            chapters=chapters,
            at=materials[0].at,
            style=style,
            script=script,
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


def _chapter(material: ReportMaterial, key: str) -> Chapter:
    causes = causes_of(material)
    columns = columns_of(material, causes)
    return Chapter(
        key=key,
        material=material,
        question=question_of(material),
        progress=progress_of(material),
        tables=tables_of(material),
        figures=figures_of(material, key),
        left_out=left_out(material),
        comparisons=comparisons_of(material),
        map=failure_map(material),
        causes=causes,
        columns=columns,
        cells=embedded(material, columns),
        spending=spending_of(material),
        origins=origins_of(material),
        status_command=about_store(material, "status", material.submission.grid),
    )


def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(PAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"moment": _moment, "hours": _hours, "duration": _duration}
    return environment


def _source(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """How a policy names the content of an element."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _moment(text: str) -> str:
    """A time of a record for people: to the minute, in UTC."""
    return f"{text[:10]} {text[11:16]} UTC"


def _hours(value: float | None) -> str:
    """Hours or kWh with three digits; nothing where nothing is known."""
    if value is None:
        return ""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _duration(seconds: float) -> str:
    """A rough duration: "40 s", "12 min", "5.4 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"
