"""Failures in a report: the map of where they are, and their causes with a traceback each."""

from collections import Counter
from dataclasses import dataclass

from orchestrator.answers.naming import ordered
from orchestrator.report.commands import about_store
from orchestrator.report.material import ReportMaterial
from orchestrator.report.panels import axis_names
from orchestrator.report.progress import kind_of
from orchestrator.submissions.cell_lists import labels_of
from orchestrator.watching.states import FAILURES
from orchestrator.worker.failures import FailureCluster, cluster


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Cells that failed alike.

    Attributes:
        name: What the table of cells calls it: "F1 RuntimeError".
        state: The state they ended in.
        type: Name of the exception.
        message: Its message in one of them.
        traceback: Of one of them.
        places: At how many places in the code it was raised.
        cells: Their ids.
        labels: The first few of them for people, each with its id.
        command: Shows the log of the first.
    """

    name: str
    state: str
    type: str
    message: str
    traceback: str
    places: int
    cells: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """One entry of the failure map: cells by kind, and which of the two matters most.

    Attributes:
        row: Its row.
        column: Its column.
        total: How many cells.
        done: How many of them completed.
        failed: How many failed, or wait for one that did.
        open: How many are still to come or run.
    """

    row: str
    column: str
    total: int
    done: int
    failed: int
    open: int

    @property
    def look(self) -> str:
        """How it is coloured: "whole", "open", "some" or "all" of them failed."""
        if self.failed:
            return "all" if self.failed == self.total else "some"
        return "open" if self.open else "whole"


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureMap:
    """Rows by columns of a grid, with what became of the cells; absent combinations are None."""

    row_field: str
    column_field: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Spot | None, ...]], ...]


_SHOWN_LABELS = 4


def causes_of(material: ReportMaterial) -> tuple[Cause, ...]:
    """The causes of failures, that of most cells first."""
    failed = [
        material.index[cell]
        for cell, state in material.states.items()
        if state in FAILURES and cell in material.index
    ]
    return tuple(
        _cause(material, number, found) for number, found in enumerate(cluster(failed), start=1)
    )


def failure_map(material: ReportMaterial) -> FailureMap:
    """What became of the cells, by the fields of the headline table."""
    answers, rows, columns = material.answers.answers, material.rows, material.columns
    along = axis_names(material.answers, rows, columns)
    counts: dict[tuple[str, str], Counter[str]] = {}
    for answer, *key in zip(answers, *along, strict=True):
        found = counts.setdefault((key[0], key[1]), Counter())
        found[kind_of(material.states[answer.cell])] += 1
    heads = tuple(head for (head,) in ordered([(text,) for text in along[1]], by_number=True))
    return FailureMap(
        row_field=rows,
        column_field=columns,
        columns=heads,
        rows=tuple(
            (row, tuple(_spot(row, head, counts.get((row, head))) for head in heads))
            for row in dict.fromkeys(along[0])
        ),
    )


def _cause(material: ReportMaterial, number: int, found: FailureCluster) -> Cause:
    labels = labels_of(material.submission.cells, found.cells[:_SHOWN_LABELS])
    return Cause(
        name=f"F{number} {found.type}",
        state=found.state,
        type=found.type,
        message=found.message,
        traceback=material.tracebacks.get(found.signature, ""),
        places=found.places,
        cells=found.cells,
        labels=tuple(labels.items()),
        command=about_store(material, "logs", found.cells[0]),
    )


def _spot(row: str, column: str, counts: Counter[str] | None) -> Spot | None:
    if counts is None:
        return None
    total, done, failed = counts.total(), counts["done"], counts["failed"]
    return Spot(
        row=row, column=column, total=total, done=done, failed=failed, open=total - done - failed
    )
