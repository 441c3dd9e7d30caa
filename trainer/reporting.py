"""From a trained block to what is reported of each cell: metrics, layers, times, verdict."""

import math
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from grids.cell import Cell
from sparse.stats import collapsed_layers, layer_stats, realised_density
from trainer.cell_run import CellRun
from trainer.evaluate import Evaluated, calibration_errors, evaluate
from trainer.failure import Failure
from trainer.loop import BlockLoop
from trainer.metrics import joined, split_metrics
from trainer.outcome import Outcome, untold


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What something took: wall and device seconds, and joules, None where nothing told them."""

    seconds: float = 0.0
    device_seconds: float = 0.0
    energy_j: float | None = 0.0

    def plus(self, other: "Taken", times: float = 1.0) -> "Taken":
        """This, and the other so many times."""
        known = self.energy_j is not None and other.energy_j is not None
        return Taken(
            seconds=self.seconds + times * other.seconds,
            device_seconds=self.device_seconds + times * other.device_seconds,
            energy_j=(self.energy_j or 0.0) + times * (other.energy_j or 0.0) if known else None,
        )

    def shared(self, cells: int) -> "Taken":
        """The share of one of so many cells."""
        return Taken().plus(self, 1.0 / max(1, cells))


NOTHING = Taken()
"""What nothing took."""


class BlockClock:
    """What a block takes, so that the shares of its cells add up to it.

    Args:
        engine: the engine's name.
        device: the torch device.
        energy: the counter of joules, see ``PackRequest.energy``.
        before: what each cell is charged besides: its share of a block that broke.
    """

    def __init__(
        self,
        engine: str,
        device: str,
        energy: Callable[[], tuple[float, int] | None] = untold,
        before: Taken = NOTHING,
    ) -> None:
        self._engine = engine
        self._device = device
        self._energy = energy
        self._before = before
        self._started_at = time.time()
        self._started = time.monotonic()
        self._processor = time.process_time()
        self._counted = energy()

    def taken(self) -> Taken:
        """What the block took so far, without what its cells are charged besides."""
        wall = time.monotonic() - self._started
        on_device = wall if self._device != "cpu" else time.process_time() - self._processor
        return Taken(seconds=wall, device_seconds=on_device, energy_j=self._joules())

    def share(self, cells: int) -> Taken:
        """What a cell is charged when so many share what the block took so far."""
        return self._before.plus(self.taken().shared(cells))

    def share_of_rest(self, cells: int, paid: Taken, others: int) -> Taken:
        """The same where others, which left it, have paid a part: each of them as much."""
        return self._before.plus(self.taken().plus(paid, -others).shared(cells))

    def fields(self, charged: Taken, width: int) -> dict[str, Any]:
        """The fields of an outcome that say when, where and how long.

        Args:
            charged: what the cell is charged.
            width: how many cells stepped together.
        """
        return {
            "started_at": self._started_at,
            "finished_at": time.time(),
            "engine": self._engine,
            "stack_width": width,
            "seconds": charged.seconds,
            "device_seconds": charged.device_seconds,
            "energy_j": charged.energy_j,
            "memory_mb": peak_memory_mb(self._device),
            "device": device_name(self._device),
        }

    def _joules(self) -> float | None:
        now = self._energy()
        if now is None or self._counted is None or now[1] != self._counted[1]:
            return None
        return now[0] - self._counted[0]


def outcomes_of(loop: BlockLoop, charge: Callable[[], dict[str, Any]]) -> list[Outcome]:
    """One outcome per cell of a block that has ended; only living cells are evaluated.

    Args:
        loop: the block's loop.
        charge: the fields of `BlockClock.fields`; asked once, when all else is done.
    """
    living = [run for run in loop.runs if run.alive]
    measured = _measured(loop) if living else None
    for run in living:
        run.finish()
    found = [_outcome(loop, run, measured) for run in loop.runs]
    times = charge()
    return [
        Outcome(**content, **{**times, "seconds": run.seconds + times["seconds"]})
        for run, content in zip(loop.runs, found, strict=True)
    ]


def failed(cell: Cell, failure: Failure, times: dict[str, Any]) -> Outcome:
    """The outcome of a cell that could not be trained; `times` as `BlockClock.fields` gives."""
    return Outcome(cell=cell, state=failure.state, error=failure.error, **times)


def peak_memory_mb(device: str) -> float:
    """Peak memory in MiB: of the process on the CPU, of the device's allocator elsewhere."""
    if device != "cpu" and torch.cuda.is_available():
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def device_name(device: str) -> str:
    """``"cpu"``, or the accelerator's product name; the device itself where it is not there."""
    if device == "cpu" or not torch.cuda.is_available():
        return device
    return torch.cuda.get_device_name(device)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measured:
    """What a block's cells came to: by split, of their best epochs on test, and calibration."""

    final: Mapping[str, Evaluated]
    best: Evaluated
    calibration: Sequence[float]


def _measured(loop: BlockLoop) -> _Measured:
    engine, bundle = loop.engine, loop.engine.workload.bundle
    splits = {"test": bundle.test, "val": bundle.val, "train": bundle.train, **bundle.extra}
    final = {name: evaluate(engine, split) for name, split in splits.items()}
    calibration = calibration_errors(engine, bundle.test)
    with loop.best.shown():
        best = evaluate(engine, bundle.test)
    return _Measured(final=final, best=best, calibration=calibration)


def _outcome(
    loop: BlockLoop,
    run: CellRun,
    measured: _Measured | None,
) -> dict[str, Any]:
    """All fields of its outcome but those that say when, where and how long."""
    metrics = _metrics(loop, run, measured) if run.alive and measured is not None else {}
    state, error = _verdict(run, metrics)
    return {
        "cell": run.cell,
        "state": state,
        "metrics": metrics if state == "COMPLETED" else {},
        "curve": {**run.curve, **run.probing.curves(run.curve["epoch"])},
        "layers": [
            {"layer": s.name, "shape": list(s.shape), "total": s.total, "active": s.active}
            for s in layer_stats(run.sparsifier.layers)
        ],
        "artifacts": run.artifacts(loop.engine) if state == "COMPLETED" else {},
        "probes": run.probing.covered if state == "COMPLETED" else (),
        "error": error,
        "resumed_step": run.resumed_step,
        "topology_updates": run.topology_updates,
        "samples": _samples(loop, run),
    }


def _samples(loop: BlockLoop, run: CellRun) -> int:
    workload = loop.engine.workload
    last = loop.step if run.ended_step is None else run.ended_step
    return workload.samples(last) - workload.samples(run.sparsifier.first_step)


def _verdict(run: CellRun, metrics: dict[str, float]) -> tuple[str, dict[str, str] | None]:
    if run.failure is not None:
        return run.failure.state, run.failure.error
    unbounded = [name for name, value in metrics.items() if not math.isfinite(value)]
    if run.diverged_epoch is None and not unbounded:
        return "COMPLETED", None
    message = f"the loss stopped being finite in epoch {run.diverged_epoch}"
    if run.diverged_epoch is None:
        message = f"not finite at the end: {', '.join(unbounded)}"
    error = {"type": "NonFiniteLoss", "message": message, "traceback": "", "phase": "training"}
    return "INVALID", error


def _metrics(loop: BlockLoop, run: CellRun, measured: _Measured) -> dict[str, float]:
    """All final metrics; none where two parts give one name, which fails the cell."""
    common = _common_metrics(loop, run, measured)
    cost = run.cost.metrics(loop.step)
    try:
        return joined(common, cost, run.sparsifier.metrics(), run.probing.metrics())
    except ValueError as error:
        run.fail(error, "metrics")
        return {}


def _common_metrics(loop: BlockLoop, run: CellRun, measured: _Measured) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, found in measured.final.items():
        values = (found.accuracy[run.n], found.loss[run.n])
        metrics |= zip(split_metrics(name), values, strict=True)
    metrics["generalisation_gap"] = metrics["train_accuracy"] - metrics["test_accuracy"]
    metrics["test_calibration_error"] = measured.calibration[run.n]
    metrics["test_accuracy_at_best_val"] = measured.best.accuracy[run.n]
    metrics["best_final_difference"] = measured.best.accuracy[run.n] - metrics["test_accuracy"]
    history: Sequence[float] = run.curve["val_accuracy"]
    metrics["best_val_accuracy"] = max(history)
    metrics["best_val_epoch"] = run.curve["epoch"][history.index(max(history))]
    full_size = loop.engine.workload.full_size
    stats = layer_stats(run.sparsifier.layers)
    metrics["density"] = realised_density(stats, full_size)
    metrics["collapsed_layers"] = float(len(collapsed_layers(stats)))
    return metrics
