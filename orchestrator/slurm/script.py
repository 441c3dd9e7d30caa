"""What a job asks of sbatch, from what it is to do and from the profile of its site."""

import math
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.slurm.commands import SlurmError
from orchestrator.slurm.profiles import Profile
from orchestrator.worker.deadline import STARTED_VARIABLE

Task = Callable[[str, str], Any]
"""What runs in a task, by reference: `orchestrator.running.in_job.run_job`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRequest:
    """One job.

    Attributes:
        name: Its name, unique for ever.
        folder: Where its script, its pickles and its output go; on the shared file system.
        manifests: One pack manifest per task.
        code: The package tree that the tasks import.
        threads: Threads of a task's numerical libraries.
        cap: Tasks that may run at once; None for all.
        after: Numbers of the jobs that must have ended, however they did.
        begin_seconds: How long to wait before it may begin.
        task: What runs in every task: a function of ours that takes a manifest and the job's name.
    """

    name: str
    folder: Path
    manifests: Sequence[Path]
    code: Path
    threads: int
    cap: int | None = None
    after: Sequence[str] = ()
    begin_seconds: int = 0
    task: Task


def parameters(request: JobRequest, profile: Profile) -> dict[str, Any]:
    """What submitit is told, and through it sbatch.

    Raises:
        SlurmError: When the profile or the paths ask for what cannot be had.
    """
    check_profile(profile)
    _check_paths(request)
    cpus = profile.cpus if profile.cpus is not None else request.threads
    given = {
        "job_name": request.name,
        "partition": profile.partition,
        "account": profile.account,
        "qos": profile.qos,
        "constraint": profile.constraint,
        "gpus_per_node": int(profile.gpus) or None,
        "cpus_per_task": cpus,
        "mem": _memory(profile.mem_gb),
        "time": profile.time_minutes,
        "exclude": ",".join(profile.exclude) or None,
        "dependency": f"afterany:{':'.join(request.after)}" if request.after else None,
        "array_parallelism": request.cap if request.cap is not None else len(request.manifests),
        "signal_delay_s": min(profile.signal_seconds, profile.time_minutes * 60 // 2),
        "setup": _setup(request, profile),
        # Since 22.05 srun takes the job's cores only when told to.
        "srun_args": [f"--cpus-per-task={cpus}", "--kill-on-bad-exit"],
        "stderr_to_stdout": True,
        "additional_parameters": _further(request, profile),
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    return {**chosen, "wckey": None}  # submitit's own is refused by sites that check it


def interpreter(profile: Profile) -> str | None:
    """The command that runs Python in a task; None for the interpreter that runs this."""
    if profile.container is None:
        return shlex.quote(profile.python) if profile.python is not None else None
    gpu = ["--nv"] if profile.gpus else []
    python = profile.python if profile.python is not None else "python"
    return shlex.join(["apptainer", "exec", *gpu, profile.container, python])


def check_profile(profile: Profile) -> None:
    """Raise SlurmError when SLURM cannot give what a profile asks for."""
    if profile.gpus != int(profile.gpus):
        raise SlurmError(
            f"profile {profile.name} asks for {profile.gpus} GPUs; SLURM gives whole ones only: a "
            "pack trains many cells on one GPU anyway"
        )


def _check_paths(request: JobRequest) -> None:
    """Refuse paths in which SLURM, or Python, would take a character for something else."""
    for path, special in ((request.folder, "%\n"), (request.code, ":\n")):
        if any(character in str(path) for character in special):
            raise SlurmError(
                f"{path} cannot be the place of a job's files: none of {special!r} may be in it; "
                "use a store at another path"
            )


def _setup(request: JobRequest, profile: Profile) -> list[str]:
    return [
        *profile.setup,
        f"export PYTHONPATH={shlex.quote(str(request.code))}",
        "export PYTHONDONTWRITEBYTECODE=1",
        "export PYTHONSAFEPATH=1",
        f"export {STARTED_VARIABLE}=$(date +%s)",
        # A warning is for the task; what else the site sends to its shell must not end it first.
        "trap '' USR1 USR2",
    ]


def _further(request: JobRequest, profile: Profile) -> dict[str, Any]:
    """The options that submitit has no names for."""
    begin = {"begin": f"now+{request.begin_seconds}"} if request.begin_seconds else {}
    requeue = "requeue" if profile.hand_over != "none" else "no-requeue"
    return {**profile.extra, **begin, requeue: True}


def _memory(mem_gb: float | None) -> str | None:
    return None if mem_gb is None else f"{math.ceil(mem_gb * 1024)}M"
