"""Cells with measurements that a test writes down itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from grids.cell import Cell, Component
from orchestrator.answers.results import Answers, fields_of_cell, select
from orchestrator.store import Store, publish
from tests.support.grids import a_cell
from tests.support.records import failure, record


def on(dataset: str, method: str = "set", density: str = "0.1", seed: int = 0) -> Cell:
    """A cell on a data set of this name."""
    return a_cell(method, density, seed, dataset=Component(name=dataset))


def answers_with(
    folder: Path,
    measured: Mapping[Cell, float | Mapping[str, float]],
    *,
    failed: Mapping[Cell, str] | None = None,
    missing: Sequence[Cell] = (),
) -> Answers:
    """Answers for these cells in this order: measured, failed, missing.

    A number is a test accuracy; `failed` says the state that each of its cells ended in.
    """
    store = Store.create(folder / "results")
    for number, (cell, found) in enumerate(measured.items()):
        metrics = dict(found) if isinstance(found, Mapping) else {"test_accuracy": found}
        own = {"canonical": cell.canonical(), "fields": fields_of_cell(cell)}
        publish(store, record(number, cell=cell.id, metrics=metrics, **own))
    for cell, state in (failed or {}).items():
        publish(store, failure(0, cell=cell.id, canonical=cell.canonical(), state=state))
    return select(store, [*measured, *(failed or {}), *missing])
