"""doctor: whether this machine, this environment and this store can do the work."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from orchestrator.environment import (
    EXACT,
    explain,
    foreign_packages,
    torch_pair_problem,
    worker_environment,
)
from orchestrator.provenance import ROOT, installed
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import publish_new, replace

_LOW_DISK_GB = 1.0
_IMPORT_SECONDS = 120.0

Verdict = Literal["ok", "warning", "broken"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found about one subject.

    Attributes:
        subject: What was looked at.
        verdict: "broken" keeps sparsesweep from working; "warning" only changes how it does.
        found: What was found.
        fix: What to do about it, "" when nothing is to be done.
    """

    subject: str
    verdict: Verdict
    found: str
    fix: str = ""

    def plain(self) -> dict[str, str]:
        """The finding as plain data."""
        return asdict(self)


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


def look_at_disk(store: Path) -> Finding:
    """How much room there is for results."""
    free = shutil.disk_usage(_existing(store)).free / 1e9
    found = f"{free:.1f} GB free at {store}"
    if free >= _LOW_DISK_GB:
        return Finding(subject="disk", verdict="ok", found=found)
    fix = "make room, or keep the results elsewhere with --store"
    return Finding(subject="disk", verdict="broken", found=found, fix=fix)


def look_at_store(store: Path) -> Finding:
    """Whether the store can be read, and whether its file system keeps what the store relies on."""
    try:
        if (store / "store.json").exists():
            Store.open(store)
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=_existing(store)) as folder:
            wrong = _broken_promise(Path(folder))
    except (StoreError, OSError) as error:
        fix = "give a folder that you may write with --store"
        return Finding(subject="store", verdict="broken", found=str(error), fix=fix)
    if wrong is None:
        found = f"link, rename and flush work at {store}"
        return Finding(subject="store", verdict="ok", found=found)
    fix = "put the store on a POSIX file system (local disk, NFS, Lustre, GPFS)"
    return Finding(subject="store", verdict="broken", found=wrong, fix=fix)


def _broken_promise(folder: Path) -> str | None:
    """What the file system of a folder fails to do, or None."""
    path = folder / "probe"
    if not publish_new(path, b"first") or publish_new(path, b"second"):
        return "two files can be published under one name: hard links are not exclusive here"
    if path.read_bytes() != b"first":
        return "the second of two files published under one name was kept"
    replace(path, b"third")
    return None if path.read_bytes() == b"third" else "a rename over a file does not replace it"


def _existing(path: Path) -> Path:
    """The folder itself or the nearest folder above it that is there."""
    candidate = path.absolute()
    while not candidate.is_dir():
        candidate = candidate.parent
    return candidate
