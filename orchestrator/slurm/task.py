"""What runs in a job: one pack, from the manifest that the task was given, until its time is up.

submitit calls `orchestrator.running.in_job.run_job` with two texts, and that calls `run_task`. All
else follows from the store that the manifest names and from the frozen code that both come from.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from orchestrator.environment import worker_environment
from orchestrator.slurm.cluster import Slurm, kept_profile
from orchestrator.slurm.notes import read_notes
from orchestrator.slurm.script import Task
from orchestrator.slurm.successor import PRODUCER, hand_over, was_cancelled
from orchestrator.store.artifacts import Held
from orchestrator.store.index import CellState, load_index
from orchestrator.store.layout import Store
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.jobs import JobBatch, read_batch, read_batches
from orchestrator.submissions.manifest import Manifest
from orchestrator.watching.carried import CarriedPack, look, open_submissions
from orchestrator.watching.states import FAILURES
from orchestrator.worker.deadline import Deadline, deadline_of_job
from orchestrator.worker.heartbeat import StopReason
from orchestrator.worker.inputs import held_artifacts, lacks_input

_LOG = logging.getLogger(__name__)

_WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)
_ENDS = (signal.SIGTERM, signal.SIGINT)
_EARLIEST_WARNING = 65.0  # SLURM looks at time limits once a minute


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """Which cells of a pack can be trained now.

    Attributes:
        ready: Ids of those whose producers are all answered.
        waiting: Ids of those that a job still makes something for.
        behind: Numbers of these jobs.
        blocked: Cell id to why it can never be trained as things stand.
    """

    ready: tuple[str, ...]
    waiting: tuple[str, ...]
    behind: tuple[str, ...]
    blocked: Mapping[str, str]


def run_task(
    manifest: str,
    name: str,
    *,
    task: Task | None = None,
    at_end: Callable[[Store, Manifest], None] | None = None,
) -> dict[str, Any]:
    """Run a pack in the job of that name; what became of it, as plain data.

    Args:
        manifest: Path of the pack's manifest.
        name: Name of the job.
        task: What runs in a job that goes on with the pack; this function when None.
        at_end: Called with the store and the pack when nobody goes on with it, unless the job was
            told to end; nothing is when None.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    path = Path(manifest)
    pack = Manifest.read(path)
    store = Store.open(pack.store)
    batch = read_batch(store, pack.grid, pack.number, name)
    if _handed_over(store, pack, batch):
        _LOG.info("pack %s was handed over already: this job came back after that", pack.pack)
        return {"pack": pack.pack, "handed_over": True}
    profile = kept_profile(store, pack.grid, pack.number)
    scheduler = Slurm(profile, notes=read_notes(store, profile.name))
    os.environ.update(worker_environment(pack.threads))
    deadline = deadline_of_job(scheduler.profile.time_minutes)
    with _listening(deadline, scheduler.profile.signal_seconds) as told:
        job = _Job(
            store=store, pack=pack, path=path, batch=batch, scheduler=scheduler,
            task=run_task if task is None else task,
        )  # fmt: skip
        said = _run(job, told, deadline)
        if at_end is not None and said.get("successor") is None and not told.is_set():
            at_end(store, pack)
        return said


def readiness(
    manifest: Manifest,
    index: Mapping[str, CellState],
    held: Held,
    carried: Sequence[CarriedPack],
) -> Readiness:
    """Which cells of a pack can be trained.

    Args:
        manifest: The pack.
        index: What the store holds, by cell id.
        held: The artifacts that there are.
        carried: The packs of all open submissions.
    """
    jobs = {cell: pack for pack in carried if pack.in_flight for cell in pack.unfinished}
    ready, waiting, behind, blocked = [], [], set(), {}
    for cell in ids_of(manifest.cells):
        missing = [
            need
            for need in manifest.needs.get(cell, ())
            if need not in index
            or not index[need].completed
            or lacks_input(manifest, cell, need, held)
        ]
        carriers = [jobs[need] for need in missing if need in jobs]
        if not missing:
            ready.append(cell)
        elif len(carriers) == len(missing):
            waiting.append(cell)
            behind |= {pack.job.job for pack in carriers if pack.job is not None}
        else:
            lacking = next(need for need in missing if need not in jobs)
            blocked[cell] = _why(lacking, index)
    return Readiness(
        ready=tuple(ready),
        waiting=tuple(waiting),
        behind=tuple(sorted(behind)),
        blocked=blocked,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """A pack in a job."""

    store: Store
    pack: Manifest
    path: Path
    batch: JobBatch
    scheduler: Slurm
    task: Task

    def hand_over(self, reason: str, *, advanced: bool, after: tuple[str, ...] = ()) -> str | None:
        """Have another job go on with the pack; its number, or None when no job does."""
        return hand_over(
            self.store, self.pack, self.path, self.batch, self.scheduler,
            task=self.task, reason=reason, advanced=advanced, after=after,
        )  # fmt: skip


def _run(job: _Job, told: "_Told", deadline: Deadline) -> dict[str, Any]:
    from orchestrator.worker.run import run_manifest

    pack = job.pack
    found = _readiness(job.store, pack, job.scheduler)
    for cell, why in found.blocked.items():
        _LOG.error("BLOCKED %s: %s", cell, why)
    said: dict[str, Any] = {"pack": pack.pack, "blocked": dict(found.blocked)}
    if found.ready:
        report = run_manifest(
            job.path,
            should_stop=told.is_set,
            deadline=deadline,
            only=found.ready,
        )
        said |= {"finished": report.finished, "error": report.error, "stopped": report.stopped}
        if report.stopped in (StopReason.LIMIT, StopReason.SIGNAL):
            if told.to_end and was_cancelled():
                _LOG.info("the job was cancelled: no successor")
                return said
            said["successor"] = job.hand_over(str(report.stopped), advanced=report.advanced)
            return said
    if found.waiting:
        _LOG.info("%d cells wait for what jobs %s make", len(found.waiting), found.behind)
        said["successor"] = job.hand_over(PRODUCER, advanced=True, after=found.behind)
    return said


def _readiness(store: Store, pack: Manifest, scheduler: Slurm) -> Readiness:
    if not pack.needs:
        return Readiness(ready=tuple(ids_of(pack.cells)), waiting=(), behind=(), blocked={})
    index = load_index(store)
    held = held_artifacts(store, pack, index)
    carried = look(store, open_submissions(store), scheduler, index)
    return readiness(pack, index, held, carried)


def _handed_over(store: Store, pack: Manifest, batch: JobBatch) -> bool:
    batches = read_batches(store, pack.grid, pack.number)
    return any(
        later.predecessor == batch.name and pack.pack in later.packs
        for later in batches
        if later.sequence > batch.sequence
    )


def _why(producer: str, index: Mapping[str, CellState]) -> str:
    state = index.get(producer)
    if state is not None and state.completed:
        said = state.disagreement or "it left nothing to begin with, or that was removed"
        return f"its producer {producer} has results, but {said}"
    if state is not None and state.state in FAILURES:
        return f"its producer {producer} ended {state.state}: {state.answer.error_message}"
    return f"its producer {producer} has no results, and no job makes them"


class _Told:
    """The signals that this task was sent.

    The warning of the time limit comes up to a minute before its time. It is passed over, because a
    worker knows its deadline; any other warning is of something that it cannot know.
    """

    def __init__(self, deadline: Deadline, signal_seconds: float) -> None:
        self._warned_from = deadline.at - signal_seconds - _EARLIEST_WARNING
        self._stop = threading.Event()
        self.to_end = False

    def is_set(self) -> bool:
        """Whether any of them asks for a stop."""
        return self._stop.is_set()

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Note a signal; the second one that ends a process ends it at once."""
        if number in _ENDS:
            if self.to_end:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            self.to_end = True
        if number in _ENDS or time.time() < self._warned_from:
            self._stop.set()


@contextmanager
def _listening(deadline: Deadline, signal_seconds: float) -> Iterator[_Told]:
    """Drain on the signals that announce an end, instead of what submitit does on them."""
    told = _Told(deadline, signal_seconds)
    before = {number: signal.signal(number, told.handle) for number in (*_WARNINGS, *_ENDS)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
