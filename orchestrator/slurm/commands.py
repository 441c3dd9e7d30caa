"""Running SLURM's commands: bounded in time, and clear about what went wrong."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.backends.base import BackendError

COMMAND_SECONDS = 60.0
"""How long a command may take before its controller counts as not answering."""


class SlurmError(BackendError):
    """SLURM cannot be asked, or refuses; the message holds the site's own words."""


class TooManyJobs(SlurmError):
    """The site takes no more jobs of this person now."""


class ArrayTooLarge(SlurmError):
    """The site takes no array of that many tasks."""


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
            list(command), capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise SlurmError(
            f"{command[0]} did not answer within {COMMAND_SECONDS:.0f} s; the controller is busy "
            "or down: try again later"
        ) from None
    return Answer(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)


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
    if "invalid job array" in lowered:
        return ArrayTooLarge(f"sbatch refused: {words}")
    if any(part in lowered for part in _LIMITS):
        return TooManyJobs(f"sbatch refused: {words}")
    return SlurmError(f"sbatch refused: {words}")


_LIMITS = (
    "maxsubmitjob", "submitjobsperuser", "job violates accounting/qos policy",
    "job count limit", "maxjobcount", "temporarily unable to accept job",
    "resource temporarily unavailable",
)  # fmt: skip
