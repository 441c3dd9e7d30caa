"""One block: cells that step together, from their initial weights to their outcomes."""

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from grids.cell import Cell
from trainer.cell_run import CellRun, describe_error
from trainer.engines import ENGINES
from trainer.engines.auto import Choice
from trainer.engines.base import Engine
from trainer.evaluate import Score, evaluate
from trainer.loop import BlockLoop, LoopControl, realised_density
from trainer.outcome import Outcome
from trainer.workload import Workload

OUT_OF_MEMORY = (MemoryError, torch.OutOfMemoryError)
"""Exceptions that are a state of their own: fewer cells or a bigger machine may help."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Cells that share workload, engine and the step they start from.

    Attributes:
        states: the checkpointed state of every cell, or empty for a fresh start.
    """

    workload: Workload
    choice: Choice
    cells: Sequence[Cell]
    states: dict[str, dict[str, Any]]


def run_block(block: Block, control: LoopControl, publish: Callable[[Outcome], None]) -> bool:
    """Train a block and publish one outcome per cell.

    A cell whose method cannot be prepared fails alone, and the rest goes on without it. When the
    shared program itself fails, its cells run one by one, so that at most the guilty one fails.

    Returns:
        False when the block was stopped; then nothing of it has been published.
    """
    clock = _Clock()
    try:
        loop, failed = _start(block)
        finished = loop is None or loop.run(control)
        outcomes = [_failure(block, cell, error, clock) for cell, error in failed]
        if finished and loop is not None:
            outcomes += _outcomes(block, loop, clock)
    except Exception as error:
        return _one_by_one(block, control, publish, error, clock)
    if finished:
        for outcome in outcomes:
            publish(outcome)
    return finished


def _start(block: Block) -> tuple[BlockLoop | None, list[tuple[Cell, dict[str, str]]]]:
    # A cell that cannot be prepared is taken out and the engine is built again without it.
    cells = list(block.cells)
    failed: list[tuple[Cell, dict[str, str]]] = []
    while cells:
        engine = ENGINES[block.choice.engine](block.workload, cells)
        runs, errors = _prepare(engine, cells, bool(block.states))
        if not errors:
            loop = BlockLoop(engine, runs)
            if block.states:
                loop.load_states(block.states)
            return loop, failed
        failed += errors
        guilty = {cell.id for cell, _ in errors}
        cells = [cell for cell in cells if cell.id not in guilty]
    return None, failed


def _prepare(
    engine: Engine, cells: Sequence[Cell], resuming: bool
) -> tuple[list[CellRun], list[tuple[Cell, dict[str, str]]]]:
    runs, errors = [], []
    for n, cell in enumerate(cells):
        try:
            run = CellRun(cell, n)
            run.prepare(engine, resuming)
            runs.append(run)
        except Exception as error:
            errors.append((cell, describe_error(error, "prepare")))
    return runs, errors


def _one_by_one(
    block: Block,
    control: LoopControl,
    publish: Callable[[Outcome], None],
    error: Exception,
    clock: "_Clock",
) -> bool:
    if len(block.cells) == 1:
        publish(_failure(block, block.cells[0], describe_error(error, "training"), clock, error))
        return True
    for cell in block.cells:
        states = {cell.id: block.states[cell.id]} if block.states else {}
        alone = Block(
            workload=block.workload,
            choice=Choice(engine=block.choice.engine, width=1),
            cells=[cell],
            states=states,
        )
        if not run_block(alone, control, publish):
            return False
    return True


def _outcomes(block: Block, loop: BlockLoop, clock: "_Clock") -> list[Outcome]:
    bundle = block.workload.bundle
    splits = {"test": bundle.test, "val": bundle.val, "train": bundle.train}
    scores = {name: evaluate(loop.engine, split) for name, split in splits.items()}
    for run in loop.runs:
        if run.error is None:
            run.sparsifier.finish()
    return [_outcome(block, loop, run, scores, clock) for run in loop.runs]


def _outcome(
    block: Block, loop: BlockLoop, run: CellRun, scores: dict[str, Score], clock: "_Clock"
) -> Outcome:
    layers = [
        {
            "layer": layer.name,
            "shape": list(layer.mask.shape),
            "total": layer.mask.numel(),
            "active": int(layer.mask.count_nonzero()),
        }
        for layer in loop.engine.layers(run.n)
    ]
    metrics = _metrics(loop, run, scores)
    state, error = _verdict(run, metrics)
    return Outcome(
        cell=run.cell,
        state=state,
        metrics=metrics if state == "COMPLETED" else {},
        curve=run.curve,
        layers=layers,
        error=error,
        resumed_step=run.resumed_step,
        topology_updates=run.topology_updates,
        **clock.charge(block, len(loop.runs), run.seconds),
    )


def _verdict(run: CellRun, metrics: dict[str, float]) -> tuple[str, dict[str, str] | None]:
    if run.error is not None:
        return "FAILED", run.error
    losses = [metrics[f"{split}_loss"] for split in ("train", "val", "test")]
    if run.diverged_epoch is None and all(abs(loss) < float("inf") for loss in losses):
        return "COMPLETED", None
    when = "at the end" if run.diverged_epoch is None else f"in epoch {run.diverged_epoch}"
    message = f"the loss stopped being finite {when}"
    error = {"type": "NonFiniteLoss", "message": message, "traceback": "", "phase": "training"}
    return "INVALID", error


def _metrics(loop: BlockLoop, run: CellRun, scores: dict[str, Score]) -> dict[str, float]:
    metrics = {}
    for name, score in scores.items():
        metrics[f"{name}_accuracy"] = score.accuracy[run.n]
        metrics[f"{name}_loss"] = score.loss[run.n]
    metrics["generalisation_gap"] = metrics["train_accuracy"] - metrics["test_accuracy"]
    metrics["density"] = realised_density(loop.engine, run.n)
    history = run.curve["val_accuracy"]
    metrics["best_val_accuracy"] = max(history)
    metrics["best_val_epoch"] = run.curve["epoch"][history.index(max(history))]
    explored = run.sparsifier.explored.values()
    if explored:
        seen = sum(int(layer.count_nonzero()) for layer in explored)
        metrics["explored_rate"] = seen / sum(layer.numel() for layer in explored)
    return metrics


def _failure(
    block: Block,
    cell: Cell,
    error: dict[str, str],
    clock: "_Clock",
    cause: Exception | None = None,
) -> Outcome:
    state = "OUT_OF_MEMORY" if isinstance(cause, OUT_OF_MEMORY) else "FAILED"
    return Outcome(cell=cell, state=state, error=error, **clock.charge(block, len(block.cells)))


class _Clock:
    """Wall and device time of a block, and the share of it that one cell is charged."""

    def __init__(self) -> None:
        self._started_at = time.time()
        self._started = time.monotonic()
        self._processor = time.process_time()

    def charge(self, block: Block, cells: int, before: float = 0.0) -> dict[str, Any]:
        wall = time.monotonic() - self._started
        device = block.workload.device
        on_device = wall if device != "cpu" else time.process_time() - self._processor
        return {
            "started_at": self._started_at,
            "finished_at": time.time(),
            "engine": block.choice.engine,
            "stack_width": cells,
            "seconds": before + wall / cells,
            "device_seconds": on_device / cells,
            "memory_mb": peak_memory_mb(device),
            "device": device_name(device),
        }


def peak_memory_mb(device: str) -> float:
    """Peak memory in MiB: of the process on the CPU, of the device's allocator elsewhere."""
    if device != "cpu":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def device_name(device: str) -> str:
    """``"cpu"``, or the accelerator's product name."""
    return "cpu" if device == "cpu" else torch.cuda.get_device_name(device)
