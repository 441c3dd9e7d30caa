"""``auto``: the fastest legal engine and the best block width, by timing a few warm steps.

In the exact tier the engine is fixed and only the width is chosen, which changes no bit: a stack
that outgrows the cache is slower per cell than several narrower ones in turn. The likeliest
candidate is tried first, and the search ends when it has cost a hundredth of what the cells will
take, so that choosing never costs more than it can win.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from grids.cell import Cell
from trainer.engines import ENGINES, legal_engines
from trainer.feed import Feed
from trainer.workload import Workload

MAX_WIDTH = 64
"""Widest block: beyond it launch costs are spread thinly enough."""

CACHE_BYTES = 6 * 2**20
"""Weights, gradients, slots and masks of a block that a core's caches are likely to hold."""

TENSORS_PER_WEIGHT = 4
"""Weight, gradient, momentum and mask."""

SHARE = 0.01
"""Part of the cells' expected time that the search may cost."""

TIMED_STEPS = 2
"""Steps of one timing, after one warm step that allocates buffers."""

TIMINGS = 2
"""Timings per candidate; the fastest counts, so that a disturbance does not decide."""


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
    candidates = ranked_candidates(workload, names, len(cells))
    return candidates[0] if len(candidates) == 1 else _search(workload, cells, candidates)


def ranked_candidates(workload: Workload, engines: Sequence[str], cells: int) -> list[Choice]:
    """What may be tried, the likeliest winner first.

    A stack wins while a block of several cells fits the caches; its width is then the one that
    fills them.
    """
    if "stack" not in engines:
        return [Choice(engine=engine, width=1) for engine in engines]
    per_cell = 4 * TENSORS_PER_WEIGHT * workload.parameter_count()
    fitting = max(1, min(MAX_WIDTH, CACHE_BYTES // per_cell))
    widths = dict.fromkeys(
        min(width, cells) for width in (fitting, max(1, fitting // 4), min(MAX_WIDTH, 4 * fitting))
    )
    stacks = [Choice(engine="stack", width=width) for width in widths]
    if "solo" not in engines:
        return stacks
    solo = Choice(engine="solo", width=1)
    return [stacks[0], solo, *stacks[1:]] if fitting > 1 else [solo, *stacks]


def _search(workload: Workload, cells: Sequence[Cell], candidates: Sequence[Choice]) -> Choice:
    started = time.perf_counter()
    best, least = candidates[0], float("inf")
    for choice in candidates:
        try:
            step = _warm_stepper(workload, cells[: choice.width], choice.engine)
        except (MemoryError, torch.OutOfMemoryError):
            continue
        seconds = min(_time(step) for _ in range(TIMINGS)) / (TIMED_STEPS * choice.width)
        if seconds < least:
            best, least = choice, seconds
        expected = least * len(cells) * workload.total_steps
        if time.perf_counter() - started > SHARE * expected:
            break
    return best


def _warm_stepper(workload: Workload, cells: Sequence[Cell], engine: str) -> Callable[[], None]:
    # A throw-away engine; nothing it learns reaches a cell.
    trial = ENGINES[engine](workload, cells)
    batch = Feed(workload, [cell.seed for cell in cells]).batch(1)

    def step() -> None:
        trial.backward(workload.scenario.harden(trial, batch, 1), 1)
        trial.optimizer_step(1e-3)

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
