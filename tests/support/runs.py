"""Runs without training: a stand-in trainer, and another process's run as a store shows it."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from grids.cell import Cell
from orchestrator.planning.packing import pack_id
from orchestrator.provenance import host
from orchestrator.store.layout import Store
from orchestrator.store.records import new_attempt, timestamp
from orchestrator.submissions.manifest import Driver, Manifest, publish_manifests, started
from orchestrator.submissions.submission import Submission, publish_submission
from orchestrator.worker.heartbeat import Heartbeat, Phase


def trainer(
    seconds: float = 1.0,
    failing: Callable[[Cell], bool] = lambda cell: False,
    measure: Callable[[Cell], float] = lambda cell: 0.5,
) -> Any:
    """A trainer that ends every cell at once, and says how accurate it is.

    It charges so many seconds for each.
    """

    def train(cells: Sequence[Cell], *, publish: Any, request: Any) -> Any:
        from trainer.outcome import Outcome, PackReport

        error = {"type": "ValueError", "message": "bad", "traceback": "here", "phase": "train"}
        for cell in cells:
            broken, now = failing(cell), time.time()
            outcome = Outcome(
                cell=cell,
                state="FAILED" if broken else "COMPLETED",
                metrics={} if broken else {"test_accuracy": measure(cell)},
                error=error if broken else None,
                started_at=now, finished_at=now, engine="none", stack_width=1,
                seconds=seconds, device_seconds=0.0, memory_mb=0.0,
            )  # fmt: skip
            publish(outcome)
        return PackReport(finished=len(cells), stopped=False, seconds=0.0)

    return train


def a_driver(pid: int) -> Driver:
    """A living process of this machine as a driver."""
    return Driver(host=host(), pid=pid, started=started(pid) or 0)


def a_submission(grid: str, number: int, cells: Sequence[Cell]) -> Submission:
    """A submission of these cells, from nowhere in particular."""
    return Submission(
        grid=grid, number=number, source=f"/grids/{grid}.yaml", text=f"name: {grid}\n",
        overrides=(), backend="inline", slots=1, data_root=None, code="c0de",
        submitted_at=timestamp(time.time()), cells=tuple(cells),
    )  # fmt: skip


def another_run(
    store: Store, packs: Sequence[Sequence[Cell]], *, grid: str = "other", number: int = 1
) -> list[str]:
    """A run of the process that started this one: its packs, of which none has a worker yet."""
    publish_submission(store, a_submission(grid, number, [cell for p in packs for cell in p]))
    manifests = [
        Manifest(
            pack=pack_id(cells), store=str(store.root), grid=grid, number=number,
            backend="inline", code="c0de", cells=tuple(cells), driver=a_driver(os.getppid()),
        )
        for cells in packs
    ]  # fmt: skip
    publish_manifests(store, manifests)
    return [manifest.pack for manifest in manifests]


def beat(
    store: Store, pack: str, *, phase: Phase = Phase.RUNNING, driver: int | None = None
) -> None:
    """Have a worker say how a pack stands; by default one of `another_run`, alive."""
    attempt, own = new_attempt(), os.getpid()
    said = Heartbeat(
        pack=pack, attempt=attempt, phase=phase, host=host(), pid=own, started=started(own) or 0,
        driver=a_driver(os.getppid() if driver is None else driver), at=time.time(),
    )  # fmt: skip
    path = store.heartbeat_path(pack, attempt)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(said.to_json())
