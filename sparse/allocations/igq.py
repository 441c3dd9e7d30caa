"""igq: ideal gas quotas, by which a layer is the sparser the more weights it has."""

import math
from collections.abc import Sequence
from fractions import Fraction

from sparse.allocations import ALLOCATIONS
from sparse.budgets import Network
from sparse.options import NoOptions


@ALLOCATIONS.register(
    "igq",
    summary="ideal gas quotas: density = 1 / (F * weights + 1), one F for all layers",
    options=NoOptions,
    source="Vysogorets and Kempe 2023, ideal gas quotas",
)
def igq(network: Network, options: NoOptions) -> list[Fraction]:
    """Give a layer of N weights N / (F * N + 1) of them, at least one.

    No layer can exceed its size, so nothing is ever to be redistributed.
    """
    force = common_force(network.sizes, network.target)
    return [Fraction(quota) for quota in _quotas(force, network.sizes)]


def common_force(sizes: Sequence[int], target: float) -> float:
    """Return the F >= 0 for which the quotas sum to the target, to the last bit of a float.

    All arithmetic on the way is rounded once per operation, the same on every machine. `target`
    lies between the number of layers and the sum of sizes.
    """
    low, high = 0.0, 1.0
    if target == sum(sizes):
        return low
    while low < (middle := (low + high) / 2) < high:
        enough = math.fsum(_quotas(middle, sizes)) >= target
        low, high = (middle, high) if enough else (low, middle)
    return low


def _quotas(force: float, sizes: Sequence[int]) -> list[float]:
    return [max(1.0, size / (force * size + 1)) for size in sizes]
