"""balanced: every layer keeps equally many weights."""

from fractions import Fraction

from sparse.allocations import ALLOCATIONS
from sparse.budgets import Network, share
from sparse.options import NoOptions


@ALLOCATIONS.register(
    "balanced",
    summary="every layer keeps equally many weights, or all it has",
    options=NoOptions,
    source="Gadhikar et al. 2023 (random pruning), balanced",
)
def balanced(network: Network, options: NoOptions) -> list[Fraction]:
    """Weigh a layer by 1 / size; what a layer is too small for goes to the others."""
    factors = [Fraction(1, size) for size in network.sizes]
    return share(factors, network.sizes, Fraction(network.target))
