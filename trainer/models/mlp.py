"""Multilayer perceptrons, the models that train as one batched program."""

import itertools
import math
from dataclasses import dataclass

from torch import Tensor, nn

from sparse.options import option
from trainer.models import MODELS

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}
"""Hidden activations by name; :mod:`trainer.engines.stacked_mlp` knows their derivatives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MLPOptions:
    """The widths and the activation of the hidden layers."""

    hidden: tuple[int, ...] = option((256, 256), help="width of every hidden layer", ge=1)
    activation: str = option("relu", help="hidden activation", choices=("relu", "tanh"))


class MLP(nn.Module):
    """Linear layers with one activation between them.

    Args:
        widths: units per layer, input and classes included, e.g. ``[64, 256, 256, 10]``.
        activation: a name in :data:`ACTIVATIONS`.
    """

    def __init__(self, widths: list[int], activation: str) -> None:
        super().__init__()
        self.activation_name = activation
        self.activation = ACTIVATIONS[activation]()
        self.layers = nn.ModuleList(
            nn.Linear(fan_in, fan_out) for fan_in, fan_out in itertools.pairwise(widths)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (n, classes) of inputs (n, *input_shape), which are flattened."""
        hidden = inputs.flatten(1)
        for layer in self.layers[:-1]:
            hidden = self.activation(layer(hidden))
        logits: Tensor = self.layers[-1](hidden)
        return logits


@MODELS.register(
    "mlp",
    summary="multilayer perceptron; many train as one batched program",
    options=MLPOptions,
    stackable=True,
    widths="hidden",
    chain=True,
)
def mlp(options: MLPOptions, input_shape: tuple[int, ...], classes: int) -> MLP:
    """An MLP with torch's default (Kaiming-uniform) initial weights."""
    return MLP([math.prod(input_shape), *options.hidden, classes], options.activation)
