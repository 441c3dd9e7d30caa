"""The contract of a probe, and what it sees of a cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grids.cell import Cell
from trainer import seeding
from trainer.data.bundle import Bundle, as_pixels
from trainer.engines.base import Engine, LayerView
from trainer.scenarios.base import Scenario, Sources

Point = tuple[int, Mapping[str, float]]
"""An epoch (from 1), and what was measured at its end."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One cell as it is at the end of an epoch.

    Attributes:
        engine, n: the engine that holds the cell, and the cell's number in it.
        epoch: epochs trained so far.
        final: whether training has ended.
    """

    engine: Engine
    n: int
    epoch: int
    final: bool

    @property
    def cell(self) -> Cell:
        """The cell."""
        return self.engine.cells[self.n]

    @property
    def bundle(self) -> Bundle:
        """Its data; inputs are as :meth:`module` takes them."""
        return self.engine.workload.bundle

    @property
    def scenario(self) -> Scenario:
        """Its scenario."""
        return self.engine.workload.scenario

    @property
    def sources(self) -> Sources:
        """What data is made from besides the dataset's own files."""
        return self.engine.workload.sources

    @property
    def layers(self) -> list[LayerView]:
        """Its maskable layers: weights, masks and optimizer slots, to be read only."""
        return self.engine.layers(self.n)

    @cached_property
    def _module(self) -> nn.Module:
        return self.engine.module(self.n)

    def module(self) -> nn.Module:
        """The network as a copy in evaluation mode, normalisation inside, nothing to train."""
        return self._module

    @torch.no_grad()
    def logits(self, inputs: Tensor) -> Tensor:
        """Logits (b, classes) of inputs (b, *input_shape)."""
        logits: Tensor = self._module(inputs)
        return logits

    def input_gradients(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The gradient of the summed cross-entropy with regard to inputs (b, *input_shape)."""
        pixels = as_pixels(inputs).detach().requires_grad_()
        with torch.enable_grad():
            loss = F.cross_entropy(self._module(pixels), targets, reduction="sum")
            (gradients,) = torch.autograd.grad(loss, pixels)
        return gradients

    def generator(self, purpose: str, index: int = 0) -> torch.Generator:
        """A CPU generator named by cell seed, ``probe.`` + purpose and index; alike every time."""
        return seeding.generator(self.cell.seed, f"probe.{purpose}", index)


class Probe:
    """A measurement. It may look at everything of a cell and must change nothing.

    One object serves one cell.

    Args:
        options: the probe's, checked.
    """

    def __init__(self, options: Any) -> None:
        self.options = options

    def due(self, epoch: int, epochs: int) -> bool:
        """Whether to measure at the end of this epoch (from 1); by default at the last."""
        return epoch == epochs

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """What is measured now, by name: a point of curves of these names."""
        raise NotImplementedError

    def summarise(self, points: Sequence[Point]) -> Mapping[str, float]:
        """The final metrics from all points in order; by default the last point."""
        return points[-1][1]
