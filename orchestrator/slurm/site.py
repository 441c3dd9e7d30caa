"""What the commands of a cluster say: who answers, its limits, its partitions, its accounts."""

import os
import re
import time
from collections.abc import Mapping, Sequence

from grids.problems import Where
from orchestrator.health.findings import Finding, Verdict
from orchestrator.slurm.commands import Runner, SlurmError, ask
from orchestrator.slurm.limits import Limits, read_limits
from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.toml_places import Places

_QUESTIONS: Mapping[str, Sequence[str]] = {
    "sbatch": ["sbatch", "--version"],
    "srun": ["srun", "--version"],
    "scancel": ["scancel", "--version"],
    "squeue": ["squeue", "--me", "-h", "-o", "%i"],
}
_LONG_SECONDS = 10.0
_ACCOUNTS = ("sacct", "-X", "-n", "-P", "-S", "now", "-o", "JobID")
_NO_LOGIN_NODE = "run this on a login node, or load the module that brings SLURM's commands"


def look_at_commands(run: Runner) -> list[Finding]:
    """Whether the commands that a run needs are here and answer."""
    return [_look_at_command(name, command, run) for name, command in _QUESTIONS.items()]


def look_at_controller(run: Runner) -> tuple[Finding, Limits | None]:
    """What the controller says of its limits; None when it does not answer."""
    try:
        limits = read_limits(run)
    except SlurmError as error:
        fix = "try again later; runs go on with what was found before, if anything was"
        return Finding(subject="scontrol", verdict="broken", found=str(error), fix=fix), None
    requeue = "are brought back" if limits.requeue else "are not brought back unless they ask"
    found = (
        f"SLURM {limits.version or 'of unknown version'}, arrays of up to {limits.max_array} tasks "
        f"here, {limits.max_jobs} jobs of all persons; ended jobs are known for "
        f"{limits.min_job_age} s, {limits.kill_wait} s from TERM to KILL, PreemptMode "
        f"{limits.preempt_mode}, jobs of failed nodes {requeue}"
    )
    return Finding(subject="scontrol", verdict="ok", found=found), limits


def look_at_accounting(limits: Limits, profile: Profile, run: Runner) -> tuple[Finding, bool]:
    """Whether sacct tells how jobs ended that the controller has forgotten."""
    try:
        ask(run, *_ACCOUNTS)
        usable, said = True, "it answers"
    except SlurmError as error:
        usable, said = False, str(error)
    if profile.accounting and not usable:
        fix = "remove `accounting = true` from the profile, or ask the site why sacct fails"
        return Finding(subject="sacct", verdict="broken", found=said, fix=fix), usable
    if usable:
        return Finding(subject="sacct", verdict="ok", found=said), usable
    found = f"{said}; how a job ended is known for {limits.min_job_age} s, then from our own files"
    fix = "ask for the state of a run now and then, or have the site keep accounts"
    return Finding(subject="sacct", verdict="warning", found=found, fix=fix), usable


def look_at_partitions(profile: Profile, places: Places, run: Runner) -> list[Finding]:
    """Whether the partitions that a profile asks for are up, and give the time that it asks for.

    sbatch takes a job that asks for more time than its partition gives, and such a job waits for
    ever. What is no partition at all is left to sbatch to say.
    """
    try:
        known = _partitions(ask(run, "scontrol", "show", "partition", "-o"))
    except SlurmError as error:
        fix = "try again later"
        return [Finding(subject="partition", verdict="warning", found=str(error), fix=fix)]
    rows = [known[name] for name in _chosen(profile, known) if name in known]
    # A job that may run in several partitions begins in any that gives it its time.
    short: Verdict = "warning" if any(_gives_time(row, profile) for row in rows) else "broken"
    where = places.of(profile.name, "time")
    return [_look_at_partition(row, profile, short, where) for row in rows]


def minutes_of(text: str) -> float | None:
    """A time limit as scontrol shows it ("7-00:00:00") in minutes; None for no limit."""
    match = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return days * 1440 + hours * 60 + minutes + seconds / 60


def _look_at_command(name: str, command: Sequence[str], run: Runner) -> Finding:
    began = time.monotonic()
    try:
        said = ask(run, *command).strip()
    except SlurmError as error:
        return Finding(subject=name, verdict="broken", found=str(error), fix=_NO_LOGIN_NODE)
    taken = time.monotonic() - began
    if name == "squeue":
        said = f"{len(said.splitlines())} jobs of yours"
    if taken <= _LONG_SECONDS:
        return Finding(subject=name, verdict="ok", found=said)
    found = f"{said}, but only after {taken:.0f} s"
    fix = "the controller is busy: ask for the state of a run less often"
    return Finding(subject=name, verdict="warning", found=found, fix=fix)


def _partitions(said: str) -> dict[str, dict[str, str]]:
    rows = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in said.splitlines()]
    return {row["PartitionName"]: row for row in rows if "PartitionName" in row}


def _chosen(profile: Profile, known: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The partitions that sbatch would take: the profile's, else the person's, else the site's."""
    asked = profile.partition or os.environ.get("SBATCH_PARTITION")
    if asked:
        return [name.strip() for name in asked.split(",")]
    return [name for name, row in known.items() if row.get("Default") == "YES"]


def _gives_time(row: Mapping[str, str], profile: Profile) -> bool:
    limit = minutes_of(row.get("MaxTime", ""))
    return limit is None or profile.time_minutes <= limit


def _look_at_partition(
    row: Mapping[str, str], profile: Profile, short: Verdict, where: Where
) -> Finding:
    """The judgement of one partition; `short` is that of one that gives too little time."""
    subject = f"partition {row['PartitionName']}"
    most = row.get("MaxTime", "")
    found = (
        f"{row.get('State', 'state unknown')}, {row.get('TotalNodes', '?')} nodes, time limit "
        f"{most.lower() or 'unknown'} ({profile.time_minutes} min asked), PreemptMode "
        f"{row.get('PreemptMode', 'unknown')} with {row.get('GraceTime', '?')} s of grace"
    )
    if not _gives_time(row, profile):
        fix = f"ask for less in {where}: sbatch takes such a job, and there it waits for ever"
        return Finding(subject=subject, verdict=short, found=found, fix=fix)
    if row.get("State", "UP") != "UP":
        fix = "jobs wait until it is up, or are refused: `sinfo -s` shows the others"
        return Finding(subject=subject, verdict="warning", found=found, fix=fix)
    return Finding(subject=subject, verdict="ok", found=found)
