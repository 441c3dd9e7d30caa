"""The limits of a site, as its controller tells them."""

import re
from dataclasses import dataclass

from orchestrator.slurm.commands import Runner, ask

LARGEST_ARRAY = 1000
"""Most tasks of one array of ours, even where the site takes more: so that one is soon told."""

_DEFAULT_ARRAY_SIZE = 1001


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What `scontrol show config` says.

    Attributes:
        max_array: Most tasks of one array.
        max_jobs: Most jobs that the controller keeps, all persons together.
        accounting: Whether finished jobs can be asked for with sacct.
        min_job_age: Seconds for which the controller remembers a finished job.
        kill_wait: Seconds between SIGTERM and SIGKILL.
        requeue: Whether jobs are brought back after a failure of their node.
        preempt_mode: What happens to jobs that give way to others, "OFF" when none has to.
        version: Version of SLURM.
    """

    max_array: int = LARGEST_ARRAY
    max_jobs: int = 10_000
    accounting: bool = False
    min_job_age: int = 300
    kill_wait: int = 30
    requeue: bool = True
    preempt_mode: str = "OFF"
    version: str = ""


def read_limits(run: Runner) -> Limits:
    """Ask the controller; SlurmError when it does not answer."""
    settings = dict(_SETTING.findall(ask(run, "scontrol", "show", "config")))
    size = _number(settings.get("MaxArraySize"), _DEFAULT_ARRAY_SIZE)
    return Limits(
        # The size bounds the index, and the first index is 0.
        max_array=max(1, min(size - 1, LARGEST_ARRAY)),
        max_jobs=_number(settings.get("MaxJobCount"), 10_000),
        accounting=settings.get("AccountingStorageType", "").endswith("slurmdbd"),
        min_job_age=_number(settings.get("MinJobAge"), 300),
        kill_wait=_number(settings.get("KillWait"), 30),
        requeue=settings.get("JobRequeue", "1") == "1",
        preempt_mode=settings.get("PreemptMode", "OFF"),
        version=settings.get("SLURM_VERSION", ""),
    )


_SETTING = re.compile(r"^(\w+)[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)


def _number(text: str | None, default: int) -> int:
    """The number at the beginning of a setting such as "300 sec"."""
    found = re.match(r"\d+", text or "")
    return int(found[0]) if found else default
