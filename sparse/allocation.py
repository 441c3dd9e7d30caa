"""Layer-wise allocation of a density: exact integer counts of weights to keep in every layer.

A density becomes one integer for the whole network (`target_count`). An allocation then weighs the
layers against each other; `share` turns the weights into counts that sum to that integer exactly.
The arithmetic is rational, so that the same density gives the same counts on every machine.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from sparse.options import build_options, option
from sparse.registry import Registry

Shape = tuple[int, ...]
Density = str | Decimal | float

ALLOCATIONS = Registry("allocation")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class NoOptions:
    """Options of an allocation that has none."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PowerOptions:
    """Options of er and erk."""

    power: float = option(
        1.0,
        ge=0.0,
        le=4.0,
        help="exponent of the Erdos-Renyi factor; 0 gives every layer the same density",
    )


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
        smallest = f"at least {len(sizes) / total:.2g} is needed"
        raise ValueError(f"{text} of the {len(sizes)} layers; {smallest}")
    return target


def allocate(
    name: str,
    shapes: Mapping[str, Shape],
    density: Density,
    options: Mapping[str, Any] | None = None,
) -> dict[str, int]:
    """Return the number of weights to keep in every layer.

    The counts sum to `target_count` of all weights together and each lies between 1 and the size of
    its layer. Real-valued budgets are rounded by largest remainder, ties to the earlier layer.
    A density too small for one weight per layer is a ValueError.
    """
    entry = ALLOCATIONS.get(name)
    chosen: Any = build_options(entry.options or NoOptions, options or {}, f"allocation {name}")
    sizes = [math.prod(shape) for shape in shapes.values()]
    target = network_count(density, sizes)
    factors = [entry.target(shape, chosen) for shape in shapes.values()]
    return dict(zip(shapes, _rounded(share(factors, sizes, Fraction(target))), strict=True))


@ALLOCATIONS.register("uniform", summary="every layer has the same density", options=NoOptions)
def uniform(shape: Shape, options: NoOptions) -> Fraction:
    """Weigh all layers alike."""
    return Fraction(1)


@ALLOCATIONS.register(
    "er",
    summary="Erdos-Renyi: density ~ (inputs + outputs) / (inputs * outputs)",
    options=PowerOptions,
)
def er(shape: Shape, options: PowerOptions) -> Fraction:
    """Weigh a layer by its numbers of inputs and outputs alone.

    Source: SET (Mocanu et al. 2018); for convolutions channels are counted, not kernels.
    """
    return _power(Fraction(sum(shape[:2]), math.prod(shape[:2])), options.power)


@ALLOCATIONS.register(
    "erk",
    summary="Erdos-Renyi kernel: er that counts the kernel's sides as well",
    options=PowerOptions,
)
def erk(shape: Shape, options: PowerOptions) -> Fraction:
    """Weigh a layer by sum(shape) / prod(shape), the kernel's sides included.

    Source: RigL (Evci et al. 2020, section 3, "Erdos-Renyi-Kernel").
    """
    return _power(Fraction(sum(shape), math.prod(shape)), options.power)


def share(factors: Sequence[Fraction], sizes: Sequence[int], budget: Fraction) -> list[Fraction]:
    """Split a budget of weights over layers, proportionally to factor * size and within bounds.

    Each layer gets min(size, max(1, scale * factor * size)), with the one scale for which the sum
    is exactly the budget: what a full layer cannot take goes to the others. Clamping at the layer's
    size without this is a published mistake that loses budget.
    `budget` must lie between the number of layers and the sum of sizes.
    """
    demands = [factor * size for factor, size in zip(factors, sizes, strict=True)]
    limits = list(zip(demands, sizes, strict=True))

    def given(scale: Fraction) -> Fraction:
        return sum((_clamped(scale * demand, size) for demand, size in limits), Fraction(0))

    turns = sorted({Fraction(bound) / demand for demand, size in limits for bound in (1, size)})
    low = _last(turns, lambda scale: given(scale) <= budget)
    # Up to the next turn `given` is linear: the layers inside their bounds share what is left.
    inside = [demand for demand, size in limits if 1 <= low * demand < size]
    scale = low + (budget - given(low)) / sum(inside) if inside else low
    return [_clamped(scale * demand, size) for demand, size in limits]


def _power(base: Fraction, power: float) -> Fraction:
    return base if power == 1 else Fraction(float(base) ** power)


def _clamped(value: Fraction, size: int) -> Fraction:
    return min(Fraction(size), max(Fraction(1), value))


def _last(ordered: Sequence[Fraction], holds: Callable[[Fraction], bool]) -> Fraction:
    """Return the last item for which a condition holds that is true for a prefix, by bisection."""
    low, high = 0, len(ordered)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(ordered[middle]) else (low, middle)
    return ordered[low]


def _rounded(budgets: Sequence[Fraction]) -> list[int]:
    """Round budgets with a whole sum by largest remainder, ties to the earlier one."""
    counts = [math.floor(budget) for budget in budgets]
    missing = int(sum(budgets)) - sum(counts)
    by_remainder = sorted(range(len(counts)), key=lambda i: (counts[i] - budgets[i], i))
    for i in by_remainder[:missing]:
        counts[i] += 1
    return counts
