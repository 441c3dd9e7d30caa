"""Running SLURM's commands: bounded in time, deaf to personal settings, clear about failures."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.backends.base import BackendError

COMMAND_SECONDS = 60.0
"""How long a command may take before its controller counts as not answering."""


class SlurmError(BackendError):
    """SLURM cannot be asked, or refuses; the message holds the site's own words."""


class TooManyJobs(SlurmError):
    """The site takes no more jobs of this person now."""


class ShareTaken(TooManyJobs):
    """A person or an account has as many jobs as it may; fewer at a time may still be taken."""


class ArrayTooLarge(SlurmError):
    """The site takes no array of that many tasks."""


class Busy(SlurmError):
    """The controller did not answer; whether it took the job is unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


Runner = Callable[[Sequence[str]], Answer]
"""What runs a command; a stand-in counts and answers in tests."""


def run_command(command: Sequence[str]) -> Answer:
    """Run one of SLURM's commands.

    Raises:
        SlurmError: When it is not installed here, or does not answer in time.
    """
    if shutil.which(command[0]) is None:
        raise SlurmError(f"{command[0]} is not on the PATH: this machine is no login node of SLURM")
    try:
        done = subprocess.run(
            list(command),
            capture_output=True,
            text=True,
            errors="replace",  # names of other people's jobs may be in any encoding
            check=False,
            timeout=COMMAND_SECONDS,
            env=environment_of_questions(os.environ),
        )
    except subprocess.TimeoutExpired:
        raise SlurmError(
            f"{command[0]} did not answer within {COMMAND_SECONDS:.0f} s; the controller is busy "
            "or down: try again later"
        ) from None
    except OSError as error:
        raise SlurmError(f"{command[0]} cannot be run: {error.strerror}") from error
    return Answer(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)


def environment_of_questions(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for squeue, sacct, scontrol and scancel.

    Without a person's own filters, which would hide jobs of ours, and with long lists of array
    elements written out in full.
    """
    kept = {name: text for name, text in environment.items() if not name.startswith(_FILTERS)}
    return {**kept, "SLURM_BITSTR_LEN": "0"}


def ask(run: Runner, *command: str) -> str:
    """The output of a command; SlurmError, with what it said, when it fails."""
    answer = run(command)
    if answer.returncode:
        said = answer.stderr.strip() or f"exit status {answer.returncode}"
        raise SlurmError(f"{command[0]} failed: {said}")
    return answer.stdout


def refusal(said: str) -> SlurmError:
    """The error for what sbatch said when it refused a job."""
    words = " ".join(said.split())
    lowered = words.lower()
    kind = SlurmError
    if "invalid job array specification" in lowered:
        kind = ArrayTooLarge
    elif any(part in lowered for part in _BUSY):
        kind = Busy
    else:
        kind = _kind_of_limit(lowered)
    return kind(f"sbatch refused: {words}")


def _kind_of_limit(said: str) -> type[SlurmError]:
    """Tells limits on the number of jobs from those on their size."""
    limit = _LIMIT.search(said)
    if limit is not None:
        return ShareTaken if "submitjob" in limit[0] else SlurmError
    if _SHARE in said:
        return ShareTaken
    return TooManyJobs if any(part in said for part in _FULL) else SlurmError


_FILTERS = ("SQUEUE_", "SACCT_", "SCANCEL_")
_LIMIT = re.compile(r"\b(?:assoc|qos)\w*limit\b")
_SHARE = "violates accounting/qos policy"
_FULL = ("temporarily unable to accept job", "resource temporarily unavailable")
"""How a controller says that it is full."""

_BUSY = ("socket timed out", "unable to contact slurm controller", "connection timed out",
         "connection refused", "zero bytes were transmitted")  # fmt: skip
"""How sbatch says that its request or the answer to it was lost."""
