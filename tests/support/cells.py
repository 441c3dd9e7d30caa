"""Cells and packs for tests of the trainer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from grids.cell import Cell, Component
from tests.support.methods import fitting
from tests.support.producers import inputs_of
from trainer.data.bundle import Batch
from trainer.engines.base import Engine
from trainer.outcome import Outcome, PackReport, PackRequest
from trainer.run import run_pack
from trainer.sources import Sources

SMALL_MLP = {"hidden": (17, 33)}
"""Odd widths: nothing is a multiple of a vector register."""


def make_cell(
    method: str = "dense",
    density: str | None = None,
    seed: int = 0,
    *,
    options: Mapping[str, Any] | None = None,
    dataset: str = "synthetic",
    dataset_options: Mapping[str, Any] | None = None,
    model: str = "mlp",
    model_options: Mapping[str, Any] | None = None,
    allocation: str = "erk",
    data_ratio: str = "1",
    **recipe: Any,
) -> Cell:
    """A cell on a small synthetic task: 81 training examples, batches of 16, so a tail of 1."""
    task = {"examples": 123, "features": 13, "classes": 3, "noise": 0.5}
    chosen = dataset_options if dataset_options is not None else task
    shape = model_options if model_options is not None else (SMALL_MLP if model == "mlp" else {})
    settings = {"epochs": 3, "batch": 16, "lr": 0.05, **recipe}
    return Cell(
        method=component(method, options or {}),
        density=density or fitting(method, "0.3"),
        allocation=component(allocation, {}),
        dataset=component(dataset, chosen if dataset == "synthetic" else dataset_options or {}),
        data_ratio=data_ratio,
        model=component(model, shape),
        recipe=tuple(sorted(settings.items())),
        seed=seed,
    )


def component(name: str, options: Mapping[str, Any]) -> Component:
    """A component with its options sorted and its lists as tuples."""
    plain = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
    return Component(name=name, options=tuple(sorted(plain.items())))


def sources_of(cell: Cell, root: Path | None) -> Sources:
    """Where a cell's data is made from, its files below a data root."""
    return Sources(dataset=cell.dataset, data_root=root)


def batch_at(engine: Engine, positions: Tensor) -> Batch:
    """The training examples at positions (cells, b), as the engine takes them."""
    train = engine.workload.bundle.train
    return train.inputs[positions], train.targets[positions]


def train(*cells: Cell, **request: Any) -> dict[str, Outcome]:
    """Run cells as one pack; outcomes by cell id."""
    return train_reported(*cells, **request)[0]


def train_reported(*cells: Cell, **request: Any) -> tuple[dict[str, Outcome], PackReport]:
    """Run cells as one pack; outcomes by cell id, and the pack's report.

    What cells need of other cells is made first, unless `inputs` are given.
    """
    if "inputs" not in request:
        request["inputs"] = inputs_of(cells)
    outcomes: dict[str, Outcome] = {}

    def publish(outcome: Outcome) -> None:
        assert outcome.cell.id not in outcomes, "a cell was published twice"
        outcomes[outcome.cell.id] = outcome

    report = run_pack(cells, publish=publish, request=PackRequest(**request))
    return outcomes, report


def result(outcome: Outcome) -> tuple[Any, ...]:
    """What must be bit-identical between two runs of one cell in the exact tier."""
    return outcome.state, outcome.metrics, outcome.curve, outcome.layers, outcome.topology_updates
