"""The contract of a probe, and what it sees of a cell.

Whatever a probe does with what it is given, the cell trains to the same bits: all that it can
change is a copy. What it raises fails its cell, and no other: a result without the measurement that
was asked for would look whole.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grids.cell import Cell
from trainer import seeding
from trainer.attacks import Attack
from trainer.data.bundle import Bundle, Split, as_pixels
from trainer.engines.base import Engine, LayerView
from trainer.evaluate import CHUNK, chunks
from trainer.shared import SharedFiles
from trainer.workload import Workload

Point = tuple[int, Mapping[str, float]]
"""An epoch (from 1), and what was measured at its end."""

Change = Callable[[Tensor, Tensor], Tensor]
"""From inputs (b, *input_shape) and targets (b,) to inputs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """What is known of a cell before it trains: whether a probe fits it.

    Attributes:
        cell: the cell.
        classes: how many its data have.
        input_shape: shape of one example.
        pixels: whether inputs are pixels, which the network standardises itself.
        extra_splits: names of the splits that are evaluated besides train, val and test.
        attack: on every training batch; ``None`` without.
    """

    cell: Cell
    classes: int
    input_shape: tuple[int, ...]
    pixels: bool
    extra_splits: tuple[str, ...] = ()
    attack: Attack | None = None

    @classmethod
    def of(cls, cell: Cell, workload: Workload) -> "Conditions":
        """Those of a cell with this workload."""
        bundle = workload.bundle
        return cls(
            cell=cell,
            classes=bundle.classes,
            input_shape=bundle.input_shape,
            pixels=bundle.normalise is not None,
            extra_splits=tuple(bundle.extra),
            attack=workload.scenario.attack,
        )


class LayerCopy:
    """A maskable weight of one cell, as :class:`sparse.context.Layer` has it, to be looked at.

    Every tensor is a copy, made when it is asked for.

    Args:
        view: the live layer.
    """

    def __init__(self, view: LayerView) -> None:
        self._view = view

    @property
    def name(self) -> str:
        """The parameter's name in the model, e.g. ``"layers.0.weight"``."""
        return self._view.name

    @property
    def transposed(self) -> bool:
        """Whether the weight is the kernel of a transposed convolution."""
        return self._view.transposed

    @property
    def weight(self) -> Tensor:
        """The weight in the model's layout: (out, in, ...), transposed (in, out, ...)."""
        return _copied(self._view.weight)

    @property
    def mask(self) -> Tensor:
        """Of the weight's shape: 1 where the weight is active, 0 where not."""
        return _copied(self._view.mask)

    @property
    def gradient(self) -> Tensor | None:
        """The dense gradient of the last step's loss; ``None`` before the first step."""
        gradient = self._view.gradient
        return None if gradient is None else _copied(gradient)

    def slots(self) -> Mapping[str, Tensor]:
        """The optimizer's tensors of the weight's shape, by name."""
        return {name: _copied(slot) for name, slot in self._view.slots().items()}

    @property
    def bias(self) -> Tensor | None:
        """The bias (out,) that belongs to the weight; ``None`` where there is none."""
        return None if self._view.bias is None else _copied(self._view.bias)

    def bias_slots(self) -> Mapping[str, Tensor]:
        """The optimizer's tensors of the bias's shape, by name."""
        return {name: _copied(slot) for name, slot in self._view.bias_slots().items()}


class Subject:
    """One cell as it is at the end of an epoch. Nothing done to it reaches the cell.

    Args:
        engine: holds the cell.
        n: the cell's number in it.
        epoch: epochs trained so far.
        final: whether training has ended.

    Attributes:
        epoch, final: as given.
    """

    def __init__(self, engine: Engine, n: int, *, epoch: int, final: bool) -> None:
        self._engine = engine
        self._n = n
        self.epoch = epoch
        self.final = final

    @property
    def cell(self) -> Cell:
        """The cell."""
        return self._engine.cells[self._n]

    @property
    def attack(self) -> Attack | None:
        """The attack that it trains under; ``None`` without."""
        return self._engine.workload.scenario.attack

    @cached_property
    def bundle(self) -> Bundle:
        """A copy of its data; inputs are as :meth:`module` takes them."""
        return copy.deepcopy(self._engine.workload.bundle)

    @property
    def data_root(self) -> Path | None:
        """The folder of the datasets that are read from files."""
        return self._engine.workload.data_root

    @property
    def shared(self) -> SharedFiles:
        """Files that cells share."""
        return self._engine.workload.shared

    @property
    def layers(self) -> list[LayerCopy]:
        """Its maskable layers: weights, masks and optimizer slots, each copied when asked for."""
        return [LayerCopy(view) for view in self._engine.layers(self._n)]

    @cached_property
    def _module(self) -> nn.Module:
        return self._engine.module(self._n)

    def module(self) -> nn.Module:
        """The network as a copy in evaluation mode, normalisation inside, nothing to train."""
        return self._module

    @torch.no_grad()
    def logits(self, inputs: Tensor) -> Tensor:
        """Logits (b, classes) of inputs (b, *input_shape)."""
        logits: Tensor = self._module(inputs)
        return logits

    def accuracy(
        self, split: Split, change: Change | None = None, *, at_once: int = CHUNK
    ) -> float:
        """The share of a split's examples that is recognised.

        Args:
            split: inputs may lie on the CPU: they go where the targets are, a pass at a time.
            change: what is done to the inputs first, as an attack.
            at_once: examples per pass. The bits depend on it, so let it follow from nothing that
                differs between machines.
        """
        correct = torch.zeros((), dtype=torch.int64, device=split.targets.device)
        for inputs, targets in chunks(split, at_once):
            seen = inputs.to(targets.device)
            if change is not None:
                seen = change(seen, targets)
            correct += (self.logits(seen).argmax(1) == targets).sum()
        return int(correct) / len(split)

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
    """A measurement: it looks at a cell through a :class:`Subject`.

    One object serves one cell.

    Args:
        options: the probe's, checked.
    """

    def __init__(self, options: Any) -> None:
        self.options = options

    def refuse_unfit(self, conditions: Conditions) -> None:
        """Refuse a cell that it cannot measure, before anything is trained; by default none.

        Raises:
            ValueError: saying what does not fit. The probe is named in front of it.
        """

    def due(self, epoch: int, epochs: int) -> bool:
        """Whether to measure at the end of this epoch (from 1); by default at the last."""
        return epoch == epochs

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """What is measured now, by name: a point of curves of these names.

        Names are its own: no column that every curve has, and none of another probe. Gradients are
        switched off meanwhile: :meth:`Subject.input_gradients` gives those of inputs; others take
        ``torch.enable_grad()`` and the parameters of :meth:`Subject.module`.
        """
        raise NotImplementedError

    def summarise(self, points: Sequence[Point]) -> Mapping[str, float]:
        """The final metrics from all points in order; by default the last point.

        All of them are among those that the probe's registration lists.
        """
        return points[-1][1]


def _copied(tensor: Tensor) -> Tensor:
    return tensor.detach().clone()
