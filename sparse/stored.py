"""Weights that a method stores but the network does not compute with.

Most methods store zeros for what is inactive, and the network computes with what is stored. A few
store dense weights: the network then computes with *forward weights*, made from the stored ones,
and the optimizer moves the stored ones. They take turns in the network: the stored ones are there
during an optimizer step, and the forward ones at all other times, for the loss, evaluations and
everything that is saved.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from sparse.context import Layer
from sparse.optim_state import zero_inactive


class Storing(Protocol):
    """What a method says of the weights that it stores; `Sparsifier` documents the hooks."""

    @property
    def layers(self) -> Sequence[Layer]:
        """The cell's layers."""

    @property
    def stores_dense(self) -> bool:
        """Whether the network computes with others than the stored weights."""

    def effective_weight(self, layer: Layer) -> Tensor:
        """Return the forward weight."""

    def stored_gradient(self, layer: Layer, gradient: Tensor) -> Tensor:
        """Return the gradient of the stored weight, given that of the forward one."""

    def updated_mask(self, layer: Layer) -> Tensor | None:
        """Return which stored weights may move; None for all."""

    def learn(self, rate: float) -> None:
        """Follow the optimizer step."""


class StoredLayer:
    """A layer whose stored weight is not in the network.

    `weight` and `mask` are its own and follow the device and type of the visible layer, to which
    everything else belongs. `mask` tells where the forward weight is active; `gradient` is the
    dense one, by the forward weight.
    """

    def __init__(self, visible: Layer) -> None:
        self.visible = visible
        self.name = visible.name
        self.transposed = visible.transposed
        self._weight = visible.weight.clone()
        self._mask = torch.ones_like(self._weight)

    @property
    def weight(self) -> Tensor:
        """The stored weight."""
        self._weight = self._weight.to(self.visible.weight)
        return self._weight

    @property
    def mask(self) -> Tensor:
        """1 where the forward weight is active, 0 where it is zero."""
        self._mask = self._mask.to(self.visible.weight)
        return self._mask

    @property
    def gradient(self) -> Tensor | None:
        """The dense gradient of the loss by the forward weight."""
        return self.visible.gradient

    def slots(self) -> Mapping[str, Tensor]:
        """Return the optimizer's tensors of the weight's shape."""
        return self.visible.slots()

    @property
    def bias(self) -> Tensor | None:
        """The bias that belongs to the weight."""
        return self.visible.bias

    def bias_slots(self) -> Mapping[str, Tensor]:
        """Return the optimizer's tensors of the bias's shape."""
        return self.visible.bias_slots()

    def state(self) -> dict[str, Tensor]:
        """Return the stored weight and the mask."""
        return {"weight": self.weight, "mask": self.mask}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned."""
        self.weight.copy_(state["weight"])
        self.mask.copy_(state["mask"])


class StoredWeights:
    """Drives the stored weights of one sparsifier through the optimizer's steps.

    `before_step` comes just before the optimizer step, when clipping and `after_backward` are over,
    `after_step` just after it, and `show` when masks have changed in between.

    Visible weights are written through `Tensor.data`, so that an engine which looks for changed
    weights between two steps does not see one in every step.
    """

    def __init__(self, sparsifier: Storing) -> None:
        self._sparsifier = sparsifier
        self._layers = stored_layers(sparsifier.layers)

    @torch.no_grad()
    def show(self) -> None:
        """Let the network compute with the forward weights."""
        for layer in self._layers:
            layer.visible.weight.data.copy_(self._sparsifier.effective_weight(layer))

    @torch.no_grad()
    def before_step(self) -> None:
        """Hand the stored weights and their gradients to the optimizer."""
        for layer in self._layers:
            if layer.gradient is not None:
                layer.gradient.copy_(self._sparsifier.stored_gradient(layer, layer.gradient))
            layer.visible.weight.data.copy_(layer.weight)

    @torch.no_grad()
    def after_step(self, rate: float) -> None:
        """Take the updated weights back, let the method learn at this rate, and `show`."""
        for layer in self._layers:
            updated = self._sparsifier.updated_mask(layer)
            if updated is None:
                layer.weight.copy_(layer.visible.weight)
            else:
                moved = torch.where(updated != 0, layer.visible.weight, layer.weight)
                layer.weight.copy_(moved)
                zero_inactive(layer.slots().values(), updated)
        self._sparsifier.learn(rate)
        self.show()


def stored_layers(layers: Iterable[Layer]) -> list[StoredLayer]:
    """Return those of the layers that store their weights apart from the network."""
    return [layer for layer in layers if isinstance(layer, StoredLayer)]


def stored_weights_of(sparsifier: Storing) -> StoredWeights | None:
    """Return what drives a bound sparsifier's stored weights; None when the network has them."""
    return StoredWeights(sparsifier) if sparsifier.stores_dense else None
