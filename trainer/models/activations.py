"""Hidden activations of perceptrons, by name: fixed functions, and those that learn their shape."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

FIXED = ("relu", "tanh", "leaky_relu", "elu", "swish", "sigmoid", "all_relu")
"""Activations without parameters; :mod:`trainer.engines.stacked_activations` has them too."""

LEARNED = ("prelu", "srelu")
"""Activations with parameters, which are never masked and never decay."""

LEAKY_SLOPE = 0.01
"""Slope of leaky_relu below 0 (torch's)."""

PRELU_SLOPE = 0.25
"""First slope of prelu below 0, one for all units of a layer (He et al. 2015)."""

_PLAIN = {"relu": nn.ReLU, "tanh": nn.Tanh, "elu": nn.ELU, "swish": nn.SiLU, "sigmoid": nn.Sigmoid}


class SReLU(nn.Module):
    """The S-shaped rectified linear unit: three linear pieces per unit, joined without a jump.

    f(x) = t_r + a_r (x - t_r) above t_r, t_l + a_l (x - t_l) below t_l, and x between, with
    t_r = t_l + |distance|, so that the thresholds never cross. All four values are learned for
    each unit; they begin at t_l = 0, a_l in U(0, 1), distance in U(0, 5) and a_r = 1, drawn from
    torch's global generator. Source: Jin et al. 2016, as SET's networks use it.

    Args:
        units: width of the layer.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.left = nn.Parameter(torch.zeros(units))
        self.left_slope = nn.Parameter(torch.rand(units))
        self.distance = nn.Parameter(5 * torch.rand(units))
        self.right_slope = nn.Parameter(torch.ones(units))

    def forward(self, inputs: Tensor) -> Tensor:
        """The activation of inputs (n, units)."""
        left, right = self.left, self.left + self.distance.abs()
        above = right + self.right_slope * (inputs - right)
        below = left + self.left_slope * (inputs - left)
        return torch.where(inputs >= right, above, torch.where(inputs <= left, below, inputs))


def all_relu_slopes(alpha: float, layers: int) -> list[float]:
    """Slopes below 0 of All-ReLU: -alpha, +alpha, -alpha, ... in layer order (Curci et al. 2021).

    In the first layer, and in every second after it, what is negative comes out positive.
    """
    return [alpha if layer % 2 else -alpha for layer in range(layers)]


def make_activations(name: str, widths: Sequence[int], alpha: float) -> list[nn.Module]:
    """One activation per hidden layer.

    Args:
        name: one of :data:`FIXED` or :data:`LEARNED`.
        widths: units of the hidden layers.
        alpha: size of the slope of all_relu, which no other reads.
    """
    if name == "all_relu":
        return [nn.LeakyReLU(slope) for slope in all_relu_slopes(alpha, len(widths))]
    if name == "leaky_relu":
        return [nn.LeakyReLU(LEAKY_SLOPE) for _ in widths]
    if name == "prelu":
        return [nn.PReLU(init=PRELU_SLOPE) for _ in widths]
    if name == "srelu":
        return [SReLU(width) for width in widths]
    return [_PLAIN[name]() for _ in widths]


def learned_by_activations(model: nn.Module) -> list[nn.Parameter]:
    """The parameters of all activations of a model that learn their shape, in its order."""
    modules = [module for module in model.modules() if isinstance(module, SReLU | nn.PReLU)]
    return [parameter for module in modules for parameter in module.parameters()]
