"""The catalogue, cached: what may be written in a grid, without loading torch every time.

The registries live in `sparse` and `trainer`, whose import loads torch. They are asked once, in a
child process, and the answer is kept under the XDG cache folder, under a key of everything it is
derived from. `python -m orchestrator.catalogue` is that child.
"""

import hashlib
import json
import logging
import os
import platform
import secrets
import subprocess
import sys
from pathlib import Path

from grids.catalogue import Catalogue
from orchestrator.environment import (
    EnvironmentProblem,
    explain,
    torch_pair_problem,
    worker_environment,
)
from orchestrator.provenance import ROOT, code_hash, installed, plugin_files, plugins

_LOG = logging.getLogger(__name__)


def load_catalogue() -> Catalogue:
    """The catalogue of this code, these plug-ins and this torch; built when it is not cached.

    Raises:
        EnvironmentProblem: When the registries cannot be loaded; the message ends with the cause.
    """
    path = cache_folder() / f"catalogue-{cache_key()}.json"
    try:
        return Catalogue.from_json(path.read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, KeyError) as error:
        _LOG.warning("rebuilding the cached catalogue, %s cannot be read: %s", path, error)
    description, warned = _describe_in_child()
    catalogue = Catalogue.from_json({**description, "code": code_hash()})
    if not warned:  # a package that cannot be loaded may be mended without a trace in the key
        _keep(path, catalogue.to_json())
    return catalogue


def cache_folder() -> Path:
    """The folder of sparsesweep's caches: `$XDG_CACHE_HOME/sparsesweep`, else `~/.cache/...`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sparsesweep"


def cache_key() -> str:
    """What the catalogue depends on, as 16 hex digits: our code, plug-ins, torch and Python."""
    parts = [code_hash(), installed().get("torch", ""), platform.python_version()]
    parts += [f"{name} {version}" for name, version in plugins()]
    for path in plugin_files():
        status = path.stat()
        parts.append(f"{path} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def write_description() -> None:
    """Ask the registries and write what they say to standard output, as JSON (in the child)."""
    from trainer.describe import describe

    sys.stdout.write(json.dumps(describe()))


def _describe_in_child() -> tuple[dict[str, object], bool]:
    """What the registries say, and whether the child warned of anything; it is repeated here."""
    problem = torch_pair_problem()
    if problem is not None:
        raise EnvironmentProblem(problem)
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.catalogue"],
        cwd=ROOT, env={**os.environ, **worker_environment()},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise EnvironmentProblem(
            f"the methods, datasets and models cannot be loaded:\n{explain(done.stderr.strip())}"
        )
    for line in done.stderr.splitlines():
        _LOG.warning("%s", line)
    description: dict[str, object] = json.loads(done.stdout)
    return description, bool(done.stderr.strip())


def _keep(path: Path, text: str) -> None:
    """Cache the text; a cache that cannot be written costs time, never the command."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        _LOG.warning("the catalogue cannot be cached in %s: %s", path.parent, error)


if __name__ == "__main__":
    write_description()
