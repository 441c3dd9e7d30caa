"""One measurement that lies far from all others: a seed that collapsed, say."""

import math
from collections.abc import Sequence

from orchestrator.statistics.rank_tests import DECIMALS

_LEAST = 3


def far_out(values: Sequence[float], *, alpha: float = 0.01) -> int | None:
    """The place of the measurement that lies too far from all others to be of their kind.

    Grubbs' test (1950): the farthest value against Student's prediction from the others, its p
    times the number of values. Where all others are equal to 12 digits, the one that differs.
    Two that collapsed hide each other, and what happens to no seed here is not seen.

    Args:
        values: The measurements.
        alpha: How often one of normal measurements is named.

    Returns:
        Its place; None where there is none, and for fewer than three values.

    Raises:
        ValueError: When a value is not finite.
    """
    if not all(map(math.isfinite, values)):
        raise ValueError("a measurement that is not finite lies nowhere")
    if len(values) < _LEAST:
        return None
    place = max(range(len(values)), key=lambda at: abs(_distance(values, at)))
    if math.isinf(_distance(values, place)):
        return place
    from scipy.special import stdtr

    p = 2 * stdtr(len(values) - 2, -abs(_distance(values, place))) * len(values)
    return place if p <= alpha else None


def _distance(values: Sequence[float], at: int) -> float:
    """How far one lies from the mean of the others, in standard errors of predicting it."""
    others = [*values[:at], *values[at + 1 :]]
    mean = math.fsum(others) / len(others)
    squares = math.fsum((value - mean) ** 2 for value in others) / (len(others) - 1)
    gap, largest = values[at] - mean, max(map(abs, values))
    if math.sqrt(squares) <= largest * 10.0**-DECIMALS:
        return 0.0 if abs(gap) <= largest * 10.0**-DECIMALS else math.inf
    return gap / math.sqrt(squares * (1 + 1 / len(others)))
