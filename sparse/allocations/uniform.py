"""uniform, uniform_plus: every layer has the same density, or all but the first and the last."""

import dataclasses
import math
from fractions import Fraction

from sparse.allocations import ALLOCATIONS
from sparse.budgets import Network, rounded_up, share
from sparse.options import NoOptions, option


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class UniformPlusOptions:
    """Options of uniform_plus."""

    last: float = option(0.2, ge=0, le=1, help="smallest density of the last layer")


@ALLOCATIONS.register(
    "uniform",
    summary="every layer has the same density",
    options=NoOptions,
    source="the plain rule",
)
def uniform(network: Network, options: NoOptions) -> list[Fraction]:
    """Weigh all layers alike."""
    alike = [Fraction(1)] * len(network.shapes)
    return share(alike, network.sizes, Fraction(network.target))


@ALLOCATIONS.register(
    "uniform_plus",
    summary="uniform, with a dense first convolution and a last layer that stays dense enough",
    options=UniformPlusOptions,
    source="Gale et al. 2019, their heuristic for ResNet-50; uniform+ in Liu et al. 2022",
)
def uniform_plus(network: Network, options: UniformPlusOptions) -> list[Fraction]:
    """Keep the first layer whole if it is a convolution, a share of the last, and weigh alike.

    The other layers have one common density, lower than that of the network, so that the sum is the
    target; where it would exceed `last`, the last layer has it too. A target that does not hold
    what the first and the last layer are to keep is a ValueError.
    """
    sizes = network.sizes
    least = [Fraction(1)] * len(sizes)
    least[-1] = max(least[-1], Fraction(str(options.last)) * sizes[-1])
    if len(next(iter(network.shapes.values()))) > 2:
        least[0] = Fraction(sizes[0])
    if sum(least) > network.target:
        raise ValueError(_too_few(network, least))
    return share([Fraction(1)] * len(sizes), sizes, Fraction(network.target), least)


def _too_few(network: Network, least: list[Fraction]) -> str:
    names, total = list(network.shapes), sum(network.sizes)
    fixed = f"{float(least[0]):g} weights of {names[0]} and {float(least[-1]):g} of {names[-1]}"
    return (
        f"uniform_plus is to keep {fixed}, but the density keeps {network.target} of {total} in"
        f" all; at least {rounded_up(Fraction(math.ceil(sum(least)), total))} is needed, or a"
        " smaller last"
    )
