"""Handing one job, an array of tasks, to sbatch; submitit writes its script and its pickles.

The pickle of a task carries the name of a function of ours and two texts. All a task does follows
from the manifest and the code that the texts name.
"""

import contextlib
import math
import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.deadline import STARTED_VARIABLE
from orchestrator.profiles import Profile
from orchestrator.slurm.commands import SlurmError, refusal

Task = Callable[[str, str], Any]
"""What runs in a task, by reference: `orchestrator.slurm.task.run_task`."""

_KEPT = ("SLURM_CONF",)  # which cluster, not which job


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


def submit_job(request: JobRequest, profile: Profile) -> str:
    """Submit a job; its number.

    Raises:
        TooManyJobs: When the site takes no more jobs now.
        ArrayTooLarge: When it takes no array of that size.
        SlurmError: When it refuses for another reason, in its own words.
    """
    if shutil.which("sbatch") is None:
        raise SlurmError("sbatch is not on the PATH: this machine is no login node of SLURM")
    from submitit import SlurmExecutor
    from submitit.core.utils import DelayedSubmission, FailedJobError, FailedSubmissionError

    request.folder.mkdir(parents=True, exist_ok=True)
    executor = SlurmExecutor(folder=request.folder, python=_interpreter(profile))
    executor.update_parameters(**parameters(request, profile))
    tasks = [DelayedSubmission(request.task, str(path), request.name) for path in request.manifests]
    try:
        with _outside_of_any_job():
            jobs = executor._internal_process_submissions(tasks)
    except (FailedJobError, FailedSubmissionError) as error:
        shutil.rmtree(request.folder, ignore_errors=True)
        raise refusal(str(error)) from error
    return str(jobs[0].job_id).partition("_")[0]


def parameters(request: JobRequest, profile: Profile) -> dict[str, Any]:
    """What submitit is told, and through it sbatch."""
    if profile.gpus != int(profile.gpus):
        raise SlurmError(
            f"profile {profile.name} asks for {profile.gpus} GPUs; SLURM gives whole ones only: a "
            "pack trains many cells on one GPU anyway"
        )
    cpus = profile.cpus if profile.cpus is not None else request.threads
    extra: dict[str, Any] = dict(profile.extra)
    if request.begin_seconds:
        extra["begin"] = f"now+{request.begin_seconds}"
    extra.setdefault("requeue" if profile.hand_over != "none" else "no-requeue", True)
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
        "additional_parameters": extra,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    return {**chosen, "wckey": None}  # submitit's own is refused by sites that check it


def _setup(request: JobRequest, profile: Profile) -> list[str]:
    return [
        *profile.setup,
        f"export PYTHONPATH={shlex.quote(str(request.code))}",
        "export PYTHONSAFEPATH=1",
        f"export {STARTED_VARIABLE}=$(date +%s)",
        # A warning is for the task; what else the site sends to its shell must not end it first.
        "trap '' USR1 USR2",
    ]


def _interpreter(profile: Profile) -> str | None:
    """The command that runs Python in a task; None for the interpreter that runs this."""
    if profile.container is None:
        return shlex.quote(profile.python) if profile.python is not None else None
    gpu = ["--nv"] if profile.gpus else []
    python = profile.python if profile.python is not None else "python"
    return shlex.join(["apptainer", "exec", *gpu, profile.container, python])


def _memory(mem_gb: float | None) -> str | None:
    return None if mem_gb is None else f"{math.ceil(mem_gb * 1024)}M"


@contextlib.contextmanager
def _outside_of_any_job() -> Iterator[None]:
    """Hide the variables of the job that this process is in: sbatch would take them for options."""
    hidden = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("SLURM_", "SLURMD_", "SUBMITIT_", "SRUN_")) and name not in _KEPT
    }
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
