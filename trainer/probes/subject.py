"""What a probe sees of a cell. Whatever is done with it, the cell trains to the same bits: all that
a probe can change is a copy.
"""

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grids.cell import Cell
from sparse.context import Layer
from sparse.structured.chain import degrees
from trainer import seeding
from trainer.attacks import Attack
from trainer.data.bundle import Bundle, Split, as_pixels
from trainer.engines.base import Engine
from trainer.evaluate import CHUNK, Change, accuracy_of
from trainer.network import in_single_precision, mode
from trainer.shared import SharedFiles


class LayerCopy:
    """A maskable weight of one cell, as :class:`sparse.context.Layer` has it, to be looked at.

    Every tensor is a copy, made when it is asked for.

    Args:
        view: the live layer of the network.
        masked: that of the cell's method, where it has masks apart from the network's.
    """

    def __init__(self, view: Layer, masked: Layer | None = None) -> None:
        self._view = view
        self._masked = view if masked is None else masked

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
        return _copied(self._masked.mask)

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
        masked: the layers of its method, whose masks are not the network's where it stores dense
            weights; left out, the network's are its own.

    Attributes:
        epoch, final: as given.
    """

    def __init__(
        self,
        engine: Engine,
        n: int,
        *,
        epoch: int,
        final: bool,
        masked: Sequence[Layer] = (),
    ) -> None:
        self._engine = engine
        self._n = n
        self._masked = {layer.name: layer for layer in masked}
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
    def steps_per_epoch(self) -> int:
        """Optimizer steps of one epoch."""
        return self._engine.workload.steps_per_epoch

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return self._engine.workload.bundle.input_shape

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
        views = self._engine.layers(self._n)
        return [LayerCopy(view, self._masked.get(view.name)) for view in views]

    def unit_degrees(self) -> list[tuple[Tensor, Tensor]]:
        """How many active weights lead to and from each hidden unit of a chain, (units,) by layer.

        For cells of every ``recipe.storage``.
        """
        views = self._engine.layers(self._n)
        masked = [self._masked.get(view.name, view) for view in views]
        return [degrees(layer, following) for layer, following in pairwise(masked)]

    @cached_property
    def _module(self) -> nn.Module:
        return self._engine.module(self._n)

    def split(self, name: str) -> Split:
        """A copy of one split, "train", "val", "test" or an extra one; cheaper than all of them."""
        bundle = self._engine.workload.bundle
        own = {"train": bundle.train, "val": bundle.val, "test": bundle.test, **bundle.extra}
        return copy.deepcopy(own[name])

    def examples(self, count: int, purpose: str) -> tuple[Tensor, Tensor]:
        """Training examples, drawn once for the cell: the same at every epoch.

        Args:
            count: how many; all of the split where it has no more.
            purpose: names the draw.

        Returns:
            Inputs (count, *input_shape) as they lie in the split, without augmentation, and
            targets (count,).
        """
        train = self._engine.workload.bundle.train
        order = torch.randperm(len(train), generator=self.generator(purpose))
        chosen = order[:count].to(train.targets.device)
        return train.inputs[chosen], train.targets[chosen]

    def module(self) -> nn.Module:
        """The network as a copy in evaluation mode, normalisation inside, nothing to train."""
        return self._module

    def network(self) -> nn.Module:
        """Another copy, in single precision, whose parameters require gradients.

        Their names are those of the layers behind the prefix ``model.``.
        """
        return in_single_precision(copy.deepcopy(self._module)).requires_grad_(True)

    @torch.no_grad()
    def logits(self, inputs: Tensor) -> Tensor:
        """Logits (b, classes) of inputs (b, *input_shape)."""
        logits: Tensor = self._module(inputs)
        return logits

    def accuracy(
        self, split: Split, change: Change | None = None, *, at_once: int = CHUNK
    ) -> float:
        """The share of a split's examples that is recognised; see ``accuracy_of``."""
        return accuracy_of(self.module(), split, change, at_once=at_once)

    def input_gradients(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The gradient of the summed cross-entropy with regard to inputs (b, *input_shape)."""
        pixels = as_pixels(inputs).detach().requires_grad_()
        with torch.enable_grad():
            loss = F.cross_entropy(self._module(pixels), targets, reduction="sum")
            (gradients,) = torch.autograd.grad(loss, pixels)
        return gradients

    def weight_gradients(
        self, inputs: Tensor, targets: Tensor, *, training: bool = True
    ) -> dict[str, Tensor]:
        """The dense gradients of the mean cross-entropy with regard to the maskable weights.

        In single precision, of the loss on these examples alone: before clipping, without weight
        decay or label smoothing. Running statistics stay as they are.

        Args:
            inputs: (b, *input_shape). targets: (b,).
            training: whether layers are in training mode, batch norm on the batch's statistics.
        """
        network, seed = self.network(), self.cell.seed
        names = [layer.name for layer in self._engine.layers(self._n)]
        parameters = dict(network.named_parameters())
        with torch.enable_grad(), mode(network, training=training, track=False):
            seeding.reseed_globals(seed, "probe.gradients", self.epoch, str(targets.device))
            loss = F.cross_entropy(network(inputs), targets)
            gradients = torch.autograd.grad(loss, [parameters[f"model.{name}"] for name in names])
        return dict(zip(names, gradients, strict=True))

    def generator(self, purpose: str, index: int = 0) -> torch.Generator:
        """A CPU generator named by cell seed, ``probe.`` + purpose and index; alike every time."""
        return seeding.generator(self.cell.seed, f"probe.{purpose}", index)


def _copied(tensor: Tensor) -> Tensor:
    return tensor.detach().clone()
