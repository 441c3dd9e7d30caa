"""Several things measured in the same blocks: who wins, and whether their ranks differ."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.statistics.paired import Better


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """In how many blocks the first of two is better, equal and worse.

    Attributes:
        wins: Blocks in which it is better.
        ties: Blocks in which both are equal.
        losses: Blocks in which it is worse.
    """

    wins: int
    ties: int
    losses: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranks:
    """Average ranks of k things over n blocks, and Friedman's test that they differ by chance only.

    Attributes:
        average: Mean rank of each thing, 1 to k; 1 is the best, equal ones share theirs.
        blocks: n.
        friedman: Friedman's statistic, corrected for ties; None where nothing differs.
        p: Its p by the chi-squared distribution with k - 1 degrees of freedom, which is rough for
            few blocks; None where the statistic is.
        critical_difference: Average ranks further apart than this differ by Nemenyi's test.
    """

    average: tuple[float, ...]
    blocks: int
    friedman: float | None
    p: float | None
    critical_difference: float


def tally(first: Sequence[float], second: Sequence[float], better: Better = "higher") -> Tally:
    """Count the blocks that the first of two things wins, ties and loses.

    Raises:
        ValueError: When the two do not have equally many measurements.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} measurements make no pairs")
    direction = 1 if better == "higher" else -1
    signs = [direction * (a - b) for a, b in zip(first, second, strict=True)]
    wins, losses = sum(sign > 0 for sign in signs), sum(sign < 0 for sign in signs)
    return Tally(wins=wins, ties=len(signs) - wins - losses, losses=losses)


def average_ranks(
    blocks: Sequence[Sequence[float]], better: Better = "higher", alpha: float = 0.05
) -> Ranks:
    """Rank the things in every block and compare their average ranks (Friedman 1937; Demsar 2006).

    Args:
        blocks: One measurement of every thing, per block.
        better: Which end gets rank 1.
        alpha: Level of the critical difference.

    Raises:
        ValueError: When there is no block, fewer than two things, blocks of unequal length, or a
            measurement that is not a number.
    """
    k = len(blocks[0]) if blocks else 0
    if k < 2 or any(len(block) != k for block in blocks):
        raise ValueError("ranks need a block, and two things or more in every block")
    if any(math.isnan(value) for block in blocks for value in block):
        raise ValueError("a measurement that is not a number has no rank")
    ranked = [_ranks(block, better) for block in blocks]
    sums = [math.fsum(column) for column in zip(*ranked, strict=True)]
    statistic = _friedman(ranked, sums)
    return Ranks(
        average=tuple(total / len(blocks) for total in sums),
        blocks=len(blocks),
        friedman=statistic,
        p=None if statistic is None else _beyond(statistic, k - 1),
        critical_difference=_nemenyi(k, len(blocks), alpha),
    )


def _ranks(values: Sequence[float], better: Better) -> list[float]:
    signed = [-value if better == "higher" else value for value in values]
    ordered = sorted(signed)
    return [
        (bisect_left(ordered, value) + bisect_right(ordered, value) + 1) / 2 for value in signed
    ]


def _friedman(ranked: Sequence[Sequence[float]], sums: Sequence[float]) -> float | None:
    """The variance between the things over that which ranks have by chance: Conover's form."""
    n, k = len(ranked), len(sums)
    middle = (k + 1) / 2
    within = math.fsum((rank - middle) ** 2 for ranks in ranked for rank in ranks)
    if within == 0:
        return None
    return (k - 1) * math.fsum((total - n * middle) ** 2 for total in sums) / within


def _beyond(statistic: float, degrees: int) -> float:
    from scipy.special import chdtrc

    return float(chdtrc(degrees, statistic))


def _nemenyi(k: int, n: int, alpha: float) -> float:
    """The critical difference: the studentised range over sqrt(2), times a rank's deviation."""
    from scipy.stats import studentized_range

    quantile = float(studentized_range.ppf(1 - alpha, k, math.inf)) / math.sqrt(2)
    return quantile * math.sqrt(k * (k + 1) / (6 * n))
