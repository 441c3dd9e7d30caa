"""What runs in the job of doctor: a node tells what it has and what it sees of the store.

It is started as packs are, from frozen code by submitit, so that all on the way is tried as well.
"""

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator.environment import explain, worker_environment
from orchestrator.health.store_probe import broken_promise, clock_skew, file_system
from orchestrator.provenance import ROOT, plugin_names
from orchestrator.store.publishing import publish_new

REPORT = "report.json"
"""Name of a node's answer, beside the question."""

_GPU_SECONDS = 30.0
_TOLD = ("SLURM_CPUS_PER_TASK", "SLURM_JOB_PARTITION", "CUDA_VISIBLE_DEVICES", "TMPDIR")


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeReport:
    """What a node said of itself.

    Attributes:
        host: Its name.
        python: Version of Python there.
        executable: Path of the interpreter.
        code: The folder that our packages came from.
        torch: Version of torch; "" when it cannot be imported.
        torch_error: Why not, else "".
        devices: GPUs that torch sees.
        gpus: The GPUs that nvidia-smi lists, one line each; empty where there is no such command.
        cores: Cores that the task may use.
        file_system: Type of the file system that the store is on there.
        broken_promise: What that fails to do, else "".
        skew: Seconds by which the stamp of a new file is ahead of the node's clock.
        environment: Some variables, by name; none that could hold a secret.
        plugins: The users' packages that are installed there, with their versions.
    """

    host: str
    python: str
    executable: str
    code: str
    torch: str
    torch_error: str
    devices: int
    gpus: tuple[str, ...]
    cores: int
    file_system: str
    broken_promise: str
    skew: float
    environment: dict[str, str]
    plugins: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "NodeReport":
        """A report from its file; OSError when it is not there, ValueError when it is damaged."""
        try:
            content = json.loads(path.read_bytes())
            lists = {name: tuple(content[name]) for name in ("gpus", "plugins")}
            return cls(**{**content, **lists})
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged ({error})") from error


def report_node(question: str, name: str) -> None:
    """Leave beside the question what this node has and sees.

    Args:
        question: Path of a file that names the store.
        name: Name of the job.
    """
    path = Path(question)
    store = Path(json.loads(path.read_bytes())["store"])
    os.environ.update(worker_environment(1))
    report = look_around(store)
    publish_new(path.with_name(REPORT), json.dumps(asdict(report)).encode())


def look_around(store: Path) -> NodeReport:
    """What this machine has, and what it sees of a store; imports torch."""
    version, error, devices = _torch()
    return NodeReport(
        host=socket.gethostname(),
        python=platform.python_version(),
        executable=sys.executable,
        code=str(ROOT),
        torch=version,
        torch_error=error,
        devices=devices,
        gpus=_listed_gpus(),
        cores=len(os.sched_getaffinity(0)),
        file_system=file_system(store),
        broken_promise=_broken_promise(store),
        skew=clock_skew(store),
        environment={name: os.environ[name] for name in _TOLD if name in os.environ},
        plugins=tuple(plugin_names()),
    )


def _torch() -> tuple[str, str, int]:
    """Version, what kept it from being imported, and how many GPUs it sees."""
    try:
        import torch
    except (ImportError, OSError, RuntimeError) as error:
        return "", explain(f"{type(error).__name__}: {error}"), 0
    return torch.__version__, "", torch.cuda.device_count()


def _listed_gpus() -> tuple[str, ...]:
    if shutil.which("nvidia-smi") is None:
        return ()
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, check=False, timeout=_GPU_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return (f"nvidia-smi fails: {error}",)
    return tuple(done.stdout.splitlines())


def _broken_promise(store: Path) -> str:
    try:
        return broken_promise(store) or ""
    except OSError as error:
        return f"it cannot be written there: {error}"
