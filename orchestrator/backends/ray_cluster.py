"""The ray backend on a cluster that runs already, on one machine or on many.

Nothing of the cluster is started or stopped here. Its workers import the frozen code from the
store, so the store must be on a file system that all nodes share; every node is looked at before
the first pack. A pack whose node dies is begun again on another one, from its last checkpoint.
"""

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.backends.base import Backend, BackendError, PackEnd
from orchestrator.backends.ray_nodes import check_nodes
from orchestrator.backends.ray_trials import QUIET, Share, import_tune, run_trials
from orchestrator.environment import EXACT, worker_environment
from orchestrator.planning.machine import packs_on_gpus
from orchestrator.planning.packing import Capacity
from orchestrator.provenance import code_hash
from orchestrator.store.layout import Store
from orchestrator.submissions.frozen import freeze

if TYPE_CHECKING:
    from orchestrator.worker.run import Trainer

LOSSES = 3
"""How often a pack whose worker died is begun again within one run."""

_REACH_SECONDS = 5.0
_MEMORY_SHARE = 0.8  # of a node's memory; the rest is the system's and Ray's


class RayCluster(Backend):
    """Runs packs as trials of Ray Tune on the nodes of a cluster.

    Args:
        address: The cluster: "host:port" of its head, or "auto" on one of its nodes.
        store: Folder of the store, on a file system that all nodes share.
        gpus: GPUs of each pack, or a fraction of one; 0 trains on CPUs.
    """

    name = "ray"

    def __init__(self, address: str, *, store: Path, gpus: float = 0.0) -> None:
        self.device = "cuda" if gpus else "cpu"
        self.address: str = address
        self.gpus = gpus
        self._store = store
        self._connected = False

    def probe(self) -> None:
        """Refuse an address at which nobody listens."""
        host, colon, port = self.address.rpartition(":")
        if self.address == "auto":
            return
        if not colon or not port.isdecimal():
            raise BackendError(f"--address is {self.address!r}; allowed: host:port, or auto")
        try:
            socket.create_connection((host, int(port)), timeout=_REACH_SECONDS).close()
        except OSError as error:
            raise BackendError(
                f"no Ray cluster answers at {self.address}: {error.strerror or error}. "
                "`ray start --head` prints the address of the one that it starts."
            ) from error

    def capacity(self, threads: int) -> Capacity:
        """What the cluster's nodes carry; connects to it."""
        self._connect(threads)
        slots = {node.name: node.slots(threads, self.gpus) for node in _nodes()}
        total = sum(slots.values())
        if not total:
            wanted = f"{threads} CPUs" + (f" and {self.gpus:g} GPUs" if self.gpus else "")
            raise BackendError(
                f"the Ray cluster at {self.address} has no node with {wanted} for a pack"
            )
        shares = [
            node.memory_mb * _MEMORY_SHARE / slots[node.name]
            for node in _nodes()
            if slots[node.name]
        ]
        return Capacity(slots=total, memory_mb=min(shares))

    def prepare(self, *, slots: int, threads: int) -> None:
        """Connect to the cluster, and load Tune."""
        self._connect(threads)
        import_tune()

    def use(self, store: Store) -> None:
        """Put the code into the store, and look at every node."""
        check_nodes(store, freeze(store))

    def run(
        self,
        manifests: Sequence[Path],
        *,
        slots: int,
        threads: int = 1,
        should_stop: Callable[[], bool],
        trainer: "Trainer | None" = None,
    ) -> list[PackEnd]:
        if should_stop() or not manifests:
            return []
        return run_trials(
            manifests,
            slots=slots,
            share=Share(threads=threads, gpus=self.gpus, losses=LOSSES),
            storage=self._store,
            trainer=trainer,
        )

    def close(self) -> None:
        """Leave the cluster; it goes on."""
        if self._connected:
            import ray

            ray.shutdown()
            self._connected = False

    def _connect(self, threads: int) -> None:
        if self._connected:
            return
        os.environ.update(QUIET)
        import ray

        code = Store(root=self._store.absolute()).code_folder(code_hash())
        try:
            with _in_an_empty_place():
                ray.init(
                    address=self.address,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    runtime_env={"env_vars": _environment(threads, code)},
                )
        except (ConnectionError, RuntimeError, TimeoutError, ValueError) as error:
            raise BackendError(
                f"cannot connect to a Ray cluster at {self.address}: {error}"
            ) from error
        self._connected = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A living node of the cluster.

    Attributes:
        name: Its id.
        resources: All that it has, by Ray's names for it.
    """

    name: str
    resources: Mapping[str, float]

    @property
    def memory_mb(self) -> float:
        """Memory that Ray gives away there, in MiB."""
        return self.resources.get("memory", 0.0) / 2**20

    def slots(self, threads: int, gpus: float) -> int:
        """How many packs it carries at a time."""
        carried = int(self.resources.get("CPU", 0.0) // threads)
        if not gpus:
            return carried
        return min(carried, packs_on_gpus(int(self.resources.get("GPU", 0.0)), gpus))


def _nodes() -> list[Node]:
    import ray

    return [
        Node(name=node["NodeID"], resources=node["Resources"])
        for node in ray.nodes()
        if node["Alive"]
    ]


def _environment(threads: int, code: Path) -> dict[str, Any]:
    """The variables of a worker; the code path of MKL is for the node itself to choose."""
    inherited = {**worker_environment(threads), **QUIET, "PYTHONPATH": str(code)}
    inherited["PYTHONDONTWRITEBYTECODE"] = "1"  # kept code is nothing but what its hash speaks of
    return {name: value for name, value in inherited.items() if name != EXACT}


@contextlib.contextmanager
def _in_an_empty_place() -> Iterator[None]:
    """Ray puts the driver's working folder on the path of every worker, ahead of our code."""
    with contextlib.chdir("/"):
        yield
