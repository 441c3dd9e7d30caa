"""Tests by ranks: the paired signed-rank test, and correlation.

scipy is given arrays, never lists: of a list it asks whether it is one of the package `sparse` on
the registry, and takes this project's package of that name for it.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_EXACT_UP_TO = 50
DECIMALS = 12
"""To so many, measurements are compared: what is equal on paper differs in the last bit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedRank:
    """Wilcoxon's signed-rank test of paired differences, one-sided.

    Attributes:
        n: Pairs that differ; those with a difference of zero are dropped.
        positive: W+, the sum of the ranks of the positive differences.
        p: Probability of so large a W+ where positive and negative differences are as likely.
        median: Median of all differences, zeros included.
        exact: Whether `p` is exact, and not by the normal approximation.
    """

    n: int
    positive: float
    p: float
    median: float
    exact: bool

    @property
    def smallest_p(self) -> float:
        """What `p` would be if every difference were positive: 2^-n."""
        return 2.0**-self.n


def signed_rank(differences: Sequence[float]) -> SignedRank:
    """Test whether paired differences are greater than zero (Wilcoxon 1945).

    Zeros are dropped, ties get the mean of their ranks. The distribution, given these ranks, is
    exact for 50 pairs or fewer, else normal with continuity correction: for few pairs with ties,
    the normal one gives too small a p. Differences are compared after rounding to 12 decimals.

    Raises:
        ValueError: When there are no differences, or one of them is not finite.
    """
    if not differences or not all(map(math.isfinite, differences)):
        raise ValueError(f"{len(differences)} differences; at least one, all of them finite")
    rounded = [round(difference, DECIMALS) for difference in differences]
    kept = [difference for difference in rounded if difference]
    middle = median(rounded)
    if not kept:
        return SignedRank(n=0, positive=0.0, p=1.0, median=middle, exact=True)
    ranks = _doubled_ranks([abs(difference) for difference in kept])
    doubled = sum(rank for rank, value in zip(ranks, kept, strict=True) if value > 0)
    exact = len(kept) <= _EXACT_UP_TO
    p = _exactly(ranks, doubled) if exact else _by_normal(ranks, doubled)
    return SignedRank(n=len(kept), positive=doubled / 2, p=p, median=middle, exact=exact)


def two_sided(differences: Sequence[float]) -> float:
    """Two-sided p of the signed-rank test: twice the smaller one-sided one, at most 1.

    Raises:
        ValueError: When there are no differences, or one of them is not finite.
    """
    upward, downward = (
        signed_rank([sign * difference for difference in differences]).p for sign in (1, -1)
    )
    return min(1.0, 2 * upward, 2 * downward)


def kendall(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Kendall's tau-b of two measurements of the same things, -1 to 1.

    None where it is not defined: fewer than two things, or one of the measurements is constant.

    Raises:
        ValueError: When the two are not of equal length.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} values cannot be paired")
    if len(set(first)) < 2 or len(set(second)) < 2:
        return None
    import numpy as np
    from scipy.stats import kendalltau

    return float(kendalltau(np.array(first), np.array(second), variant="b").statistic)


def mean_absolute(coefficients: Sequence[float]) -> float:
    """The mean of the absolute values: each first, so that signs never cancel.

    Raises:
        ValueError: When there are none.
    """
    if not coefficients:
        raise ValueError("there are no coefficients to average")
    return math.fsum(map(abs, coefficients)) / len(coefficients)


def _doubled_ranks(sizes: Sequence[float]) -> list[int]:
    """Twice the rank of each, whole numbers with ties, too: smaller ones count 2, equal ones 1."""
    ordered = sorted(sizes)
    return [bisect_left(ordered, size) + bisect_right(ordered, size) + 1 for size in sizes]


def _exactly(ranks: Sequence[int], least: int) -> float:
    """The share of all signs of these ranks whose positive ones sum to `least` or more."""
    ways = {0: 1}
    for rank in ranks:
        further = Counter(ways)
        for total, count in ways.items():
            further[total + rank] += count
        ways = further
    return sum(count for total, count in ways.items() if total >= least) / 2 ** len(ranks)


def _by_normal(ranks: Sequence[int], doubled: int) -> float:
    """The same by the normal distribution; squares of mean ranks hold its correction for ties."""
    mean = sum(ranks) / 4
    deviation = math.sqrt(sum(rank**2 for rank in ranks)) / 4
    z = (doubled / 2 - mean - 0.5) / deviation
    return math.erfc(z / math.sqrt(2)) / 2
