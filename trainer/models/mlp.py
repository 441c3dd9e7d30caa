"""Multilayer perceptrons, the models that train as one batched program."""

import math
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from sparse.method_traits import MASKED
from sparse.options import option
from trainer.models import MODELS
from trainer.models.activations import FIXED, LEARNED, make_activations

ALPHA = 0.6
"""Size of All-ReLU's slope where no other is given (Curci et al. 2021, Fashion-MNIST)."""

PLAIN = {"when": {"activation": list(FIXED), "batch_norm": False, "skip": False, "bias": True}}
"""Linear layers with biases and fixed functions between them: a rule on the options."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MLPOptions:
    """The hidden layers: their widths, and what stands between them."""

    hidden: tuple[int, ...] = option((256, 256), help="width of every hidden layer", ge=1)
    activation: str = option("relu", help="hidden activation", choices=(*FIXED, *LEARNED))
    alpha: float = option(
        ALPHA,
        gt=0,
        only_with={"activation": "all_relu"},
        help="slope below 0: -alpha in the first hidden layer, alpha in the second, and so on",
    )
    batch_norm: bool = option(False, help="normalise each hidden layer before its activation")
    skip: bool = option(
        False, help="add the input of a hidden layer to its output where both are equally wide"
    )
    bias: bool = option(True, help="give every linear layer a bias")

    def __post_init__(self) -> None:
        """Refuse skip connections that no two layers can have."""
        if self.skip and not any(before == after for before, after in pairwise(self.hidden)):
            raise ValueError(
                f"skip has no effect with hidden: {list(self.hidden)}, where no two in a row are"
                " equal; leave it out"
            )


class MLP(nn.Module):
    """Linear layers with an activation after each but the last.

    A hidden layer is linear layer, batch norm (where asked for), activation; a skip connection adds
    what came in to what the activation gives. Sources leave the place of that sum open. Linear
    layers draw their initial weights before anything else does, so that models that differ in their
    activation alone begin with the same ones.

    Args:
        widths: units per layer, input and classes included, e.g. ``[64, 256, 256, 10]``.
        options: what stands between the layers; its own widths are not read.
    """

    def __init__(self, widths: list[int], options: MLPOptions) -> None:
        super().__init__()
        hidden = widths[1:-1]
        self.options = options
        self.layers = nn.ModuleList(
            nn.Linear(before, after, bias=options.bias) for before, after in pairwise(widths)
        )
        normalised = hidden if options.batch_norm else []
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in normalised)
        pairs = enumerate(pairwise(hidden), start=1)
        equal = {index for index, (before, after) in pairs if before == after}
        self._joined = equal if options.skip else set()
        activations = make_activations(options.activation, hidden, options.alpha)
        self.activations = nn.ModuleList(activations)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (n, classes) of inputs (n, *input_shape), which are flattened."""
        hidden = inputs.flatten(1)
        for index in range(len(self.activations)):
            hidden = self._hidden_layer(index, hidden)
        logits: Tensor = self.layers[-1](hidden)
        return logits

    def _hidden_layer(self, index: int, inputs: Tensor) -> Tensor:
        outputs = self.layers[index](inputs)
        if self.norms:
            outputs = self.norms[index](outputs)
        outputs = self.activations[index](outputs)
        return inputs + outputs if index in self._joined else outputs


@MODELS.register(
    "mlp",
    summary="multilayer perceptron; many train as one batched program",
    options=MLPOptions,
    stackable=PLAIN,
    widths="hidden",
    chain={"when": {"skip": False}},
    equal_neighbours={"skip": "hidden"},
    storages=[MASKED, {"storage": "csr", **PLAIN}],
)
def mlp(options: MLPOptions, input_shape: tuple[int, ...], classes: int) -> MLP:
    """An MLP with torch's default (Kaiming-uniform) initial weights."""
    return MLP([math.prod(input_shape), *options.hidden, classes], options)
