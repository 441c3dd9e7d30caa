"""Sending a tiny job to a site, and judging what its node says."""

import json
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.health.findings import Finding
from orchestrator.health.store_probe import clock_finding, clock_skew
from orchestrator.provenance import plugin_names
from orchestrator.slurm.commands import Runner, SlurmError, ask
from orchestrator.slurm.node_probe import REPORT, NodeReport, report_node
from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.queue import snapshot
from orchestrator.slurm.script import JobRequest
from orchestrator.slurm.submitting import submit_job
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import publish_new
from orchestrator.submissions.frozen import freeze
from orchestrator.submissions.jobs import PREFIX, output_folder
from orchestrator.watching.job_state import JobState

_MINUTES = 10
_LOOK_SECONDS = 1.0
_GRACE_SECONDS = 20.0  # so late may a shared file system show what a job that has ended wrote
_WAITING = {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED"}
_LAST_LINES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sent:
    """A tiny job on its way."""

    name: str
    number: str
    request: JobRequest
    report: Path


def look_at_node(
    profile: Profile,
    store: Store,
    run: Runner,
    *,
    seconds: float,
    pause: Callable[[float], None] = time.sleep,
) -> list[Finding]:
    """Run a tiny job as packs are run, and judge what it says of its node.

    It asks for what the profile asks for, but for ten minutes at most. It is cancelled when it has
    said nothing in time.

    Args:
        profile: How to ask for resources.
        store: Where its files are.
        run: Runs commands.
        seconds: How long to wait for it.
        pause: Waits for some seconds.
    """
    try:
        code = freeze(store)
        sent = _send(profile, store, code, run)
    except (SlurmError, StoreError, OSError) as error:
        fix = "see the lines above; nothing was submitted"
        return [Finding(subject="job", verdict="broken", found=str(error), fix=fix)]
    try:
        silent = _wait(sent, run, seconds, pause)
        if silent is not None:
            return [silent]
        report = NodeReport.read(sent.report)
    finally:
        shutil.rmtree(sent.report.parent, ignore_errors=True)
    shutil.rmtree(sent.request.folder, ignore_errors=True)  # what a job printed that went well
    return judge(report, profile, code, clock_skew(store.root))


def judge(report: NodeReport, profile: Profile, code: Path, skew: float) -> list[Finding]:
    """What a node's words mean.

    Args:
        report: Its words.
        profile: What it was asked for.
        code: Where our packages should have come from.
        skew: What `clock_skew` says on this machine.
    """
    between = f"the clocks of {report.host} and of this machine"
    return [
        _python(report, code),
        _torch(report),
        *_plugins(report),
        *([_gpus(report, int(profile.gpus))] if profile.gpus else []),
        _store(report),
        clock_finding("node clock", skew - report.skew, between),
        _environment(report),
    ]


def _send(profile: Profile, store: Store, code: Path, run: Runner) -> _Sent:
    token = secrets.token_hex(4)
    name = f"{PREFIX}{token}-doctor"
    question = store.root / "sites" / f".{token}" / "question.json"
    publish_new(question, json.dumps({"store": str(store.root)}).encode())
    request = JobRequest(
        name=name,
        folder=output_folder(store, name),
        manifests=[question],
        code=code,
        threads=1,
        task=report_node,
    )
    short = replace(profile, time_minutes=min(profile.time_minutes, _MINUTES), hand_over="none")
    try:
        number = submit_job(request, short, run=run)
    except SlurmError:
        shutil.rmtree(question.parent, ignore_errors=True)
        raise
    return _Sent(name=name, number=number, request=request, report=question.with_name(REPORT))


def _wait(
    sent: _Sent, run: Runner, seconds: float, pause: Callable[[float], None]
) -> Finding | None:
    """Wait for a report; None once it is there, else what became of the job."""
    end, ended = time.monotonic() + seconds, 0.0
    while not _is_there(sent.report):
        now = time.monotonic()
        state = _state(sent, run)
        if state is not None and state.state not in _WAITING:
            ended = ended or now
            if now - ended > _GRACE_SECONDS:
                return _ended(sent, state)
        if now > end:
            return _late(sent, state, run, seconds)
        pause(_LOOK_SECONDS)
    return None


def _is_there(path: Path) -> bool:
    """Whether a file is there; listing its folder makes a network file system look again."""
    return any(found.name == path.name for found in path.parent.iterdir())


def _state(sent: _Sent, run: Runner) -> JobState | None:
    try:
        found = snapshot([(sent.name, None)], since=0, accounting=False, run=run)
    except SlurmError:
        return None  # as long as nobody answers, only the report can tell
    return found.get((sent.name, None))


def _ended(sent: _Sent, state: JobState) -> Finding:
    paths = sorted(sent.request.folder.glob("*_log.out"))
    lines = [line for path in paths for line in path.read_text(errors="replace").splitlines()]
    said = " | ".join(lines[-_LAST_LINES:]) or "it printed nothing"
    found = f"job {sent.number} ended {state.state} on {state.nodes or 'no node'}: {said}"
    fix = (
        f"read {paths[0]}"
        if paths
        else "see whether that node sees the store: what it printed would be there"
    )
    return Finding(subject="job", verdict="broken", found=found, fix=fix)


def _late(sent: _Sent, state: JobState | None, run: Runner, seconds: float) -> Finding:
    said = "squeue says nothing of it" if state is None else f"{state.state} ({state.reason})"
    found = f"job {sent.number} has not answered within {seconds:.0f} s: {said}"
    try:
        ask(run, "scancel", sent.number)
        found += "; it was cancelled"
    except SlurmError as error:
        found += f"; it cannot be cancelled: {error}"
    fix = "wait longer with --wait SECONDS, or try when the cluster is less busy"
    return Finding(subject="job", verdict="warning", found=found, fix=fix)


def _python(report: NodeReport, code: Path) -> Finding:
    found = f"{report.executable} is {report.python} on {report.host}"
    if report.code == str(code):
        return Finding(subject="node python", verdict="ok", found=found)
    found += f", but our packages come from {report.code}"
    fix = "see what the profile's setup and python do to the path of modules"
    return Finding(subject="node python", verdict="broken", found=found, fix=fix)


def _torch(report: NodeReport) -> Finding:
    if report.torch:
        found = f"torch {report.torch} imports"
        return Finding(subject="node torch", verdict="ok", found=found)
    fix = "see the python, container and setup of the profile"
    return Finding(subject="node torch", verdict="broken", found=report.torch_error, fix=fix)


def _plugins(report: NodeReport) -> list[Finding]:
    """A finding about users' packages, where there are any."""
    here, there = (", ".join(names) or "none" for names in (plugin_names(), report.plugins))
    if here == there:
        found = f"{there} on {report.host}, as here"
        ok = Finding(subject="node plug-ins", verdict="ok", found=found)
        return [ok] if report.plugins else []
    found = f"{there} on {report.host}, but {here} here: what uses their names fails, or differs"
    fix = f"install the same versions for {report.executable} and here"
    return [Finding(subject="node plug-ins", verdict="broken", found=found, fix=fix)]


def _gpus(report: NodeReport, asked: int) -> Finding:
    listed = "; ".join(report.gpus) or "nvidia-smi lists none"
    found = f"torch sees {report.devices} of {asked} GPUs: {listed}"
    if report.devices >= asked:
        return Finding(subject="node GPUs", verdict="ok", found=found)
    fix = "see whether torch is built for CUDA, whether the driver is new enough for it, and in a "
    fix += "container whether it gets the GPUs"
    return Finding(subject="node GPUs", verdict="broken", found=found, fix=fix)


def _store(report: NodeReport) -> Finding:
    kind = report.file_system or "a file system of unknown type"
    found = f"{report.host} sees the store, on {kind}"
    if not report.broken_promise:
        return Finding(subject="node store", verdict="ok", found=f"{found}; link and rename work")
    found = f"{found}; {report.broken_promise}"
    fix = "put the store where nodes may write, on a POSIX file system (NFS, Lustre, GPFS)"
    return Finding(subject="node store", verdict="broken", found=found, fix=fix)


def _environment(report: NodeReport) -> Finding:
    told = ", ".join(f"{name}={text}" for name, text in report.environment.items())
    found = f"{report.cores} cores; {told or 'no variables of SLURM'}"
    return Finding(subject="node environment", verdict="ok", found=found)
