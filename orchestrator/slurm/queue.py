"""How our jobs stand: one squeue, and one sacct at most, whatever their number.

Jobs are told apart by name, which is unique for ever; a number that the controller has given away
again means nothing here. `squeue -t all` also knows what ended within MinJobAge; what it has
forgotten is asked of sacct, where there is accounting. squeue alone decides what is still alive:
sacct only adds how something ended, so that its silence changes no more than that.
"""

import logging
from collections.abc import Collection, Iterator
from datetime import datetime

from orchestrator.slurm.commands import Runner, SlurmError, ask
from orchestrator.slurm.elements import expand
from orchestrator.submissions.jobs import PREFIX, Place
from orchestrator.watching.job_state import JobState

_LOG = logging.getLogger(__name__)

_SQUEUE = ("squeue", "--me", "-r", "-h", "-t", "all", "-o", "%i|%j|%T|%r|%N")
_SACCT_FIELDS = "JobID,JobName,State,ExitCode,NodeList"
_LONGEST_ARGUMENT = 100_000  # the kernel takes 131,072 characters
_CLOCKS_DIFFER = 3600.0  # seconds, at most, between this machine's clock and the controller's


def snapshot(
    places: Collection[Place], *, since: float, accounting: bool, run: Runner
) -> dict[Place, JobState]:
    """How jobs stand, by name and element; what nobody knows any more is left out.

    Args:
        places: Names of jobs, with the element of an array.
        since: Seconds since 1970 before which none of them was submitted.
        accounting: Whether sacct may be asked for those that squeue has forgotten.
        run: Runs commands.

    Raises:
        SlurmError: When squeue does not answer. A job is never taken for gone because of that.
    """
    wanted = set(places)
    found = {place: job for place, job in _of_squeue(run) if place in wanted}
    forgotten = wanted - found.keys()
    if not accounting or not forgotten:
        return found
    names = sorted({name for name, _ in forgotten})
    try:
        ended = list(_of_sacct(names, since, run))
    except SlurmError as error:
        _LOG.warning("how jobs ended that squeue has forgotten cannot be found out: %s", error)
        return found
    return found | {place: job for place, job in ended if place in forgotten}


def _of_squeue(run: Runner) -> Iterator[tuple[Place, JobState]]:
    for job, name, state, reason, nodes in _rows(ask(run, *_SQUEUE)):
        said = "" if reason == "None" else reason
        for number, element in expand(job):
            yield (name, element), JobState(job=number, state=state, reason=said, nodes=nodes)


def _of_sacct(names: list[str], since: float, run: Runner) -> Iterator[tuple[Place, JobState]]:
    begin = datetime.fromtimestamp(since - _CLOCKS_DIFFER).strftime("%Y-%m-%dT%H:%M:%S")
    command = ["sacct", "-X", "-P", "-n", "-S", begin, "-o", _SACCT_FIELDS]
    listed = ",".join(names)
    if len(listed) < _LONGEST_ARGUMENT:
        command.append(f"--name={listed}")
    for job, name, said, code, nodes in _rows(ask(run, *command)):
        state = said.partition(" ")[0]  # "CANCELLED by 1000"
        if state in _ALIVE:
            continue  # squeue knows better: the end of this job never reached the accounts
        ended = f"exit status {code}" if code not in ("", "0:0") else ""
        for number, element in expand(job):
            yield (
                (name, element),
                JobState(job=number, state=state, reason=ended, nodes=nodes, source="sacct"),
            )


def _rows(text: str) -> Iterator[list[str]]:
    """The five fields of every row that is about a job of ours."""
    for line in text.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) == 5 and fields[1].startswith(PREFIX):
            yield fields


_ALIVE = {"PENDING", "RUNNING", "REQUEUED", "RESIZING", "SUSPENDED"}
