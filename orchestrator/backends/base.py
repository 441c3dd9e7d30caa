"""What a backend is, and finding one by name."""

import importlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grids.problems import unknown

if TYPE_CHECKING:
    from orchestrator.worker import Trainer

_MODULES = {
    "inline": ("orchestrator.backends.inline", "Inline"),
    "ray": ("orchestrator.backends.ray_tune", "RayTune"),
}


SCHEDULER = "slurm"
"""The backend for which nobody waits: see `orchestrator.slurm.cluster`."""


class BackendError(ValueError):
    """A backend cannot be used here; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackEnd:
    """What a backend knows of a pack when it gave it up or back.

    Attributes:
        pack: Id of the pack.
        error: What broke its worker, else "". The cells' own failures are in their records.
    """

    pack: str
    error: str = ""


class Backend:
    """Carries packs to workers, a given number at a time.

    Results are never read from a backend: they are the records that its workers leave.
    """

    name: str
    max_workers: int | None = None
    """Most packs at a time; None where that is for the person to say."""

    device: str = "cpu"
    """The torch device of its workers."""

    def probe(self) -> None:
        """Raise BackendError when this backend cannot work here. Quick; starts nothing."""

    def prepare(self, *, slots: int, threads: int) -> None:
        """Begin what takes long and needs no packs; may return before it is ready."""

    def run(
        self,
        manifests: Sequence[Path],
        *,
        slots: int,
        threads: int = 1,
        should_stop: Callable[[], bool],
        trainer: "Trainer | None" = None,
    ) -> list[PackEnd]:
        """Have every manifest run by a worker; returns when all of them ended.

        Args:
            manifests: Files of pack manifests, in the order in which to begin them.
            slots: Workers at a time, at least 1.
            threads: Threads of each worker's numerical libraries.
            should_stop: Asked often; once true, workers drain and no pack begins.
            trainer: What trains a pack instead of `trainer.run.run_pack`.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Give back what was started."""


def names() -> tuple[str, ...]:
    """The names of all backends, sorted."""
    return tuple(sorted([*_MODULES, SCHEDULER]))


def get_backend(name: str, *, address: str | None = None) -> Backend:
    """The backend of that name, for a run that waits.

    Args:
        name: One of `names()`, but the scheduler.
        address: Address of a running Ray cluster, for the ray backend.

    Raises:
        GridError: For an unknown name, with the nearest one.
        BackendError: When `address` is given to a backend that has none.
    """
    if name not in _MODULES:
        raise unknown("backend", name, names())
    if address is not None and name != "ray":
        raise BackendError(f"--address belongs to --backend ray, not to {name}")
    module, kind = _MODULES[name]
    backend_type: type[Backend] = getattr(importlib.import_module(module), kind)
    return backend_type(address) if address is not None else backend_type()  # type: ignore[call-arg]


def choose_name(asked: str | None, last: str | None) -> str:
    """The backend to use: the flag, else the grid's last one, else ray.

    Raises:
        BackendError: On the login node of a SLURM cluster when none was asked for by name, so that
            nobody trains there by accident.
    """
    if asked is not None:
        return asked
    chosen = last if last is not None else "ray"
    if chosen == SCHEDULER:
        return chosen
    on_a_login_node = shutil.which("sbatch") is not None and "SLURM_JOB_ID" not in os.environ
    if on_a_login_node:
        raise BackendError(
            f"this looks like the login node of a SLURM cluster (sbatch is here, and this is no "
            f"job); to train on this very machine all the same, say so: --backend {chosen}"
        )
    return chosen
