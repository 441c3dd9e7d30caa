"""What a scheduler carries: every unfinished pack of the open submissions, with its evidence.

A submission is *open* while one of its packs may still be waiting or at work. One that is not is
marked closed, so that nobody asks about its jobs again.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from orchestrator.provenance import person
from orchestrator.store.index import CellState
from orchestrator.store.layout import Store
from orchestrator.store.publishing import publish_new
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.jobs import (
    JobBatch,
    Place,
    clean_output,
    current_places,
    jobs_folder,
    read_batches,
)
from orchestrator.submissions.manifest import Manifest
from orchestrator.submissions.submission import manifest_paths, submitted_grids
from orchestrator.watching.job_state import JobState
from orchestrator.watching.ladder import GRACE_SECONDS, Verdict, judge
from orchestrator.watching.states import State
from orchestrator.worker.heartbeat import Heartbeat, newest_heartbeat, stop_path

SubmissionKey = tuple[str, int]
"""Name of a grid, and number of a submission of it."""


class Scheduler(Protocol):
    """Whoever can say how jobs stand."""

    def snapshot(
        self, places: Collection[Place], *, since: float
    ) -> Mapping[Place, JobState] | None:
        """How the jobs at these places stand; None when the scheduler cannot be asked from here.

        Args:
            places: Names of jobs, with the element of an array.
            since: Seconds since 1970 before which none of them was submitted.
        """


class NoScheduler:
    """Nobody to ask: what was handed over is believed to be on its way."""

    def snapshot(self, places: Collection[Place], *, since: float) -> None:
        """Nothing is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CarriedPack:
    """One pack that a scheduler was given, with all that is known of it.

    Attributes:
        grid, number: Its submission.
        pack: Its id.
        cells: Ids of its cells.
        unfinished: Those at which no attempt has ended since it was submitted.
        place: Where it is carried now.
        job: The scheduler's answer, or None.
        heartbeat: What its newest worker said last.
        verdict: The state of its unfinished cells.
    """

    grid: str
    number: int
    pack: str
    cells: tuple[str, ...]
    unfinished: tuple[str, ...]
    place: Place
    job: JobState | None
    heartbeat: Heartbeat | None
    verdict: Verdict

    @property
    def in_flight(self) -> bool:
        """Whether a job still carries it, with something left to do."""
        return bool(self.unfinished) and self.verdict.in_flight


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """A pack before anybody was asked about it."""

    key: SubmissionKey
    path: Path
    cells: tuple[str, ...]
    unfinished: tuple[str, ...]
    place: Place
    batch: JobBatch

    @property
    def ours(self) -> bool:
        """Whether the scheduler would tell this person of its job."""
        return self.batch.user == person()


def open_submissions(store: Store, grid: str | None = None) -> list[SubmissionKey]:
    """The submissions that a scheduler may still carry.

    Args:
        store: The store.
        grid: Only those of this grid; all grids when None.
    """
    grids = submitted_grids(store) if grid is None else [grid]
    return [
        (name, number)
        for name in grids
        for number in store.submission_numbers(name)
        if jobs_folder(store, name, number).is_dir() and not _closed(store, name, number).exists()
    ]


def look(
    store: Store,
    submissions: Iterable[SubmissionKey],
    scheduler: Scheduler,
    index: Mapping[str, CellState],
    now: float | None = None,
) -> list[CarriedPack]:
    """Look at all packs of these submissions; the scheduler is asked once for all of them.

    It is not asked about another person's jobs: of those it tells nothing, as if they were gone.

    Args:
        store: The store.
        submissions: Which ones.
        scheduler: Whom to ask; not asked when every pack is finished.
        index: What the store holds, by cell id.
        now: Seconds since 1970.
    """
    entries = [entry for key in submissions for entry in _entries(store, key, index)]
    waiting = [entry for entry in entries if entry.unfinished and entry.ours]
    moment = time.time() if now is None else now
    answers: Mapping[Place, JobState] | None = {}
    if waiting:
        since = min(_seconds(entry.batch.written_at) for entry in waiting)
        answers = scheduler.snapshot({entry.place for entry in waiting}, since=since)
    return [_carried(store, entry, answers, moment) for entry in entries]


def failed_nodes(packs: Iterable[CarriedPack]) -> tuple[str, ...]:
    """Names of the nodes whose failure ended one of these packs, sorted."""
    return tuple(
        sorted(
            {
                pack.job.nodes
                for pack in packs
                if pack.verdict.state is State.NODE_FAIL and pack.job is not None and pack.job.nodes
            }
        )
    )


def close_ended(
    store: Store,
    packs: Sequence[CarriedPack],
    index: Mapping[str, CellState],
    now: float | None = None,
) -> None:
    """Mark as closed the submissions of which no pack is in flight any more.

    One that was handed over a moment ago stays open: its driver may still be at it. Of one that is
    closed the scheduler's scripts and pickles are removed; its output too, when all went well.

    Args:
        store: The store; must be writable.
        packs: What was found out about them.
        index: What the store holds, by cell id.
        now: Seconds since 1970.
    """
    moment = time.time() if now is None else now
    by_key: dict[SubmissionKey, list[CarriedPack]] = {}
    for pack in packs:
        by_key.setdefault((pack.grid, pack.number), []).append(pack)
    for (grid, number), members in by_key.items():
        batches = read_batches(store, grid, number)
        newest = max((_seconds(batch.written_at) for batch in batches), default=0.0)
        if moment - newest > GRACE_SECONDS and not any(pack.in_flight for pack in members):
            cells = [cell for pack in members for cell in pack.cells]
            well = all(cell in index and index[cell].completed for cell in cells)
            for batch in batches:
                clean_output(store, batch.name, keep_logs=not well)
            publish_new(_closed(store, grid, number), b"")


def _entries(store: Store, key: SubmissionKey, index: Mapping[str, CellState]) -> list[_Entry]:
    batches = read_batches(store, *key)
    by_name = {batch.name: batch for batch in batches}
    places = current_places(batches)
    entries = []
    for path in manifest_paths(store, *key):
        if path.stem not in places:
            continue  # its wave was never handed over
        manifest = Manifest.read(path)
        place = places[path.stem]
        entries.append(
            _Entry(
                key=key,
                path=path,
                cells=tuple(ids_of(manifest.cells)),
                unfinished=manifest.unfinished(index),
                place=place,
                batch=by_name[place[0]],
            )
        )
    return entries


def _carried(
    store: Store, entry: _Entry, answers: Mapping[Place, JobState] | None, now: float
) -> CarriedPack:
    pack = entry.path.stem
    asked = answers is not None and entry.ours
    job = answers.get(entry.place) if answers is not None and entry.ours else None
    heartbeat = newest_heartbeat(store, pack) if entry.unfinished else None
    verdict = judge(
        job,
        heartbeat,
        asked=asked,
        cancelled=stop_path(store, *entry.key).exists(),
        handed_over_at=_seconds(entry.batch.written_at),
        now=now,
    )
    return CarriedPack(
        grid=entry.key[0],
        number=entry.key[1],
        pack=pack,
        cells=entry.cells,
        unfinished=entry.unfinished,
        place=entry.place,
        job=job,
        heartbeat=heartbeat,
        verdict=verdict,
    )


def _closed(store: Store, grid: str, number: int) -> Path:
    return jobs_folder(store, grid, number) / "closed"


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
