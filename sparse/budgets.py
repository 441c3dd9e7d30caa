"""Budgets of layers: how a number of weights is divided, and how shares become whole counts.

Allocations are made of these. The arithmetic is rational, so that the same density gives the same
counts on every machine.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from sparse.context import Context

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """What an allocation divides, and the run it may ask.

    shapes: those of the maskable weights, (out, in, ...), by layer name in the model's order.
    target: how many weights are kept in all; at least one for each layer.
    context: the run that the weights belong to; None where only the shapes are known.
    """

    shapes: Mapping[str, Shape]
    target: int
    context: Context | None = None

    @property
    def sizes(self) -> list[int]:
        """The number of weights of each layer."""
        return [math.prod(shape) for shape in self.shapes.values()]


def share(
    factors: Sequence[Fraction],
    sizes: Sequence[int],
    budget: Fraction,
    least: Sequence[Fraction] | None = None,
) -> list[Fraction]:
    """Split a budget of weights over layers, proportionally to factor * size and within bounds.

    Each layer gets min(size, max(least, scale * factor * size)), with the one scale for which the
    sum is exactly the budget: what a full layer cannot take goes to the others. Clamping at the
    layer's size without this is a published mistake that loses budget.
    `least` is 1 for every layer unless given; `budget` must lie between its sum and that of sizes.
    """
    bounds = [Fraction(1)] * len(sizes) if least is None else least
    demands = [factor * size for factor, size in zip(factors, sizes, strict=True)]
    limits = list(zip(demands, bounds, sizes, strict=True))

    def given(scale: Fraction) -> Fraction:
        parts = (_clamped(scale * demand, low, high) for demand, low, high in limits)
        return sum(parts, Fraction(0))

    turns = {Fraction(end) / demand for demand, low, high in limits for end in (low, high)}
    start = _last(sorted(turns), lambda scale: given(scale) <= budget)
    # Up to the next turn `given` is linear: the layers inside their bounds share what is left.
    inside = [demand for demand, low, high in limits if low <= start * demand < high]
    scale = start + (budget - given(start)) / sum(inside) if inside else start
    return [_clamped(scale * demand, low, high) for demand, low, high in limits]


def rounded(budgets: Sequence[Fraction]) -> list[int]:
    """Round budgets by largest remainder, ties to the earlier one.

    The counts sum to floor(sum + 1/2) of the budgets, and each is its budget rounded down or up.
    """
    counts = [math.floor(budget) for budget in budgets]
    missing = math.floor(sum(budgets) + Fraction(1, 2)) - sum(counts)
    by_remainder = sorted(range(len(counts)), key=lambda i: (counts[i] - budgets[i], i))
    for i in by_remainder[:missing]:
        counts[i] += 1
    return counts


def rounded_up(share: Fraction) -> str:
    """Return the text of a share in (0, 1], rounded up to two significant digits."""
    places = 1 - math.floor(math.log10(share))
    return f"{math.ceil(share * 10**places) / 10**places:g}"


def _clamped(value: Fraction, low: Fraction, high: int) -> Fraction:
    return min(Fraction(high), max(low, value))


def _last(ordered: Sequence[Fraction], holds: Callable[[Fraction], bool]) -> Fraction:
    """Return the last item for which a condition holds that is true for a prefix, by bisection."""
    low, high = 0, len(ordered)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(ordered[middle]) else (low, middle)
    return ordered[low]
