"""What a submission took, beside what was forecast for it.

A device is a GPU, or a fraction of one where packs share it, and on a CPU a worker. Its time is the
wall time that records charge to cells; what a worker spends on its start is not in it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.store.index import CellState
from orchestrator.store.index_part import IndexEntry
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.submission import Submission

CPU = "cpu"
"""The device of attempts that held no GPU."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outturn:
    """What a submission came to.

    Attributes:
        number: Number of the submission.
        attempts: Attempts that ended for it.
        device_hours: Hours of devices that these were charged.
        wall_seconds: From the submission to the last of their ends; 0 without any.
        forecast: What was forecast when it was submitted, as plain data; empty when nothing was.
    """

    number: int
    attempts: int
    device_hours: float
    wall_seconds: float
    forecast: Mapping[str, Any]


def outturn(submission: Submission, index: Mapping[str, CellState]) -> Outturn:
    """What a submission took so far.

    Args:
        submission: The submission.
        index: What the store holds, by cell id.
    """
    own = list(_attempts(submission, index))
    ends = [entry.finished_at for entry in own]
    return Outturn(
        number=submission.number,
        attempts=len(own),
        device_hours=sum(map(device_hours, own)),
        wall_seconds=seconds_between(submission.submitted_at, max(ends)) if ends else 0.0,
        forecast=submission.forecast,
    )


def device_hours(entry: IndexEntry) -> float:
    """Hours of devices that an attempt was charged."""
    held = 1.0 if entry.device == CPU else gpus_of(entry)
    return held * (entry.seconds or 0.0) / 3600.0


def gpus_of(entry: IndexEntry) -> float:
    """How many GPUs an attempt held; of records that do not tell, one where it was on a GPU."""
    if entry.gpus is not None:
        return entry.gpus
    return 0.0 if entry.device in (CPU, None) else 1.0


def seconds_between(start: str, end: str) -> float:
    """Seconds between two moments, as `records.timestamp` writes them."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _attempts(submission: Submission, index: Mapping[str, CellState]) -> Iterator[IndexEntry]:
    """The attempts of the submission: for its grid, and begun after it was submitted."""
    for cell in (*ids_of(submission.producers), *ids_of(submission.cells)):
        for entry in index[cell].entries if cell in index else ():
            if entry.grid == submission.grid and entry.started_at >= submission.submitted_at:
                yield entry
