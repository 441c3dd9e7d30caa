"""The cluster as a run sees it: jobs that nobody waits for, submitted, looked at and cancelled."""

import functools
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.backends.base import BackendError
from orchestrator.planning.packing import Capacity
from orchestrator.slurm.commands import Runner, SlurmError, ask, run_command
from orchestrator.slurm.elements import together
from orchestrator.slurm.limits import Limits, read_limits
from orchestrator.slurm.notes import SiteNotes
from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.queue import snapshot
from orchestrator.slurm.script import JobRequest, Task, check_profile
from orchestrator.slurm.submitting import submit_job
from orchestrator.store.layout import Store
from orchestrator.store.publishing import publish_new
from orchestrator.submissions.jobs import JobBatch, Place, output_folder
from orchestrator.submissions.submission import Submission
from orchestrator.watching.job_state import JobState

_LOG = logging.getLogger(__name__)

_TARGET_SECONDS = 1800.0  # half an hour: long against a start, short enough to fit into a hole
_SHORTEST_SECONDS = 300.0
_MEMORY_SHARE = 0.8
_CANCELLED_AT_ONCE = 500  # ids of one scancel: more, and a busy controller does not answer in time


class Slurm:
    """A SLURM cluster, as this machine's commands reach it.

    Args:
        profile: How to ask for resources; None where jobs are only asked about or cancelled.
        run: Runs commands.
        notes: What was learned of the site before; None for nothing.
    """

    name = "slurm"

    def __init__(
        self,
        profile: Profile | None = None,
        run: Runner = run_command,
        notes: SiteNotes | None = None,
    ) -> None:
        self._profile = profile
        self._run = run
        self._notes = notes if notes is not None else SiteNotes()

    @property
    def profile(self) -> Profile:
        """How to ask for resources.

        Raises:
            BackendError: When none was given.
        """
        if self._profile is None:
            raise BackendError("--backend slurm needs --profile NAME; docs/slurm.md shows one")
        return self._profile

    def probe(self) -> None:
        """Raise SlurmError when such jobs cannot be submitted from here. Starts nothing."""
        check_profile(self.profile)
        self.limits()

    @functools.lru_cache(maxsize=1)  # noqa: B019 - one of these lives as long as a command
    def limits(self) -> Limits:
        """The site's limits, as the profile bounds them; asked once.

        Raises:
            SlurmError: When the controller does not answer, and nothing was learned before.
        """
        found = self._site_limits()
        if self._profile is None:
            return found
        most = self._profile.max_array
        known = self._profile.accounting
        return replace(
            found,
            max_array=found.max_array if most is None else most,
            accounting=found.accounting if known is None else known,
        )

    def _site_limits(self) -> Limits:
        notes = self._notes
        try:
            found = read_limits(self._run)
        except SlurmError as error:
            if notes.limits is None:
                raise
            _LOG.warning("%s; going on with the limits that were found %s", error, notes.probed_at)
            found = notes.limits
        return replace(found, max_array=notes.largest_array(found.max_array))

    def capacity(self) -> Capacity:
        """What the profile lets a submission carry."""
        profile = self.profile
        memory = profile.mem_gb * 1024 * _MEMORY_SHARE if profile.mem_gb is not None else None
        limit = profile.time_minutes * 60
        return Capacity(
            slots=profile.concurrency,
            memory_mb=memory,
            target_seconds=min(_TARGET_SECONDS, limit / 2),
            shortest_seconds=min(_SHORTEST_SECONDS, limit / 4),
            pilots=False,
        )

    def submit(
        self,
        store: Store,
        batch: JobBatch,
        manifests: Sequence[Path],
        *,
        code: Path,
        threads: int,
        cap: int | None = None,
        after: Sequence[str] = (),
        begin_seconds: int = 0,
        task: Task,
    ) -> str:
        """Hand a batch to sbatch; the job's number. Errors as from `submitting.submit_job`."""
        request = JobRequest(
            name=batch.name,
            folder=output_folder(store, batch.name),
            manifests=manifests,
            code=code,
            threads=threads,
            cap=cap,
            after=after,
            begin_seconds=begin_seconds,
            task=task,
        )
        return submit_job(request, self.profile, run=self._run)

    def snapshot(
        self, places: Collection[Place], *, since: float
    ) -> Mapping[Place, JobState] | None:
        """How jobs stand; None, with a warning in the log, when nobody answers."""
        try:
            accounting = self.limits().accounting
            return snapshot(places, since=since, accounting=accounting, run=self._run)
        except SlurmError as error:
            _LOG.warning("SLURM cannot be asked: %s", error)
            return None

    def cancel(self, jobs: Sequence[str]) -> None:
        """Cancel jobs or elements by number; those that have ended are passed over."""
        words = together(jobs)
        for begin in range(0, len(words), _CANCELLED_AT_ONCE):
            ask(self._run, "scancel", *words[begin : begin + _CANCELLED_AT_ONCE])


def keep_profile(store: Store, submission: Submission, profile: Profile) -> None:
    """Keep a submission's profile beside it, for its tasks to submit their successors with."""
    publish_new(_profile_path(store, submission.grid, submission.number), profile.to_json())


def kept_profile(store: Store, grid: str, number: int) -> Profile:
    """The profile of a submission; ProfileError or OSError when it is missing or damaged."""
    return Profile.from_json(_profile_path(store, grid, number).read_bytes())


def _profile_path(store: Store, grid: str, number: int) -> Path:
    return store.submission(grid, number) / "profile.json"
