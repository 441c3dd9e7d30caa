"""What a sparsifier may ask of the run it serves (:class:`sparse.context.Context`)."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import torch
from torch import Tensor

from sparse.budgets import Shape
from sparse.context import Layer
from sparse.flops import ONCE, TWICE
from trainer import seeding
from trainer.artifacts import ArtifactError, read_snapshot
from trainer.data.bundle import Batch
from trainer.engines.base import Engine


class CellContext:
    """One cell of an engine, as its sparsifier sees it.

    Args:
        engine: the engine that holds the cell.
        n: the cell's number in the engine's block.
        inputs: files of the artifacts that other cells left for it, by their names.

    Attributes:
        scored_passes: forward passes of one sample that scores have cost, with what
            differentiating them costs.
    """

    def __init__(self, engine: Engine, n: int, inputs: Mapping[str, Path] | None = None) -> None:
        self._inputs = {} if inputs is None else inputs
        self._engine = engine
        self._n = n
        self._seed = engine.cells[n].seed
        self.layers: Sequence[Layer] = engine.layers(n)
        self.total_steps: int | None = engine.workload.total_steps
        self.steps_per_epoch: int | None = engine.workload.steps_per_epoch
        self.scored_passes = 0

    def generator(self, purpose: str, index: int = 0) -> torch.Generator:
        """The generator named (cell seed, ``sparse.`` + purpose, index)."""
        return seeding.generator(self._seed, f"sparse.{purpose}", index)

    def scoring_batches(self, count: int) -> Iterator[Batch]:
        """``count`` training batches of the recipe's size in an order of their own.

        More batches than an epoch holds begin again in a new order.
        """
        train = self._engine.workload.bundle.train
        size = self._engine.workload.recipe.batch
        return itertools.islice(self._endless_batches(train.inputs, train.targets, size), count)

    def loss(
        self,
        batch: Batch,
        weights: Mapping[str, Tensor] | None = None,
        *,
        temperature: float = 1.0,
        twice: bool = False,
    ) -> Tensor:
        """Mean training loss on a batch, differentiable in ``weights``."""
        self.scored_passes += len(batch[1]) * (TWICE if twice else ONCE)
        return self._engine.loss(self._n, batch, weights, temperature=temperature)

    def flow(self, weights: Mapping[str, Tensor]) -> Tensor:
        """SynFlow's objective for an input of the data's shape, differentiable in ``weights``."""
        self.scored_passes += ONCE
        return self._engine.flow(self._n, weights)

    def shapes_at(self, width: Decimal) -> dict[str, Shape]:
        """The shapes of the maskable weights of the model that the cell names, widths scaled."""
        return self._engine.workload.shapes_at(width)

    def extra_params(self) -> int:
        """The parameters of the cell's model that no mask covers."""
        masked = sum(layer.weight.numel() for layer in self.layers)
        return self._engine.workload.parameter_count() - masked

    def artifact(self, name: str) -> Mapping[str, Tensor]:
        """The parameters and buffers that another cell left, by name, on the CPU."""
        return read_snapshot(self._input(name)).weights

    def artifact_masks(self, name: str) -> Mapping[str, Tensor]:
        """The masks that belong to them, by name, bool, on the CPU."""
        return read_snapshot(self._input(name)).masks

    def initial_weights(self, seed: int | None = None) -> Mapping[str, Tensor]:
        """The parameters and buffers that a cell of this seed begins with, or this cell itself."""
        return self._built(self._seed if seed is None else seed, "weights", 0)

    def fresh_weights(self, purpose: str, index: int = 0) -> Mapping[str, Tensor]:
        """What the model draws from the stream (cell seed, ``sparse.`` + purpose, index)."""
        return self._built(self._seed, f"sparse.{purpose}", index)

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Put parameters and buffers in the place of the cell's."""
        self._engine.load_weights(self._n, weights)

    def _built(self, seed: int, purpose: str, index: int) -> Mapping[str, Tensor]:
        model = self._engine.workload.build_model(seed, purpose, index)
        return {name: tensor.detach() for name, tensor in model.state_dict().items()}

    def _input(self, name: str) -> Path:
        if name not in self._inputs:
            given = ", ".join(sorted(self._inputs)) or "none"
            raise ArtifactError(f"it needs the {name} of another cell; given: {given}")
        return self._inputs[name]

    def _endless_batches(self, inputs: Tensor, targets: Tensor, size: int) -> Iterator[Batch]:
        for round_number in itertools.count():
            order = torch.randperm(
                len(targets), generator=seeding.generator(self._seed, "scoring", round_number)
            )
            for indices in order.to(targets.device).split(size):
                yield inputs[indices], targets[indices]
