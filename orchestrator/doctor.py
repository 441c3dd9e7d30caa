"""doctor: whether this machine, this environment and this store can do the work."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from orchestrator.environment import (
    EXACT,
    explain,
    foreign_packages,
    torch_pair_problem,
    worker_environment,
)
from orchestrator.health.findings import Finding
from orchestrator.health.store_probe import look_at_disk, look_at_store
from orchestrator.provenance import ROOT, installed
from orchestrator.slurm.examining import SiteQuestion, examine_site
from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.toml_places import Places
from orchestrator.store.layout import Store, StoreError

_IMPORT_SECONDS = 120.0


def examine(store: Path) -> list[Finding]:
    """Look at everything; takes some seconds, because torch and ray are really imported.

    Args:
        store: Folder of the store; made temporarily elsewhere in its parent if it is not there.
    """
    looks: list[Callable[[], Finding]] = [
        look_at_packages,
        look_at_pair,
        lambda: look_at_import("torch, torchvision", "import torch, torchvision"),
        lambda: look_at_import("ray", "import ray.tune"),
        look_at_processor,
        look_at_cores,
        lambda: look_at_disk(store),
        lambda: look_at_store(store),
    ]
    return [look() for look in looks]


def examine_profile(
    store: Path, profile: Profile, file: Path, submit_seconds: float | None = None
) -> list[Finding]:
    """Look at the cluster that a profile asks; what is found is kept in the store, for runs.

    Args:
        store: Folder of the store, made when it is not there.
        profile: The profile.
        file: The file that it stands in.
        submit_seconds: How long to wait for a tiny job there; None to submit none.
    """
    try:
        made = Store.create(store)
    except StoreError as error:
        fix = "give a folder that you may write with --store; nothing was asked of the cluster"
        return [Finding(subject="site", verdict="broken", found=str(error), fix=fix)]
    places = Places(file.read_text(encoding="utf-8"), str(file))
    asked = SiteQuestion(profile=profile, places=places, store=made, submit_seconds=submit_seconds)
    return examine_site(asked)


def look_at_packages(root: Path = ROOT) -> Finding:
    """Whether our four packages are found where they are."""
    foreign = foreign_packages(root)
    if not foreign:
        return Finding(subject="packages", verdict="ok", found=f"all four come from {root}")
    found = ", ".join(f"{name} is {place}" for name, place in foreign.items())
    fix = "use an environment of its own: run `make` in sparsesweep's folder"
    return Finding(subject="packages", verdict="broken", found=found, fix=fix)


def look_at_pair() -> Finding:
    """Whether torch and torchvision belong together, by their metadata."""
    versions = installed()
    names = f"torch {versions.get('torch')}, torchvision {versions.get('torchvision')}"
    problem = torch_pair_problem()
    if problem is None:
        return Finding(subject="torch pair", verdict="ok", found=names)
    fix = "install the pair that requirements.lock names: run `make`"
    return Finding(subject="torch pair", verdict="broken", found=problem, fix=fix)


def look_at_import(subject: str, code: str) -> Finding:
    """Whether something heavy can be imported, tried in a child process."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **worker_environment()}, cwd=ROOT,
            capture_output=True, text=True, check=False, timeout=_IMPORT_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        found = f"importing it takes more than {_IMPORT_SECONDS:.0f} s"
        fix = "see whether the environment's folder is on a slow or full disk"
        return Finding(subject=subject, verdict="broken", found=found, fix=fix)
    if done.returncode == 0:
        return Finding(subject=subject, verdict="ok", found="imports")
    lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
    fix = "install the locked environment again: run `make`"
    return Finding(subject=subject, verdict="broken", found=explain(lines[-1]), fix=fix)


def look_at_processor() -> Finding:
    """Which code path of MKL the exact tier uses here, and whether a shell overrides it."""
    wanted = worker_environment()[EXACT]
    given = os.environ.get(EXACT)
    if given in (None, wanted):
        return Finding(subject=EXACT, verdict="ok", found=f"workers run with {wanted}")
    found = f"your shell sets {given}; workers run with {wanted} all the same"
    return Finding(subject=EXACT, verdict="warning", found=found, fix=f"unset {EXACT}")


def look_at_cores() -> Finding:
    """How many cores this process may use, and how busy they are."""
    usable, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    found = f"{usable} of {os.cpu_count()} usable, load {load:.1f}"
    if load <= usable + 0.5:
        return Finding(subject="cores", verdict="ok", found=found)
    fix = "others are using this machine: times measured now say little"
    return Finding(subject="cores", verdict="warning", found=found, fix=fix)
