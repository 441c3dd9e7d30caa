"""Small grids of cells with synthetic results, for tests of tables and plots."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grids.cell import Cell, Component
from orchestrator.answers.results import fields_of_cell
from orchestrator.store import Store, publish_batch, timestamp
from orchestrator.store.records import Record
from tests.support.records import NOON, PROVENANCE, attempt

DENSITIES = ("0.02", "0.05", "0.1", "0.2", "0.5")
HIDDEN = {"model.hidden": [256, 256]}
SPARSE = ("static", "snip", "set", "rigl")


def a_cell(method: str = "rigl", density: str = "0.05", seed: int = 0, **changed: Any) -> Cell:
    """One cell of the digits study."""
    given = {"dataset": Component(name="digits"), "model": Component(name="mlp"), **changed}
    return Cell(method=Component(name=method), density=density, seed=seed, **given)


def a_grid(
    methods: Sequence[str] = SPARSE, densities: Sequence[str] = DENSITIES, seeds: int = 5
) -> list[Cell]:
    """Dense once per seed, then method x density x seed."""
    dense = [a_cell("dense", "1", seed) for seed in range(seeds)]
    return dense + [
        a_cell(method, density, seed)
        for method in methods
        for density in densities
        for seed in range(seeds)
    ]


def accuracy(cell: Cell) -> float:
    """A plausible accuracy: better when denser, each method a little different, seeds spread."""
    rank = SPARSE.index(cell.method.name) if cell.method.name in SPARSE else 4
    loss = 0.004 * (5 - rank) / math.sqrt(float(cell.density))
    return 0.985 - loss + 0.004 * ((cell.seed * 7 + rank) % 5 - 2) / 2


def publish_results(
    store: Store,
    cells: Iterable[Cell],
    defaults: Mapping[str, Any] = HIDDEN,
    **provenance: Any,
) -> None:
    """One completed attempt per cell, with `accuracy` as its test accuracy.

    `defaults` are the options at their defaults that the records carry.
    """
    outcomes = []
    for number, cell in enumerate(cells):
        metrics = {"test_accuracy": accuracy(cell), "test_loss": 1 - accuracy(cell), "odd": 0.5}
        outcome = Record(
            cell=cell.id,
            attempt=attempt(number),
            state="COMPLETED",
            canonical=cell.canonical(),
            fields={**defaults, **fields_of_cell(cell)},
            started_at=timestamp(NOON),
            finished_at=timestamp(NOON + number),
            metrics=metrics,
            provenance={**PROVENANCE, **provenance},
        )
        outcomes.append((outcome, None))
    publish_batch(store, outcomes)
