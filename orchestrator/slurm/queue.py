"""How our jobs stand: one squeue, and one sacct at most, whatever their number.

Jobs are told apart by name, which is unique for ever; a number that the controller has given away
again means nothing here. `squeue -t all` also knows what ended within MinJobAge; what it has
forgotten is asked of sacct, where there is accounting.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from orchestrator.jobs import PREFIX, Place
from orchestrator.slurm.commands import Runner, ask

_SQUEUE = ("squeue", "--me", "-r", "-h", "-t", "all", "-o", "%i|%j|%T|%r|%N")
_SACCT_FIELDS = "JobID,JobName,State,ExitCode,NodeList"
_LONGEST_ARGUMENT = 100_000  # the kernel takes 131,072 characters


@dataclass(frozen=True, kw_only=True, slots=True)
class JobState:
    """How one job, or one element of an array, stands.

    Attributes:
        job: Its number, with the element: "12_3".
        state: SLURM's word.
        reason: Why it waits or how it ended, else "".
        nodes: Where it ran or runs.
        source: The command that said so.
    """

    job: str
    state: str
    reason: str = ""
    nodes: str = ""
    source: str = "squeue"


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
    if accounting and forgotten:
        names = sorted({name for name, _ in forgotten})
        found |= {place: job for place, job in _of_sacct(names, since, run) if place in forgotten}
    return found


def _of_squeue(run: Runner) -> Iterator[tuple[Place, JobState]]:
    for line in ask(run, *_SQUEUE).splitlines():
        job, name, state, reason, nodes = line.split("|", 4)
        if name.startswith(PREFIX):
            said = "" if reason == "None" else reason
            yield (
                (name, _element(job)),
                JobState(job=job, state=state, reason=said, nodes=nodes.strip()),
            )


def _of_sacct(names: list[str], since: float, run: Runner) -> Iterator[tuple[Place, JobState]]:
    begin = datetime.fromtimestamp(since).strftime("%Y-%m-%dT%H:%M:%S")
    command = ["sacct", "-X", "-P", "-n", "-S", begin, "-o", _SACCT_FIELDS]
    listed = ",".join(names)
    if len(listed) < _LONGEST_ARGUMENT:
        command.append(f"--name={listed}")
    for line in ask(run, *command).splitlines():
        job, name, state, code, nodes = line.split("|", 4)
        word = state.split()[0]  # "CANCELLED by 1000"
        ended = f"exit status {code}" if code not in ("", "0:0") else ""
        yield (
            (name, _element(job)),
            JobState(job=job, state=word, reason=ended, nodes=nodes, source="sacct"),
        )


def _element(job: str) -> int | None:
    found = re.fullmatch(r"\d+_(\d+)", job)
    return int(found[1]) if found else None
