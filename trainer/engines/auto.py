"""``auto``: the fastest legal engine and the best block width, by timing a few warm steps.

In the exact tier the engine is fixed and only the width is chosen, which changes no bit: a stack
that outgrows the cache is slower per cell than several narrower ones in turn.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from grids.cell import Cell
from trainer.engines import ENGINES, legal_engines
from trainer.engines.base import Engine
from trainer.workload import Workload

WIDTHS = (1, 4, 16, 64)
"""Block widths that are tried."""

WARM_STEPS = 2
"""Steps before the clock starts: first calls allocate buffers and choose kernels."""

TIMED_STEPS = 3
"""Steps per round of timing; the fastest round counts, so that a disturbance does not."""

ROUNDS = 2
"""Rounds of timing per candidate, taken in turn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """An engine and how many cells it steps together."""

    engine: str
    width: int


def choose(workload: Workload, cells: Sequence[Cell], wanted: str = "auto") -> Choice:
    """How to run cells that share a workload and their legal engines.

    Args:
        wanted: ``"auto"``, or one engine to insist on (its width is still chosen).

    Raises:
        ValueError: when the engine insisted on is not legal for the cells.
    """
    legal = legal_engines(workload, cells[0])
    if wanted != "auto" and wanted not in legal:
        raise ValueError(
            f"engine {wanted!r} may not run {cells[0].label()} in the "
            f"{workload.recipe.tier} tier on {workload.device}; legal: {', '.join(legal)}"
        )
    names = legal if wanted == "auto" else (wanted,)
    candidates = [
        Choice(engine=name, width=width) for name in names for width in _widths(name, len(cells))
    ]
    if len(candidates) == 1 or workload.total_steps == 0:
        return candidates[-1]
    return _fastest(workload, cells, candidates)


def _widths(engine: str, cells: int) -> list[int]:
    if engine == "solo":
        return [1]
    return sorted({min(width, cells) for width in WIDTHS})


def _fastest(workload: Workload, cells: Sequence[Cell], candidates: Sequence[Choice]) -> Choice:
    steps = [_warm_stepper(workload, cells[: choice.width], choice) for choice in candidates]
    times = [float("inf")] * len(candidates)
    for _ in range(ROUNDS):
        for index, (choice, step) in enumerate(zip(candidates, steps, strict=True)):
            times[index] = min(times[index], _time(step) / choice.width)
    return candidates[min(range(len(candidates)), key=times.__getitem__)]


def _warm_stepper(workload: Workload, cells: Sequence[Cell], choice: Choice) -> Callable[[], None]:
    # A throw-away engine; nothing it learns reaches a cell.
    engine: Engine = ENGINES[choice.engine](workload, cells)
    batch = min(workload.recipe.batch, len(workload.bundle.train))
    indices = torch.arange(batch, device=workload.device).expand(len(cells), -1).contiguous()

    def step() -> None:
        engine.backward(indices, 1)
        engine.optimizer_step(1e-3)

    for _ in range(WARM_STEPS):
        step()
    return step


def _time(step: Callable[[], None]) -> float:
    _synchronise()
    started = time.perf_counter()
    for _ in range(TIMED_STEPS):
        step()
    _synchronise()
    return time.perf_counter() - started


def _synchronise() -> None:
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()
