"""SparseMLP: truly sparse layers one after another, for a loop of one's own."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sparse.csr.linear import SparseLinear

PART = 32
"""The most columns of a batch in one product: a layer's inputs then stay in the cache."""


Activation = Callable[[Tensor], Tensor]
"""An elementwise function of a tensor (parts, units, width), which it may change in place."""


class SparseMLP(nn.Module):
    """A chain of SparseLinear with an activation between them; x (batch, ...) is flattened.

    It turns the batch once before the first layer and once after the last. activation: one for all
    gaps between two layers, or a list of one for each; ReLU when left out. Layers that do not feed
    each other, and more or fewer activations than gaps, are a ValueError.
    """

    layers: Sequence[SparseLinear]

    def __init__(
        self,
        layers: Sequence[SparseLinear],
        activation: Activation | Sequence[Activation] = torch.relu_,
    ) -> None:
        super().__init__()
        for number, (layer, following) in enumerate(pairwise(layers)):
            if layer.out_features != following.in_features:
                raise ValueError(
                    f"layer {number} has {layer.out_features} outputs and layer {number + 1} reads"
                    f" {following.in_features} inputs; they must be equal"
                )
        gaps = len(layers) - 1
        activations = [activation] * gaps if callable(activation) else list(activation)
        if len(activations) != gaps:
            raise ValueError(f"{len(layers)} layers have {gaps} gaps, not {len(activations)}")
        self.layers = cast(Sequence[SparseLinear], nn.ModuleList(layers))
        self.activations = nn.ModuleList(map(_as_module, activations))

    @classmethod
    def random(
        cls,
        widths: Sequence[int],
        counts: Sequence[int],
        generator: torch.Generator,
        *,
        fan_in: str = "dense",
        activation: Activation | Sequence[Activation] = torch.relu_,
    ) -> "SparseMLP":
        """Return a network of these widths with so many active weights in each of its layers.

        Places and values are drawn as `SparseLinear.random` does. widths: inputs, hidden layers,
        outputs; counts: one fewer, or a ValueError.
        """
        shapes = [(outputs, inputs) for inputs, outputs in pairwise(widths)]
        if len(shapes) != len(counts):
            raise ValueError(f"{len(widths)} widths make {len(shapes)} layers, not {len(counts)}")
        layers = [
            SparseLinear.random(shape, count, generator, fan_in=fan_in)
            for shape, count in zip(shapes, counts, strict=True)
        ]
        return cls(layers, activation)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (batch, outputs) for inputs (batch, ...), which are flattened."""
        hidden = self.layers[0](in_parts(x.flatten(1)))
        for activation, layer in zip(self.activations, self.layers[1:], strict=True):
            hidden = layer(activation(hidden))
        return hidden.transpose(1, 2).flatten(0, 1)[: len(x)]


class _Function(nn.Module):
    """A function as a module, so that a network holds functions and modules alike."""

    def __init__(self, function: Activation) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """Return the function of x."""
        return self.function(x)

    def extra_repr(self) -> str:
        """Return what `print` shows of it."""
        return getattr(self.function, "__name__", repr(self.function))


def _as_module(activation: Activation) -> nn.Module:
    return activation if isinstance(activation, nn.Module) else _Function(activation)


def in_parts(x: Tensor) -> Tensor:
    """Return a batch (batch, features) cut into parts of at most 32 columns: (parts, features, w).

    All parts are equally wide; what is missing in the last one is filled with examples of zeros.
    """
    count = max(1, math.ceil(len(x) / PART))
    width = math.ceil(len(x) / count)
    filled = F.pad(x, (0, 0, 0, count * width - len(x)))
    # Turning a matrix and moving rows is twice as fast as both at once.
    return filled.t().contiguous().view(x.shape[1], count, width).transpose(0, 1).contiguous()
