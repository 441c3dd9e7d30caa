"""What a backend is, for runs that somebody waits for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.planning.packing import Capacity
from orchestrator.store.layout import Store

if TYPE_CHECKING:
    from orchestrator.worker.run import Trainer

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

    address: str | None = None
    """Where the cluster is that carries its packs; None for this machine."""

    gpus: float = 0.0
    """GPUs of each pack, or a fraction of one."""

    def probe(self) -> None:
        """Raise BackendError when this backend cannot work here. Quick; starts nothing."""

    def capacity(self, threads: int) -> Capacity | None:
        """What it carries, where that is not this machine's to say; may connect to find out.

        Args:
            threads: Threads of each worker.
        """
        return None

    def prepare(self, *, slots: int, threads: int) -> None:
        """Begin what takes long and needs no packs; may return before it is ready."""

    def use(self, store: Store) -> None:
        """Take up the store, which is there now, before the first pack."""

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
