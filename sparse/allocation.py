"""Layer-wise allocation of a density: exact integer counts of weights to keep in every layer.

A density becomes one integer for the whole network (`target_count`). An allocation, one of those in
`sparse/allocations/`, gives every layer a real-valued budget; `allocate` rounds the budgets to
counts.
"""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from sparse.allocations import ALLOCATIONS
from sparse.budgets import Network, Shape, rounded, rounded_up
from sparse.context import Context

Density = str | Decimal | float


def parse_density(density: Density) -> Decimal:
    """Return the density as the decimal number that was written; it must lie in (0, 1].

    A float stands for its shortest decimal text, so 0.1 is exactly one tenth.
    """
    try:
        value = Decimal(str(density))
    except InvalidOperation:
        value = Decimal("NaN")
    if isinstance(density, bool) or not value.is_finite() or not 0 < value <= 1:
        raise ValueError(f"density is {density!r}; it must be a number above 0 and at most 1")
    return value


def target_count(density: Density, total: int) -> int:
    """Return how many of `total` weights a density keeps: floor(density * total + 1/2)."""
    return math.floor(Fraction(parse_density(density)) * total + Fraction(1, 2))


def network_count(density: Density, sizes: Sequence[int]) -> int:
    """Return how many weights a density keeps in layers of these sizes: one for each at least.

    A density too small for that is a ValueError.
    """
    total = sum(sizes)
    target = target_count(density, total)
    if target < len(sizes):
        text = f"density {density} keeps {target} of {total} weights, fewer than one for each"
        smallest = f"at least {rounded_up(Fraction(len(sizes), total))} is needed"
        raise ValueError(f"{text} of the {len(sizes)} layers; {smallest}")
    return target


def allocate(
    name: str,
    shapes: Mapping[str, Shape],
    density: Density,
    options: Mapping[str, Any] | None = None,
    context: Context | None = None,
) -> dict[str, int]:
    """Return the number of weights to keep in every layer.

    The counts sum to `target_count` of all weights together, but for an allocation that decides
    the density itself (`decides_density`). Each lies between 1 and the size of its layer.
    Real-valued budgets are rounded by largest remainder, ties to the earlier layer. `context` is
    the run that scores come from, for allocations that need some.
    A density too small for the allocation is a ValueError.
    """
    chosen: Any = allocation_options(name, options or {})
    sizes = [math.prod(shape) for shape in shapes.values()]
    network = Network(shapes=shapes, target=network_count(density, sizes), context=context)
    budgets = ALLOCATIONS.get(name).target(network, chosen)
    return dict(zip(shapes, rounded(budgets), strict=True))


def allocation_options(name: str, given: Mapping[str, Any]) -> Any:
    """Return the checked options of an allocation; every mistake in them is in one ValueError."""
    return ALLOCATIONS.get(name).chosen(given)


def decides_density(name: str) -> bool:
    """Return whether an allocation says itself how many weights are kept in all."""
    rules = ALLOCATIONS.get(name).traits.get("ignores", ())
    return any(rule["field"] == "density" for rule in rules)
