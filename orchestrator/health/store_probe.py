"""Whether a file system keeps what a store relies on; the same looks on a login node and in a job.

A store relies on names that are given once (link), on files that are replaced as a whole (rename),
on flushes, and on stamps of files that differ little from the clocks of those who read them.
"""

import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from orchestrator.health.findings import Finding
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import publish_new, replace

CLOCK_SECONDS = 5.0
"""So far may two clocks differ: less than what is waited before a worker counts as lost."""

_LOW_DISK_GB = 1.0
_MOUNTS = Path("/proc/self/mountinfo")
_ON_ONE_MACHINE = {
    "tmpfs", "ramfs", "overlay", "aufs", "squashfs", "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs",
    "zfs", "vfat", "exfat",
}  # fmt: skip
_POSIX = "put the store on a POSIX file system (local disk, NFS, Lustre, GPFS)"


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
        wrong = broken_promise(store)
    except (StoreError, OSError) as error:
        fix = "give a folder that you may write with --store"
        return Finding(subject="store", verdict="broken", found=str(error), fix=fix)
    if wrong is None:
        found = f"link, rename and flush work at {store}"
        return Finding(subject="store", verdict="ok", found=found)
    return Finding(subject="store", verdict="broken", found=wrong, fix=_POSIX)


def look_at_sharing(store: Path) -> Finding:
    """Whether the nodes of a cluster can be expected to see the store."""
    kind = file_system(store)
    found = f"{store} is on {kind or 'a file system of unknown type'}"
    if kind not in _ON_ONE_MACHINE:
        return Finding(subject="file system", verdict="ok", found=found)
    return Finding(
        subject="file system",
        verdict="warning",
        found=f"{found}, which one machine has to itself",
        fix="keep the results on a file system that all nodes share, with --store; doctor --submit "
        "tells whether a node sees them",
    )


def look_at_clock(store: Path) -> Finding:
    """Whether this machine's clock agrees with the stamps that the store's files get."""
    try:
        skew = clock_skew(store)
    except OSError as error:
        fix = "give a folder that you may write with --store"
        return Finding(subject="clock", verdict="broken", found=str(error), fix=fix)
    return clock_finding("clock", skew, "stamps of files and this machine's clock")


def clock_finding(subject: str, skew: float, between: str) -> Finding:
    """The judgement of a difference in seconds between two clocks, named by `between`."""
    found = f"{between} differ by {abs(skew):.1f} s"
    if abs(skew) <= CLOCK_SECONDS:
        return Finding(subject=subject, verdict="ok", found=found)
    fix = "have these clocks set by one time server (NTP): workers would count as lost too soon"
    return Finding(subject=subject, verdict="warning", found=found, fix=fix)


def broken_promise(store: Path) -> str | None:
    """What the file system of a folder fails to do, or None; OSError where it cannot be written."""
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=_existing(store)) as folder:
        path = Path(folder) / "probe"
        if not publish_new(path, b"first") or publish_new(path, b"second"):
            return "two files can be published under one name: hard links are not exclusive here"
        if path.read_bytes() != b"first":
            return "the second of two files published under one name was kept"
        replace(path, b"third")
        if path.read_bytes() != b"third":
            return "a rename over a file does not replace it"
    return None


def clock_skew(store: Path) -> float:
    """Seconds by which the stamp of a file written now is ahead of this machine's clock."""
    with tempfile.NamedTemporaryFile(prefix=".doctor-", dir=_existing(store)) as file:
        before = time.time()
        file.write(b"now")
        file.flush()
        os.fsync(file.fileno())
        after = time.time()
        stamp = os.stat(file.name).st_mtime
    # Kernels stamp with a clock that ticks a few times in a hundredth of a second.
    return 0.0 if before - 0.02 <= stamp <= after else stamp - (before + after) / 2


def file_system(path: Path, mounts: Path = _MOUNTS) -> str:
    """The type of the file system that a path is on, as the kernel calls it; "" when unknown.

    Args:
        path: The path; of what is not there, the nearest folder above counts.
        mounts: The table of mounts, as of proc(5).
    """
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    place = _existing(path).resolve()
    longest, kind = -1, ""
    for line in lines:
        left, _, right = line.partition(" - ")
        mounted = Path(_unescaped(left.split()[4]))
        # What was mounted later over the same place hides what was there.
        if place.is_relative_to(mounted) and len(mounted.parts) >= longest:
            longest, kind = len(mounted.parts), right.split()[0]
    return kind


def _unescaped(text: str) -> str:
    """A path of the table of mounts, in which blanks and tabs are written in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def _existing(path: Path) -> Path:
    """The folder itself or the nearest folder above it that is there."""
    candidate = path.absolute()
    while not candidate.is_dir():
        candidate = candidate.parent
    return candidate
