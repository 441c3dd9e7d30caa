"""Handing one job, an array of tasks, to sbatch; submitit writes its script and its pickles.

The pickle of a task carries the name of a function of ours and two texts. All a task does follows
from the manifest and the code that the texts name.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from orchestrator.slurm.commands import Busy, Runner, SlurmError, ask, refusal, run_command
from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.script import JobRequest, interpreter, parameters
from orchestrator.slurm.surroundings import outside_of_any_job

if TYPE_CHECKING:
    from submitit import SlurmExecutor
    from submitit.core.utils import DelayedSubmission

_PAUSES = (2.0, 8.0, 20.0)
"""Seconds before each further try when the controller does not answer.

All of them fit between the warning that a task gets and its end: it submits its successor there.
"""


def submit_job(
    request: JobRequest,
    profile: Profile,
    *,
    run: Runner = run_command,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Submit a job; its number.

    Args:
        request: The job.
        profile: How to ask for its resources.
        run: Runs the command that looks for a job whose number was lost.
        pause: Waits for some seconds.

    Raises:
        TooManyJobs: When the site takes no more jobs now.
        ArrayTooLarge: When it takes no array of that size.
        Busy: When the controller does not answer, in spite of some patience.
        SlurmError: When it refuses for another reason, in its own words.
    """
    from submitit.core.utils import DelayedSubmission

    executor = _executor(request, profile)
    request.folder.mkdir(parents=True, exist_ok=True)
    tasks = [DelayedSubmission(request.task, str(path), request.name) for path in request.manifests]
    try:
        with outside_of_any_job(profile):
            return _submit_patiently(executor, tasks, request, run, pause)
    except SlurmError:
        shutil.rmtree(request.folder, ignore_errors=True)
        raise


def try_job(request: JobRequest, profile: Profile, *, run: Runner = run_command) -> str:
    """Ask sbatch whether it would take a job, which is not submitted; its words.

    Args:
        request: The job; its files need not exist.
        profile: How to ask for its resources.
        run: Runs sbatch.

    Raises:
        SlurmError: As from `submit_job`.
    """
    executor = _executor(request, profile)
    if len(request.manifests) > 1:
        executor.parameters["map_count"] = len(request.manifests)  # what submitit does for arrays
    text = executor._make_submission_file_text(executor._submitit_command_str, "")
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
        script.write(text)
        script.flush()
        with outside_of_any_job(profile):
            answer = run(["sbatch", "--test-only", script.name])
    if answer.returncode:
        raise refusal(answer.stderr.strip() or f"exit status {answer.returncode}")
    return " ".join(answer.stderr.split())


def _executor(request: JobRequest, profile: Profile) -> "SlurmExecutor":
    if shutil.which("sbatch") is None:
        raise SlurmError("sbatch is not on the PATH: this machine is no login node of SLURM")
    from submitit import SlurmExecutor

    executor = SlurmExecutor(folder=request.folder, python=interpreter(profile))
    executor.update_parameters(**parameters(request, profile))
    return executor


def _submit_patiently(
    executor: "SlurmExecutor",
    tasks: "Sequence[DelayedSubmission]",
    request: JobRequest,
    run: Runner,
    pause: Callable[[float], None],
) -> str:
    """Submit; where the answer was lost, look for the job before it is submitted again."""
    try:
        return _submit(executor, tasks)
    except Busy as error:
        lost = error
    for seconds in _PAUSES:
        pause(seconds)
        try:
            return _adopt(request, tasks, run) or _submit(executor, tasks)
        except Busy as error:
            lost = error
    raise lost


def _submit(executor: "SlurmExecutor", tasks: "Sequence[DelayedSubmission]") -> str:
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    try:
        # What `map_array` does, but for any number of tasks of one function.
        jobs = executor._internal_process_submissions(list(tasks))
    except FailedJobError as error:
        raise refusal(str(error)) from error
    except FailedSubmissionError as error:
        raise Busy(f"sbatch gave no number: {' '.join(str(error).split())}") from error
    return str(jobs[0].job_id).partition("_")[0]


def _adopt(request: JobRequest, tasks: "Sequence[DelayedSubmission]", run: Runner) -> str | None:
    """The number of a job that the controller took without saying so; None when there is none.

    Its tasks wait a minute for their pickles, whose names hold that number.
    """
    from submitit.core.utils import JobPaths, temporary_save_path

    job = _number_of(request.name, run)
    if job is None:
        return None
    for element, task in enumerate(tasks):
        name = f"{job}_{element}" if len(tasks) > 1 else job
        with temporary_save_path(JobPaths(request.folder, name).submitted_pickle) as path:
            task.dump(path)
    return job


def _number_of(name: str, run: Runner) -> str | None:
    try:
        queue = ask(run, "squeue", "--me", "-h", "-t", "all", "-o", "%F|%j")
    except SlurmError as error:
        raise Busy(str(error)) from error
    rows = (line.partition("|") for line in queue.splitlines())
    return next((job for job, _, found in rows if found.strip() == name), None)
