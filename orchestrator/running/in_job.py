"""What runs in a job: its pack, and when the last pack has ended, what a rule asks for next.

A task does not start another command for that: it plans and submits as `run` does, from the frozen
code that it was imported from. Nothing else is needed on the node, and what is submitted is what
that code decides.
"""

import logging
from dataclasses import replace
from typing import Any

from orchestrator.planning.following import plan_after
from orchestrator.provenance import code_hash
from orchestrator.running.detached import hand_over
from orchestrator.slurm.cluster import Slurm, kept_profile
from orchestrator.slurm.notes import read_notes
from orchestrator.slurm.task import run_task
from orchestrator.store.layout import Store
from orchestrator.submissions.jobs import ended_packs, jobs_folder, note_ended
from orchestrator.submissions.manifest import Manifest
from orchestrator.submissions.submission import Submission, last_submission
from orchestrator.worker.heartbeat import stop_path
from orchestrator.worker.spending import ended_early

_LOG = logging.getLogger(__name__)


def run_job(manifest: str, name: str) -> dict[str, Any]:
    """Run a pack in the job of that name; what became of it, as plain data for the job's folder.

    Args:
        manifest: Path of the pack's manifest.
        name: Name of the job.
    """
    return run_task(manifest, name, task=run_job, at_end=follow)


def follow(store: Store, pack: Manifest) -> None:
    """Submit the further seeds that a grid's rule asks for, if this was the last pack to end.

    Whoever ends last sees that all have ended, and of several that see it the one that publishes
    the next submission goes on. What goes wrong here is told in the log and left to the next `run`.

    Args:
        store: The store.
        pack: The pack that has ended, and that nobody goes on with.
    """
    if not pack.followed:
        return
    try:
        note_ended(store, pack.grid, pack.number, pack.pack)
        last = last_submission(store, pack.grid)
        if last is not None and _is_ours_to_follow(store, pack, last):
            _submit_after(store, last)
    except (ValueError, OSError) as error:
        _LOG.warning("further seeds are left to the next run: %s", error)


def _is_ours_to_follow(store: Store, pack: Manifest, last: Submission) -> bool:
    """Whether nobody stopped the grid, submitted it to others or changed the code meanwhile."""
    stopped = any(
        stop_path(store, pack.grid, number).exists() or ended_early(store, pack.grid, number)
        for number in {pack.number, last.number}
    )
    carried = jobs_folder(store, last.grid, last.number).is_dir()
    ours = last.backend == pack.backend and last.code == code_hash()
    return last.seed_rule is not None and carried and ours and not stopped


def _submit_after(store: Store, last: Submission) -> None:
    profile = kept_profile(store, last.grid, last.number)
    if profile.hand_over == "none":
        _LOG.info("jobs submit nothing, as the profile says: the next run asks for further seeds")
        return
    scheduler = Slurm(profile, notes=read_notes(store, profile.name))
    ended = {
        pack
        for number in store.submission_numbers(last.grid)
        for pack in ended_packs(store, last.grid, number)
    }
    planned = plan_after(store, last, scheduler, ended)
    if planned is None:
        _LOG.info("no further seeds are submitted from here")
        return
    handed = hand_over(replace(planned, capacity=scheduler.capacity()), scheduler, run_job)
    _LOG.info("run %d submitted: %d cells with further seeds", planned.number, handed.cells)
