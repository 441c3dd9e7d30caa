"""Whether a site would take the jobs of a profile: asked of sbatch, with nothing submitted.

The script is the one of a real submission. sbatch checks names, sizes of nodes and of arrays; it
does not tell that no more time is given than the partition has.
"""

import secrets
from dataclasses import dataclass

from orchestrator.health.findings import Finding
from orchestrator.provenance import code_hash
from orchestrator.slurm.commands import ArrayTooLarge, Runner, SlurmError, TooManyJobs
from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.script import JobRequest
from orchestrator.slurm.submitting import try_job
from orchestrator.slurm.task import run_task
from orchestrator.slurm.toml_places import Places
from orchestrator.store.layout import Store
from orchestrator.submissions.jobs import PREFIX, output_folder


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cause:
    """What part of a profile a refusal is about.

    Attributes:
        words: A part of what sbatch says, in small letters.
        keys: The keys of a profile that it may be about.
        fix: What to do.
    """

    words: str
    keys: tuple[str, ...]
    fix: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrayTrial:
    """How large an array sbatch would take.

    Attributes:
        finding: What was found.
        max_array: The size that it would take, when it called larger ones too large; else None.
        refusal: Its words then, else "".
    """

    finding: Finding
    max_array: int | None = None
    refusal: str = ""


def look_at_profile(profile: Profile, places: Places, store: Store, run: Runner) -> Finding:
    """Whether sbatch would take one task of a profile.

    Args:
        profile: The profile.
        places: Where its keys stand in its file.
        store: Where the files of a job would be.
        run: Runs sbatch.
    """
    subject = f"profile {profile.name}"
    try:
        said = try_job(_request(store, 1), profile, run=run)
    except TooManyJobs as error:
        fix = "wait until some of your jobs have ended"
        return Finding(subject=subject, verdict="warning", found=str(error), fix=fix)
    except SlurmError as error:
        where, fix = _cause(str(error), profile, places)
        return Finding(subject=subject, verdict="broken", found=f"{where}: {error}", fix=fix)
    return Finding(subject=subject, verdict="ok", found=said.removeprefix("sbatch: "))


def look_at_arrays(profile: Profile, largest: int, store: Store, run: Runner) -> ArrayTrial:
    """How large an array sbatch would take.

    Args:
        profile: A profile of which it takes single tasks.
        largest: Most tasks that a run would put into one array.
        store: Where the files of a job would be.
        run: Runs sbatch.
    """
    size, refusals = largest, list[SlurmError]()
    while size > 1:
        try:
            try_job(_request(store, size), profile, run=run)
            break
        except (ArrayTooLarge, TooManyJobs) as error:
            refusals.append(error)
            size = -(-size // 2)
        except SlurmError as error:
            fix = "see what the site allows; single jobs are taken"
            return ArrayTrial(
                finding=Finding(subject="arrays", verdict="broken", found=str(error), fix=fix)
            )
    found = f"{size} tasks at once are taken"
    if not refusals:
        return ArrayTrial(finding=Finding(subject="arrays", verdict="ok", found=found))
    return _bounded(f"{found}, {2 * size} are not: {refusals[-1]}", size, refusals[-1])


def _bounded(found: str, size: int, refusal: SlurmError) -> ArrayTrial:
    too_large = isinstance(refusal, ArrayTooLarge)
    fix = (
        "nothing: runs begin with arrays of this size from now on"
        if too_large
        else "you may have so many jobs at a time: the next run submits what does not fit"
    )
    return ArrayTrial(
        finding=Finding(subject="arrays", verdict="warning", found=found, fix=fix),
        max_array=size if too_large else None,
        refusal=str(refusal),
    )


def _request(store: Store, tasks: int) -> JobRequest:
    """A job as a run would ask for it, under names of its own."""
    name = f"{PREFIX}{secrets.token_hex(4)}-doctor"
    return JobRequest(
        name=name,
        folder=output_folder(store, name),
        manifests=[store.root / "sites" / f"{number}.json" for number in range(tasks)],
        code=store.code_folder(code_hash()),
        threads=1,
        task=run_task,
    )


def _cause(said: str, profile: Profile, places: Places) -> tuple[str, str]:
    """Where in the file of profiles to look after a refusal, and for what."""
    lowered = said.lower()
    table = places.of(profile.name)
    for cause in _CAUSES:
        if cause.words in lowered:
            found = [places.of(profile.name, key) for key in cause.keys]
            told = [where for where in found if where != table] or [table]
            return ", ".join(str(where) for where in told), cause.fix
    return str(table), "see what the site asks of its jobs, and say so in the profile"


_CAUSES = (
    _Cause(
        words="policy",
        keys=("time", "gpus", "cpus", "mem_gb", "qos", "account"),
        fix="ask for less, or with another account or qos: `sacctmgr show qos` shows their limits",
    ),
    _Cause(words="whole ones only", keys=("gpus",), fix="give a whole number"),
    _Cause(
        words="invalid account",
        keys=("account", "partition"),
        fix="give one of the accounts that `sacctmgr show assoc user=$USER` shows",
    ),
    _Cause(
        words="partition",
        keys=("partition",),
        fix="give one of the partitions that `sinfo -s` shows",
    ),
    _Cause(words="qos", keys=("qos",), fix="give one that `sacctmgr show qos` shows"),
    _Cause(
        words="feature",
        keys=("constraint",),
        fix="give features that `sinfo -o '%P %f'` shows",
    ),
    _Cause(words="gres", keys=("gpus",), fix="`sinfo -o '%P %G'` shows who has GPUs"),
    _Cause(words="time limit", keys=("time",), fix="`sinfo -s` shows the limits of partitions"),
    _Cause(words="memory", keys=("mem_gb",), fix="`sinfo -o '%P %m'` shows what nodes have in MB"),
    _Cause(words="node name", keys=("exclude",), fix="`sinfo -N` shows the names of nodes"),
    _Cause(words="reservation", keys=("extra",), fix="`scontrol show reservation` shows them"),
    _Cause(words="license", keys=("extra",), fix="`scontrol show license` shows them"),
    _Cause(
        words="node configuration",
        keys=("gpus", "cpus", "mem_gb", "constraint"),
        fix="ask for less; `sinfo -o '%P %D %t %c %m %G %f'` shows what the nodes have and which "
        "are up",
    ),
)
"""What refusals are about; the first that fits."""
