"""uniform: every layer has the same density."""

from fractions import Fraction

from sparse.allocations import ALLOCATIONS
from sparse.budgets import Network, share
from sparse.options import NoOptions


@ALLOCATIONS.register(
    "uniform",
    summary="every layer has the same density",
    options=NoOptions,
    ignores=[],
    scores=False,
    source="the plain rule",
)
def uniform(network: Network, options: NoOptions) -> list[Fraction]:
    """Weigh all layers alike."""
    alike = [Fraction(1)] * len(network.shapes)
    return share(alike, network.sizes, Fraction(network.target))
