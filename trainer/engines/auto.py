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

WARM_STEPS = 1
"""Steps before the clock starts: first calls allocate buffers and choose kernels."""

TIMED_STEPS = 2
"""Steps of one timing."""

TIMINGS = 2
"""Timings per candidate; the fastest counts, so that a disturbance does not decide."""

GIVE_UP = 1.1
"""A width so many times slower than the best one ends the search among wider ones."""


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
    if len(names) == 1 and len(_widths(names[0], len(cells))) == 1:
        return Choice(engine=names[0], width=1)
    timed = [_best_width(workload, cells, name) for name in names]
    return min(timed, key=lambda found: found[0])[1]


def _widths(engine: str, cells: int) -> list[int]:
    if engine == "solo":
        return [1]
    return sorted({min(width, cells) for width in WIDTHS})


def _best_width(workload: Workload, cells: Sequence[Cell], engine: str) -> tuple[float, Choice]:
    # Seconds per step and cell of the best width. Caches make the time a valley in the width, so
    # the search ends once it climbs.
    best = (float("inf"), Choice(engine=engine, width=1))
    for width in _widths(engine, len(cells)):
        step = _warm_stepper(workload, cells[:width], engine)
        seconds = min(_time(step) for _ in range(TIMINGS)) / width
        if seconds > GIVE_UP * best[0]:
            break
        best = min(best, (seconds, Choice(engine=engine, width=width)), key=lambda found: found[0])
    return best


def _warm_stepper(
    workload: Workload, cells: Sequence[Cell], engine_name: str
) -> Callable[[], None]:
    # A throw-away engine; nothing it learns reaches a cell.
    engine: Engine = ENGINES[engine_name](workload, cells)
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
