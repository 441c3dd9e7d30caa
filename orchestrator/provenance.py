"""What made a record: the code, its environment, the plug-ins and the machine.

Provenance is never part of a cell's identity. It is written into every record, and `plan` compares
the code hash to say which answers came from other code.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import pwd
import socket
import sys
from functools import cache
from pathlib import Path

from grids.catalogue import ENTRIES

PACKAGES = ("grids", "orchestrator", "sparse", "trainer")
"""The top-level packages that this application consists of."""

ROOT = Path(__file__).resolve().parents[1]
"""The folder that holds the four packages."""

PLUGIN_GROUPS = tuple(f"sparsesweep.{plural}" for plural in ENTRIES.values())
"""Entry-point groups through which other distributions add to the catalogue."""

_DIGITS = 16


@cache
def code_hash(root: Path = ROOT) -> str:
    """16 hex digits over the Python files of the four packages; read once in a process."""
    return hash_of(root)


def hash_of(root: Path) -> str:
    """The same, read anew: for a folder whose files others may change."""
    digest = hashlib.sha256()
    for path in hashed_files(root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:_DIGITS]


def hashed_files(root: Path) -> list[Path]:
    """The files of which a code hash speaks, sorted."""
    return sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))


@cache
def installed() -> dict[str, str]:
    """Distribution name (lower case, with dashes) to version, from the names on the import path.

    Reading only the names of the metadata folders takes a few milliseconds; of a distribution that
    is there twice, the first on the path counts, as for imports.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            names = sorted(os.listdir(folder or "."))
        except OSError:
            continue
        for name in names:
            if name.endswith(".dist-info"):
                distribution, _, version = name.removesuffix(".dist-info").partition("-")
                found.setdefault(distribution.lower().replace("_", "-"), version)
    return found


@cache
def environment_hash() -> str:
    """16 hex digits over the Python version and every installed distribution with its version."""
    lines = [f"python {platform.python_version()}"]
    lines += [f"{name} {version}" for name, version in sorted(installed().items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:_DIGITS]


@cache
def plugins() -> tuple[tuple[str, str], ...]:
    """(distribution, version) of everything that registers itself in the catalogue, sorted."""
    found = {
        (point.dist.name, point.dist.version)
        for group in PLUGIN_GROUPS
        for point in importlib.metadata.entry_points(group=group)
        if point.dist is not None
    }
    return tuple(sorted(found))


def plugin_names() -> list[str]:
    """The same as texts: "distribution version"."""
    return [f"{name} {version}" for name, version in plugins()]


@cache
def plugin_files() -> tuple[Path, ...]:
    """The files of the packages that the plug-ins' entry points name, sorted.

    Found without importing anything, also where a package is installed to be edited; what cannot be
    found is left out.
    """
    packages = {
        point.module.partition(".")[0]
        for group in PLUGIN_GROUPS
        for point in importlib.metadata.entry_points(group=group)
    }
    return tuple(sorted(path for package in packages for path in _files_of(package)))


@cache
def processor() -> str:
    """The processor's model name, as the kernel tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def person() -> str:
    """The name of who runs this process; the number where the system has no name for it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def machine() -> str:
    """The machine type that the exact tier's promise is about: architecture and processor."""
    return f"{platform.machine()} {processor()}"


def job() -> str | None:
    """The scheduler's id of the job this process runs in, if it runs in one."""
    return os.environ.get("SLURM_JOB_ID")


def _files_of(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return []
    origin = Path(spec.origin)
    return sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
