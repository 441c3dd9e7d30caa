"""Statistics over seeds: what a table prints and a plot draws."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """Some measurements of one thing, in the unit of the measurements.

    Attributes:
        mean: Their arithmetic mean; NaN or infinite when one of them is.
        std: Their sample standard deviation (n - 1 in the denominator); None for a single one.
        n: How many there are, at least 1.
        low: Lower end of the confidence interval of the mean; None for a single one
            and when no interval was asked for.
        high: Upper end of it.
    """

    mean: float
    std: float | None
    n: int
    low: float | None
    high: float | None


def summarise(values: Sequence[float], confidence: float | None = 0.95) -> Summary:
    """Mean, spread and confidence interval of independent measurements.

    The interval is Student's: mean +- t * std / sqrt(n) with n - 1 degrees of freedom, which
    assumes that the measurements are about normally distributed. The order of the values does
    not matter, not even to the last bit.

    Args:
        values: At least one measurement.
        confidence: Probability that the interval covers the true mean, in (0, 1); None for no
            interval, which also spares loading scipy.

    Raises:
        ValueError: When there are no values, or `confidence` is out of range.
    """
    n = len(values)
    if n == 0:
        raise ValueError("there is nothing to summarise: no values")
    if confidence is not None and not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    mean = _mean(values)
    if n == 1:
        return Summary(mean=mean, std=None, n=1, low=None, high=None)
    std = math.sqrt(_mean([(value - mean) ** 2 for value in values]) * n / (n - 1))
    if confidence is None:
        return Summary(mean=mean, std=std, n=n, low=None, high=None)
    half = _student(confidence, n - 1) * std / math.sqrt(n)
    return Summary(mean=mean, std=std, n=n, low=mean - half, high=mean + half)


def _mean(values: Sequence[float]) -> float:
    try:
        return math.fsum(values) / len(values)
    except (ValueError, OverflowError):  # infinities of both signs have no mean
        return math.nan


def _student(confidence: float, degrees: int) -> float:
    """The two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + confidence) / 2))
