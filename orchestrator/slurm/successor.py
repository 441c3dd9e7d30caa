"""Going on after the end of a job: a task hands its pack over to a job of its own making.

A new submission is cheaper than a requeue, for which SLURM makes a job wait two minutes, and it
works where users may not requeue. Where sbatch cannot be used inside a job, a requeue is tried, and
else the next `run` picks the pack up.
"""

import logging
import os
import time
from pathlib import Path

from orchestrator.provenance import ROOT
from orchestrator.slurm.cluster import Slurm
from orchestrator.slurm.commands import SlurmError, ask, run_command
from orchestrator.slurm.script import Task
from orchestrator.store.layout import Store
from orchestrator.store.records import timestamp
from orchestrator.submissions.jobs import JobBatch, note_job_id, publish_batch, successor_of
from orchestrator.submissions.manifest import Manifest

_LOG = logging.getLogger(__name__)

IDLE_HAND_OVERS = 3
"""So many jobs in a row that came no further end the hand-overs of a pack."""

PRODUCER = "producer"
"""The reason of a hand-over for cells whose producers are still being trained."""

_BACK_OFF_SECONDS = 60


def hand_over(
    store: Store,
    manifest: Manifest,
    path: Path,
    batch: JobBatch,
    scheduler: Slurm,
    *,
    task: Task,
    reason: str,
    advanced: bool,
    after: tuple[str, ...] = (),
) -> str | None:
    """Have another job go on with a pack; its number, or None when no job does.

    Args:
        store: The store.
        manifest, path: The pack.
        batch: The job that ends.
        scheduler: Who carries both jobs.
        task: What runs in a job.
        reason: Why it ends.
        advanced: Whether it came any further.
        after: Numbers of the jobs that must have ended before.
    """
    way = scheduler.profile.hand_over
    idle = 0 if advanced else batch.idle + 1
    if way == "none":
        _LOG.info("no hand-over, as the profile says; the next run goes on with what is left")
        return None
    if idle >= IDLE_HAND_OVERS:
        _LOG.error("%d jobs in a row came no further: the pack is given up", idle)
        return None
    if way == "requeue" and not after:
        return _requeue()
    successor = successor_of(
        batch, manifest.pack, reason=reason, written_at=timestamp(time.time()), idle=idle
    )
    if not publish_batch(store, manifest.grid, manifest.number, successor):
        _LOG.info("the pack was handed over before")
        return None
    try:
        job = scheduler.submit(
            store,
            successor,
            [path],
            code=ROOT,
            threads=manifest.threads,
            after=after,
            begin_seconds=_begin_seconds(idle, reason, after),
            task=task,
        )
    except SlurmError as error:
        _LOG.warning("no successor can be submitted from inside a job: %s", error)
        return _requeue() if not after else None
    note_job_id(store, manifest.grid, manifest.number, successor.name, job)
    _LOG.info("handed over to job %s (%s): %s", job, successor.name, reason)
    return job


def _begin_seconds(idle: int, reason: str, after: tuple[str, ...]) -> int:
    if reason == PRODUCER and not after:
        return _BACK_OFF_SECONDS  # the job that makes something was submitted just now
    return idle * _BACK_OFF_SECONDS


def was_cancelled() -> bool:
    """Whether somebody cancelled the job that this process is in; SIGTERM alone does not tell.

    A job that is displaced stays RUNNING for its grace time, or has a PreemptTime; one that was
    cancelled is at once CANCELLED, which is shown as COMPLETING while its processes end.
    """
    number = os.environ.get("SLURM_JOB_ID")
    if number is None:
        return False
    try:
        said = ask(run_command, "scontrol", "show", "job", "-o", number)
    except SlurmError as error:
        _LOG.warning("whether the job was cancelled cannot be found out: %s", error)
        return False
    return "JobState=RUNNING" not in said and "PreemptTime=None" in said


def _requeue() -> str | None:
    number = os.environ.get("SLURM_JOB_ID")
    if number is None:
        return None
    try:
        ask(run_command, "scontrol", "requeue", number)
    except SlurmError as error:
        _LOG.warning("the job cannot be requeued; the next run goes on with the pack: %s", error)
        return None
    _LOG.info("requeued")
    return number
