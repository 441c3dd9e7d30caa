"""Blocks of cells outside any orchestrator: what the benchmarks of the engines step.

Importing this loads torch; call `harness.set_exact_environment` first.
"""

import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.grid import build_grid, read_grid
from trainer import seeding
from trainer.cell_run import CellRun
from trainer.describe import describe
from trainer.engines import ENGINES
from trainer.engines.base import Engine
from trainer.loop import BlockLoop
from trainer.recipe import Recipe
from trainer.workload import load_workload


def cells_of(text: str) -> tuple[Cell, ...]:
    """The cells of a grid given as YAML."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "benchmark.yaml"
        path.write_text(text, encoding="utf-8")
        return build_grid(read_grid(path), catalogue()).cells


@cache
def catalogue() -> Catalogue:
    """The catalogue of this process's registries."""
    return Catalogue.from_json(describe())


def make_loop(
    cells: Sequence[Cell],
    engine: type[Engine] | str,
    device: str = "cpu",
    probes: Sequence[Mapping[str, Any]] = (),
) -> BlockLoop:
    """A loop at step 0 over cells that share a workload, their initial masks drawn.

    `probes` are measured of every cell.
    """
    recipe = Recipe.of(cells[0])
    seeding.prepare_tier(recipe.tier, int(recipe.threads))
    workload = load_workload(cells[0], None, device)
    kind = ENGINES[engine] if isinstance(engine, str) else engine
    made = kind(workload, cells)
    runs = [CellRun(cell, n, probes=probes) for n, cell in enumerate(cells)]
    for run in runs:
        run.prepare(made, {})
    return BlockLoop(made, runs)


def advance(loop: BlockLoop, steps: int) -> None:
    """Take that many optimizer steps, with everything that is due at them."""
    for _ in range(steps):
        loop.advance()
