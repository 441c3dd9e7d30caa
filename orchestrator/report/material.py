"""What a report is made of: one look at a grid, its cells and everything known of them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.answers.ledger import Ledger, ledger
from orchestrator.answers.naming import fields_in
from orchestrator.answers.noting import select_asked
from orchestrator.answers.results import Answers
from orchestrator.plots import material as drawing
from orchestrator.report.panels import Panel, axes_of, panels_of, shared_fields
from orchestrator.store.index import CellState
from orchestrator.store.layout import Store
from orchestrator.store.live import read_rows
from orchestrator.store.records import timestamp
from orchestrator.submissions.submission import Submission
from orchestrator.watching.carried import Scheduler
from orchestrator.watching.states import FAILURES
from orchestrator.watching.status import GridStatus, look_at_grid, status_of


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRequest:
    """What a report is to show of a grid.

    Attributes:
        values: The measurements, the most important one first.
        rows: The field that names the rows of tables; None for the one that says most.
        columns: The field that names their columns; None likewise.
        where: Keep only cells whose field has one of the values.
        against: The row that others are compared with.
        spread: What stands behind the means of tables: "std", "ci" or "none".
        confidence: Of intervals and marks of tables, in (0, 1).
        folder: The store as commands are to name it; "" where they need not.
    """

    values: tuple[str, ...] = ("test_accuracy",)
    rows: str | None = None
    columns: str | None = None
    where: Mapping[str, Sequence[str]] = field(default_factory=dict)
    against: str = "dense"
    spread: str = "std"
    confidence: float = 0.95
    folder: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportMaterial:
    """All that a report says of one grid, as it was at one moment.

    Attributes:
        at: The moment, as `records.timestamp` writes it.
        asked: What was asked for; where it names no rows or columns, those below were chosen.
        rows: The field that names the rows.
        columns: The field that names the columns.
        submission: The newest submission of the grid.
        status: How far it is; its counts are of all cells of the grid.
        index: What the store holds of the cells: id to all attempts in brief.
        answers: The cells, with their results; mixed ones are noted and not refused. Of their
            fields, those that are equal in all cells are left out, but for rows and columns.
        shared: These fields, with their values.
        states: Cell id to its state now, for the cells in `answers`.
        panels: The answers in parts that a table may average over seeds.
        tracebacks: Signature of a failure to the traceback of one that has it.
        ledger: What the whole grid took.
        drawn: What figures are drawn from.
    """

    at: str
    asked: ReportRequest
    rows: str
    columns: str
    submission: Submission
    status: GridStatus
    index: Mapping[str, CellState]
    answers: Answers
    shared: Mapping[str, Any]
    states: Mapping[str, str]
    panels: tuple[Panel, ...]
    tracebacks: Mapping[str, str]
    ledger: Ledger
    drawn: drawing.Material

    @property
    def mixed(self) -> tuple[str, ...]:
        """What the answers mix though they should not be compared; empty where nothing is."""
        return tuple(note for note in self.answers.notes if note.startswith("mixed "))


def gather(
    store: Store,
    submission: Submission,
    scheduler: Scheduler,
    asked: ReportRequest,
    *,
    at: float | None = None,
) -> ReportMaterial:
    """Look at a grid once, and collect what a report says of it.

    Args:
        store: Where its results are; nothing is written to it that `status` would not write.
        submission: The newest submission of the grid.
        scheduler: Asked at most once.
        asked: What to show.
        at: The moment to name, in seconds since 1970; by default that of the look.

    Raises:
        AnswerError: When a field, a value or a measurement that was asked for does not occur.
        StoreError: When the store is damaged.
    """
    look = look_at_grid(store, submission, scheduler)
    found = select_asked(store, submission, where=asked.where, allow_mixed=True)
    moment = look.at if at is None else at
    rows, columns = axes_of(found, asked.rows, asked.columns)
    shared = shared_fields(found)
    answers = _lean(found, shared.keys() - {*fields_in(rows), *fields_in(columns)})
    return ReportMaterial(
        at=timestamp(moment),
        asked=asked,
        rows=rows,
        columns=columns,
        submission=submission,
        status=replace(status_of(store, submission, look), at=moment),
        index=look.index,
        answers=answers,
        shared=shared,
        states={entry.cell: look.states[entry.cell].value for entry in answers.answers},
        panels=panels_of(answers, rows, columns),
        tracebacks=_tracebacks(store, answers),
        ledger=ledger(store, submission, look.index),
        drawn=drawing.gather(store, answers),
    )


def _lean(answers: Answers, left_out: AbstractSet[str]) -> Answers:
    """The answers without fields that are equal in all: looking at them again and again is slow."""
    cells = []
    for answer in answers.answers:
        fields = {path: value for path, value in answer.fields.items() if path not in left_out}
        cells.append(replace(answer, fields=fields))
    return replace(answers, answers=tuple(cells))


def _tracebacks(store: Store, answers: Answers) -> dict[str, str]:
    """Signature to traceback, of the failures that answer for a cell."""
    failed = [entry.cell for entry in answers.answers if entry.state in FAILURES]
    if not failed:
        return {}
    columns = ["cell", "answers", "error_signature", "error_traceback"]
    found = read_rows(store, {"results": columns}, failed)["results"].sort_by("cell")
    rows = [row for row in found.to_pylist() if row["answers"]]
    return {row["error_signature"] or "": row["error_traceback"] or "" for row in reversed(rows)}
