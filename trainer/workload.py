"""What all cells of a block share: data, model shape and the structural part of the recipe."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from grids.cell import Cell
from grids.recipe import PER_CELL
from grids.storages import CSR
from grids.traits import applies
from sparse.budgets import Shape
from sparse.flops import ForwardCost, forward_cost
from trainer import seeding
from trainer.augment import refuse_wide_crop
from trainer.building import build_model, maskable_shapes, narrowed_options, narrowing_of
from trainer.data.bundle import Bundle
from trainer.loading import load_bundle, make_scenario
from trainer.models import MODELS
from trainer.recipe import Recipe
from trainer.scenarios import SCENARIOS
from trainer.scenarios.base import Scenario
from trainer.shared import SharedFiles
from trainer.sources import Sources
from trainer.storages import refuse_surroundings


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """Data on the device, the model's description and the length of a run.

    Attributes:
        scenario: takes part in every training step.
        data_root: folder of the datasets that are read from files.
        shared: files that cells share.
        recipe: the recipe of the block. The entries named in
            ``grids.recipe.PER_CELL`` are those of one cell; engines read them from each cell.
        stackable: whether the model trains as one batched program.
        full_options: the options of the model that the cells name.
        full_size: maskable weights of that model, where they train a narrower one in its place.
    """

    bundle: Bundle
    scenario: Scenario
    data_root: Path | None
    shared: SharedFiles
    model: str
    model_options: Mapping[str, Any]
    full_options: Mapping[str, Any]
    recipe: Recipe
    device: str
    stackable: bool
    full_size: int | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of one epoch; the last batch may be smaller."""
        return math.ceil(len(self.bundle.train) / self.recipe.batch)

    @property
    def total_steps(self) -> int:
        """Optimizer steps of a whole run."""
        return self.steps_per_epoch * int(self.recipe.epochs)

    def samples(self, step: int) -> int:
        """Training samples, repeats included, that the first ``step`` optimizer steps see."""
        epochs, steps = divmod(step, self.steps_per_epoch)
        size = len(self.bundle.train)
        return epochs * size + min(steps * self.recipe.batch, size)

    def example(self) -> Tensor:
        """One input (1, *input_shape) as the model takes it."""
        return self.bundle.standardised(self.bundle.train.inputs[:1])

    def forward_cost(self) -> ForwardCost:
        """What one sample costs in the dense network, which truly sparse cells do not allocate."""
        if self.recipe.storage == CSR:
            return forward_cost(self._on_meta(), self.example().to("meta"))
        return forward_cost(self.build_model(seed=0), self.example())

    def full_flops(self) -> int:
        """What one sample costs in the dense network that the cells name, in FLOPs."""
        return replace(self, model_options=self.full_options).forward_cost().flops({})

    def parameter_count(self) -> int:
        """Parameters of one cell's model, counted without allocating them."""
        return sum(parameter.numel() for parameter in self._on_meta().parameters())

    def shapes_at(self, width: Decimal) -> dict[str, Shape]:
        """Shapes of the maskable weights of the model that the cells name, its widths scaled."""
        shape = (self.bundle.input_shape, self.bundle.classes)
        return maskable_shapes(self.model, self.full_options, width, *shape)

    def build_model(self, seed: int, purpose: str = "weights", index: int = 0) -> nn.Module:
        """The model with the initial weights of a cell seed, on the device.

        Args:
            seed, purpose, index: name the stream that they are drawn from.
        """
        with seeding.seeded_globals(seed, purpose, index):
            model = build_model(
                self.model, self.model_options, self.bundle.input_shape, self.bundle.classes
            )
        return model.to(self.device)

    def _on_meta(self) -> nn.Module:
        """The model as shapes, without numbers."""
        with torch.device("meta"):
            return build_model(
                self.model, self.model_options, self.bundle.input_shape, self.bundle.classes
            )


def load_workload(cell: Cell, sources: Sources | None, device: str) -> Workload:
    """The workload of a cell; every cell with the same :func:`workload_key` shares it.

    ``sources`` may be left out where data needs neither files nor other cells.

    Raises:
        ValueError: for words that do not go together, as a model and images of another size.
    """
    refuse_surroundings(cell, device)
    sources = sources or Sources(dataset=cell.dataset)
    bundle = load_bundle(cell, sources, device)
    shape, full_size = _shape_of(cell, bundle)
    workload = Workload(
        bundle=bundle,
        scenario=make_scenario(cell),
        data_root=sources.data_root,
        shared=sources.shared,
        model=cell.model.name,
        model_options=shape,
        full_options=cell.model.as_dict(),
        full_size=full_size,
        recipe=Recipe.of(cell),
        device=device,
        stackable=_is_stackable(cell),
    )
    refuse_wide_crop(workload.recipe, bundle.input_shape)
    _refuse_lone_example(workload)
    return workload


def workload_key(cell: Cell) -> str:
    """Cells with one key share a workload and may be stepped together."""
    fields = cell.canonical()
    kept = {name: fields.get(name) for name in ("dataset", "data_ratio", "scenario", "model")}
    # Producers of a scenario have the cell's own recipe: at another rate the data are others.
    own_data = bool(SCENARIOS.get(cell.scenario.name).traits["needs"])
    recipe = {
        name: value for name, value in cell.settings().items() if own_data or name not in PER_CELL
    }
    return json.dumps([kept, recipe, repr(narrowing_of(cell))], sort_keys=True)


def _is_stackable(cell: Cell) -> bool:
    """Whether the cell's model, under its options, trains as one batched program."""
    entry = MODELS.get(cell.model.name)
    return applies(entry.traits["stackable"], asdict(entry.chosen(cell.model.as_dict())))


def _shape_of(cell: Cell, bundle: Bundle) -> tuple[dict[str, Any], int | None]:
    name, options = cell.model.name, cell.model.as_dict()
    narrowing = narrowing_of(cell)
    if narrowing is None:
        return options, None
    return narrowed_options(name, options, narrowing, bundle.input_shape, bundle.classes)


def _refuse_lone_example(workload: Workload) -> None:
    """Raise a ValueError where a batch holds one example and the model cannot train on it.

    Batch norm cannot where there is no map to take statistics over; told here and not by the last
    step of the first epoch. Truly sparse perceptrons have none.
    """
    examples, batch = len(workload.bundle.train), workload.recipe.batch
    if (batch > 1 and examples % batch != 1) or workload.recipe.storage == CSR:
        return
    model = workload.build_model(seed=0).train()
    try:
        with torch.no_grad(), seeding.seeded_globals(0, "trial"):
            model(workload.example())
    except ValueError as problem:
        raise ValueError(
            f"model {workload.model} cannot train on one example alone, but {examples} training "
            f"examples in batches of {batch} leave one; choose another batch ({problem})"
        ) from problem


def group_by_workload(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells grouped by workload, in the order in which they were given."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(workload_key(cell), []).append(cell)
    return list(groups.values())
