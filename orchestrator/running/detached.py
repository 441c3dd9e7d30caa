"""Handing a plan to a scheduler: everything is packed and queued at once, and nobody waits.

Packs become arrays, waves stand behind one another, and what runs is the code as it is now, from a
frozen copy in the store. Every batch is noted in the store before the scheduler is told of it, so
that a driver that dies here leaves nothing that nobody knows of.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grids.cell import Cell
from orchestrator.planning.packing import Pack
from orchestrator.planning.request import Planned
from orchestrator.running.submitting import Carrier, publish_packs, submit, submit_nothing
from orchestrator.slurm.arrays import chunk, spread
from orchestrator.slurm.cluster import Slurm, keep_profile
from orchestrator.slurm.commands import ArrayTooLarge, ShareTaken, SlurmError, TooManyJobs
from orchestrator.slurm.notes import SiteNotes, keep_notes, read_notes
from orchestrator.slurm.script import Task
from orchestrator.store.layout import Store
from orchestrator.store.records import timestamp
from orchestrator.submissions.frozen import freeze
from orchestrator.submissions.jobs import (
    JobBatch,
    array_name,
    note_job_id,
    publish_batch,
    read_batches,
    token_of,
    withdraw_batch,
)
from orchestrator.submissions.manifest import Manifest
from orchestrator.submissions.submission import Submission

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class HandedOver:
    """What was handed to a scheduler.

    Attributes:
        submission: The submission it belongs to.
        cells: How many cells are queued.
        packs: In how many packs.
        jobs: In which jobs: name to the scheduler's number.
        left: How many cells did not fit into the site's limits; the next run submits them.
        refusal: What the site said then, else "".
    """

    submission: Submission
    cells: int = 0
    packs: int = 0
    jobs: dict[str, str]
    left: int = 0
    refusal: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Queue:
    """A submission on its way to a scheduler."""

    store: Store
    submission: Submission
    scheduler: Slurm
    code: Path
    threads: int
    token: str
    task: Task


def hand_over(planned: Planned, scheduler: Slurm, task: Task) -> HandedOver:
    """Submit what is missing, and return.

    Args:
        planned: The request, checked; nothing has been written for it yet.
        scheduler: Who carries it, with the profile that says how.
        task: What runs in its jobs.

    Raises:
        StoreError: When the store cannot be made or written.
        BackendError: When the scheduler cannot be used, or refuses for another reason than limits.
    """
    Store.check_writable(planned.request.store)
    profile = scheduler.profile
    carrier = Carrier(backend=scheduler.name, profile=profile.name, gpus=profile.gpus)
    waves = planned.plan.waves()
    if not waves:
        store = Store.create(planned.request.store)
        submission = submit_nothing(store, planned, carrier)
        return HandedOver(submission=submission, jobs={})
    scheduler.probe()
    store = Store.create(planned.request.store)
    code = freeze(store)
    submission = submit(store, planned, carrier)
    keep_profile(store, submission, profile)
    token = token_of(submission.grid, submission.number, submission.submitted_at, store)
    queue = _Queue(
        store=store,
        submission=submission,
        scheduler=scheduler,
        code=code,
        threads=planned.threads,
        token=token,
        task=task,
    )
    return _queue_waves(queue, planned, waves)


def _queue_waves(queue: _Queue, planned: Planned, waves: Sequence[list[Cell]]) -> HandedOver:
    before: dict[str, str] = {}
    jobs: dict[str, str] = {}
    total = sum(len(wave) for wave in waves)
    for wave in waves:
        latest: dict[str, str] = {}
        try:
            _queue_wave(queue, planned, planned.packs(wave), before, jobs, latest)
        except TooManyJobs as refusal:
            return _handed_over(queue, jobs, total, str(refusal))
        before = latest
    return _handed_over(queue, jobs, total)


def _learn(queue: _Queue, change: Callable[[SiteNotes], SiteNotes]) -> None:
    """Keep what a submission taught about the site; without it the next one learns it again."""
    profile = queue.scheduler.profile.name
    before = read_notes(queue.store, profile)
    after = change(before)
    if after == before:
        return
    try:
        keep_notes(queue.store, profile, after)
    except OSError as error:
        _LOG.warning("what the site takes cannot be kept for the next run: %s", error)


def _queue_wave(
    queue: _Queue,
    planned: Planned,
    packs: Sequence[Pack],
    before: Mapping[str, str],
    jobs: dict[str, str],
    latest: dict[str, str],
) -> None:
    """Queue the packs of a wave as arrays behind the jobs of the wave before.

    Args:
        queue: Where to.
        planned: The plan they come from.
        packs: The packs.
        before: Name to number of the jobs that end before these begin.
        jobs: All jobs so far; filled.
        latest: Those of this wave; filled.
    """
    largest = queue.scheduler.limits().max_array
    waiting = list(chunk(packs, largest))
    caps = spread(queue.scheduler.profile.concurrency, [len(part) for part in waiting])
    todo = list(zip(waiting, caps, strict=True))
    while todo:
        part, cap = todo.pop(0)
        try:
            name, job = _queue_array(queue, planned, part, cap, before, len(jobs))
        except (ArrayTooLarge, ShareTaken) as refusal:
            # Where some of a share is taken the rest waits for the next run; where nothing was, the
            # array may be larger than the share.
            if len(part) == 1 or (isinstance(refusal, ShareTaken) and jobs):
                raise
            if isinstance(refusal, ArrayTooLarge):
                change = partial(SiteNotes.after_large_array, tried=len(part), refusal=str(refusal))
                _learn(queue, change)
            # The site keeps a limit to itself: both halves share what the whole could run at once.
            halves = chunk(part, -(-len(part) // 2))
            todo[:0] = list(zip(halves, spread(cap, [len(h) for h in halves]), strict=True))
            continue
        latest[name] = jobs[name] = job


def _queue_array(
    queue: _Queue,
    planned: Planned,
    packs: Sequence[Pack],
    cap: int,
    before: Mapping[str, str],
    position: int,
) -> tuple[str, str]:
    """Hand one array to the scheduler; the job's name and its number."""
    submission = queue.submission
    key = (submission.grid, submission.number)
    batch = JobBatch(
        name=array_name(queue.token, position),
        packs=tuple(pack.id for pack in packs),
        after=tuple(before),
        written_at=timestamp(time.time()),
    )
    device = queue.scheduler.profile.device
    manifests = publish_packs(queue.store, submission, planned, packs, None, device)
    publish_batch(queue.store, *key, batch)
    try:
        job = queue.scheduler.submit(
            queue.store,
            batch,
            manifests,
            code=queue.code,
            threads=queue.threads,
            cap=cap,
            after=tuple(before.values()),
            task=queue.task,
        )
    except SlurmError:
        withdraw_batch(queue.store, *key, batch.name)
        raise
    note_job_id(queue.store, *key, batch.name, job)
    return batch.name, job


def _handed_over(queue: _Queue, jobs: dict[str, str], total: int, refusal: str = "") -> HandedOver:
    submission = queue.submission
    batches = read_batches(queue.store, submission.grid, submission.number)
    packs = {pack for batch in batches for pack in batch.packs}
    paths = [queue.store.pack_path(submission.grid, submission.number, pack) for pack in packs]
    cells = sum(len(Manifest.read(path).cells) for path in paths)
    _learn(queue, partial(SiteNotes.after_submission, taken=len(packs), refusal=refusal))
    return HandedOver(
        submission=submission,
        cells=cells,
        packs=len(packs),
        jobs=jobs,
        left=total - cells,
        refusal=refusal,
    )
