"""Finding a backend by its name, with the options that belong to it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from grids.problems import unknown
from orchestrator.backends.base import SCHEDULER, Backend, BackendError


@dataclass(frozen=True, kw_only=True, slots=True)
class RayOptions:
    """Which Ray carries packs, and what a pack gets of its GPUs.

    Attributes:
        address: A running cluster: "host:port" or "auto"; None for a local Ray.
        gpus: GPUs of each pack, or a fraction of one; 0 trains on CPUs.
    """

    address: str | None = None
    gpus: float = 0.0

    def check(self, backend: str) -> None:
        """Refuse values out of range, and a backend that knows neither.

        Raises:
            BackendError: Naming the flag, what was given and what is allowed.
        """
        given = {"--address": self.address, "--gpus-per-pack": self.gpus or None}
        for flag, value in given.items():
            if value is not None and backend != "ray":
                raise BackendError(f"{flag} belongs to --backend ray, not to {backend}")
        if self.gpus < 0 or (self.gpus > 1 and not self.gpus.is_integer()):
            raise BackendError(
                f"--gpus-per-pack is {self.gpus:g}; allowed: a fraction of one GPU, such as 0.25, "
                "or a whole number of them"
            )


def names() -> tuple[str, ...]:
    """The names of all backends."""
    return ("inline", "ray", SCHEDULER)


def get_backend(name: str, store: Path, ray: RayOptions | None = None) -> Backend:
    """The backend of that name, for a run that waits.

    Args:
        name: One of `names()`, but the scheduler.
        store: Folder of the store.
        ray: Which Ray, and how packs share GPUs; for the ray backend only.

    Raises:
        GridError: For an unknown name, with the nearest one.
        BackendError: When options are given to a backend that has none, or are out of range.
    """
    if name not in ("inline", "ray"):
        raise unknown("backend", name, names())
    options = RayOptions() if ray is None else ray
    options.check(name)
    if name == "inline":
        from orchestrator.backends.inline import Inline

        return Inline()
    if options.address is not None:
        from orchestrator.backends.ray_cluster import RayCluster

        return RayCluster(options.address, store=store, gpus=options.gpus)
    from orchestrator.backends.ray_tune import RayTune

    return RayTune(gpus=options.gpus)


def choose_name(asked: str | None, last: str | None, *, elsewhere: bool = False) -> str:
    """The backend to use: the flag, else the grid's last one, else ray.

    Args:
        asked: The flag, or None.
        last: The backend of the grid's last run, or None.
        elsewhere: Whether a cluster at an address would carry the run, and not this machine.

    Raises:
        BackendError: On the login node of a SLURM cluster when none was asked for by name, so that
            nobody trains there by accident.
    """
    if asked is not None:
        return asked
    chosen = last if last is not None else "ray"
    if chosen == SCHEDULER or elsewhere:
        return chosen
    on_a_login_node = shutil.which("sbatch") is not None and "SLURM_JOB_ID" not in os.environ
    if on_a_login_node:
        raise BackendError(
            f"this looks like the login node of a SLURM cluster (sbatch is here, and this is no "
            f"job); to train on this very machine all the same, say so: --backend {chosen}"
        )
    return chosen
