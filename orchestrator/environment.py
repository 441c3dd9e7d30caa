"""The process environment: what a worker needs before torch loads, and what must not be there."""

import importlib.metadata
import importlib.util
import os
import sys
from pathlib import Path

from orchestrator.provenance import PACKAGES, ROOT, installed

EXACT = "MKL_CBWR"
"""The variable without which matrix products depend on how many cells are stacked."""

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_PAIR_SYMPTOM = "operator torchvision::nms does not exist"


class EnvironmentProblem(ValueError):
    """This Python environment cannot run sparsesweep; the message says why and what to do."""


def worker_environment(threads: int = 1) -> dict[str, str]:
    """The variables of a worker process; they must be set before it loads torch.

    `MKL_CBWR` fixes the code path of MKL, so that a cell's bits do not depend on its neighbours in
    a stack; the thread counts fix the order of sums; `PYTHONSAFEPATH` and `PYTHONPATH` keep a
    `trainer.py` in the working folder from shadowing ours.

    Args:
        threads: Threads of each numerical library, from `recipe.threads`; at least 1.
    """
    paths = [str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {
        EXACT: f"{_widest_vectors()},STRICT",
        **dict.fromkeys(_THREADS, str(threads)),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "PYTHONHASHSEED": "0",
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(path for path in paths if path)),
    }


def torch_is_exact(threads: int = 1) -> bool:
    """Whether torch is not loaded yet in this process, or was loaded with a worker's variables."""
    wanted = worker_environment(threads)
    return "torch" not in sys.modules or all(
        os.environ.get(name) == wanted[name] for name in (EXACT, *_THREADS)
    )


def check_packages(root: Path = ROOT) -> None:
    """Refuse to start when one of our top-level packages is found elsewhere.

    Raises:
        EnvironmentProblem: When `import sparse` (or another of the four) gives foreign code.
    """
    foreign = foreign_packages(root)
    if foreign:
        listed = "".join(f"\n  import {name} finds {place}" for name, place in foreign.items())
        raise EnvironmentProblem(
            f"another package shadows sparsesweep's own (expected under {root}):{listed}\n"
            "sparsesweep needs an environment of its own: make one with `make` in its folder, "
            "or uninstall what shadows it."
        )


def foreign_packages(root: Path = ROOT) -> dict[str, str]:
    """For those of our four packages that are found elsewhere: the name, and where."""
    found = {}
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        origin = spec.origin if spec is not None else None
        if origin is None:
            found[name] = "nothing"
        elif Path(origin).resolve() != root / name / "__init__.py":
            found[name] = origin
    return found


def torch_pair_problem() -> str | None:
    """What is wrong with the installed pair of torch and torchvision, or None. Imports neither."""
    versions = installed()
    torch, vision = versions.get("torch"), versions.get("torchvision")
    if torch is None:
        return "torch is not installed; run `make` in sparsesweep's folder"
    if vision is None:
        return None
    needed = _needed_torch()
    if needed is not None and needed != _release(torch):
        return _pair_message(torch, vision, f"torchvision {vision} was built for torch {needed}")
    if _build(torch) and _build(vision) and _build(torch) != _build(vision):
        return _pair_message(torch, vision, "they are builds for different devices")
    return None


def explain(message: str) -> str:
    """An error's message, with what is behind it where that is known."""
    if _PAIR_SYMPTOM not in message:
        return message
    versions = installed()
    torch, vision = versions.get("torch", "?"), versions.get("torchvision", "?")
    return f"{message}\n{_pair_message(torch, vision, 'their compiled parts do not fit')}"


def _pair_message(torch: str, vision: str, why: str) -> str:
    return (
        f"torch {torch} and torchvision {vision} do not match: {why} (its symptom: "
        f'"{_PAIR_SYMPTOM}"). Install the pair that requirements.lock names: run `make`.'
    )


def _needed_torch() -> str | None:
    try:
        requirements = importlib.metadata.requires("torchvision") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for requirement in requirements:
        name, _, version = requirement.partition("==")
        if name.strip() == "torch" and version:
            return _release(version.partition(";")[0].strip())
    return None


def _release(version: str) -> str:
    return version.partition("+")[0]


def _build(version: str) -> str:
    return version.partition("+")[2]


def _widest_vectors() -> str:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return "AVX2"
    return "AVX512" if " avx512f" in flags else "AVX2"
