"""er, er_epsilon, erk: sparse layers as random graphs, the smaller the layer the denser."""

import dataclasses
import math
from collections.abc import Sequence
from fractions import Fraction

from sparse.allocations import ALLOCATIONS
from sparse.budgets import Network, share
from sparse.options import option


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PowerOptions:
    """Options of er and erk."""

    power: float = option(
        1.0,
        ge=0.0,
        le=4.0,
        help="exponent of the Erdos-Renyi factor; 0 gives every layer the same density",
    )


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class EpsilonOptions:
    """Options of er_epsilon."""

    epsilon: float = option(
        20.0, gt=0, help="weights per neuron: a layer keeps epsilon * (inputs + outputs) of them"
    )


def factor(sides: Sequence[int], power: float = 1.0) -> Fraction:
    """Return (sum(sides) / prod(sides)) ** power: the Erdos-Renyi factor of a layer.

    With all sides of a kernel it is the factor of erk, with the first two (out, in) that of er.
    """
    base = Fraction(sum(sides), math.prod(sides))
    return base if power == 1 else Fraction(float(base) ** power)


@ALLOCATIONS.register(
    "er",
    summary="Erdos-Renyi: density ~ (inputs + outputs) / (inputs * outputs)",
    options=PowerOptions,
    source="Mocanu et al. 2018 (SET), with the common factor solved for the density",
)
def er(network: Network, options: PowerOptions) -> list[Fraction]:
    """Weigh a layer by its numbers of inputs and outputs alone.

    Source: SET (Mocanu et al. 2018); for convolutions channels are counted, not kernels.
    """
    factors = [factor(shape[:2], options.power) for shape in network.shapes.values()]
    return share(factors, network.sizes, Fraction(network.target))


@ALLOCATIONS.register(
    "erk",
    summary="Erdos-Renyi kernel: er that counts the kernel's sides as well",
    options=PowerOptions,
    source="Evci et al. 2020 (RigL), section 3",
)
def erk(network: Network, options: PowerOptions) -> list[Fraction]:
    """Weigh a layer by sum(shape) / prod(shape), the kernel's sides included.

    Source: RigL (Evci et al. 2020, section 3, "Erdos-Renyi-Kernel").
    """
    factors = [factor(shape, options.power) for shape in network.shapes.values()]
    return share(factors, network.sizes, Fraction(network.target))


@ALLOCATIONS.register(
    "er_epsilon",
    summary="Erdos-Renyi as SET has it: epsilon * (inputs + outputs) weights per layer",
    options=EpsilonOptions,
    ignores=[{"field": "density", "when": None}],
    source="Mocanu et al. 2018 (SET), the initial topology",
)
def er_epsilon(network: Network, options: EpsilonOptions) -> list[Fraction]:
    """Keep a layer's weights with probability min(1, epsilon * (in + out) / (in * out)) on average.

    The density of the network follows from epsilon: `network.target` has no say. As in er, channels
    are counted; every position of a kernel counts alike.
    """
    epsilon = Fraction(str(options.epsilon))
    one = Fraction(1)
    parts = [min(one, epsilon * factor(shape[:2])) for shape in network.shapes.values()]
    return [max(one, part * size) for part, size in zip(parts, network.sizes, strict=True)]
