"""Two things measured under the same seeds: how far they differ, and whether that is noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.statistics.bootstrap import bootstrap_interval
from orchestrator.statistics.rank_tests import DECIMALS, two_sided
from orchestrator.statistics.summaries import summarise

Better = Literal["higher", "lower"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedDifference:
    """First minus second over pairs, in the unit of the measurements.

    Attributes:
        n: Pairs, at least 1.
        mean: Mean difference.
        std: Standard deviation of the differences; None for a single pair.
        low: Lower end of Student's interval of the mean; None for a single pair, and where all
            differences are equal: no spread was seen, and that says nothing of the spread.
        high: Upper end of it.
        bootstrap_low: Lower end of the bootstrap interval of the mean; None where `low` is.
        bootstrap_high: Upper end of it.
        p_t: Two-sided p of the paired t test; None where `low` is.
        p_wilcoxon: Two-sided p of the signed-rank test, exact for up to 50 pairs that differ.
        wins: Pairs in which the first is better.
        ties: Pairs in which both are equal.
        losses: Pairs in which the second is better.
    """

    n: int
    mean: float
    std: float | None
    low: float | None
    high: float | None
    bootstrap_low: float | None
    bootstrap_high: float | None
    p_t: float | None
    p_wilcoxon: float
    wins: int
    ties: int
    losses: int

    @property
    def smallest_wilcoxon(self) -> float:
        """The least p that the signed-rank test can give for so many pairs that differ."""
        return smallest_wilcoxon(self.wins + self.losses)


def paired_difference(
    first: Sequence[float],
    second: Sequence[float],
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    name: str = "",
    better: Better = "higher",
) -> PairedDifference:
    """Compare two measurements of the same seeds, pair by pair.

    Differences are compared after rounding to 12 digits of the largest measurement.

    Args:
        first: Measurements of the first thing, one per seed.
        second: Those of the second thing, in the same order of seeds.
        confidence: Probability that the intervals are meant to cover, in (0, 1).
        resamples: Draws of the bootstrap.
        name: What the draws of the bootstrap are named by.
        better: Which of two measurements wins.

    Raises:
        ValueError: When there are no pairs, the two are not of equal length, one of them is not
            finite, or `confidence` is out of range.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"{len(first)} and {len(second)} measurements make no pairs")
    if not all(map(math.isfinite, (*first, *second))):
        raise ValueError("a measurement that is not finite has no difference")
    differences = [a - b for a, b in zip(first, second, strict=True)]
    relative = in_units_of(differences, max(map(abs, (*first, *second))))
    summary = summarise(differences, confidence)
    spread = _differ(relative)
    bootstrap = (
        bootstrap_interval(differences, confidence=confidence, resamples=resamples, name=name)
        if spread
        else None
    )
    signs = [round(value, DECIMALS) for value in relative]
    upward, downward = sum(sign > 0 for sign in signs), sum(sign < 0 for sign in signs)
    wins, losses = (upward, downward) if better == "higher" else (downward, upward)
    return PairedDifference(
        n=summary.n,
        mean=summary.mean,
        std=summary.std if spread or summary.n == 1 else 0.0,
        low=summary.low if spread else None,
        high=summary.high if spread else None,
        bootstrap_low=bootstrap[0] if bootstrap else None,
        bootstrap_high=bootstrap[1] if bootstrap else None,
        p_t=paired_t(relative),
        p_wilcoxon=two_sided(relative),
        wins=wins,
        ties=summary.n - wins - losses,
        losses=losses,
    )


def paired_t(differences: Sequence[float]) -> float | None:
    """Two-sided p of Student's test that the mean of the differences is zero.

    None where it is not defined: for fewer than two differences, or where all are equal to 12
    decimals.

    Raises:
        ValueError: When there are none.
    """
    summary = summarise(differences, None)
    if not summary.std or not _differ(differences):
        return None
    from scipy.special import stdtr

    t = summary.mean / summary.std * math.sqrt(summary.n)
    return float(2 * stdtr(summary.n - 1, -abs(t)))


def smallest_wilcoxon(pairs: int) -> float:
    """The least two-sided p of the exact signed-rank test of so many pairs: 2^(1 - pairs)."""
    return min(1.0, 2.0 ** (1 - pairs))


def pairs_needed(family: int, alpha: float = 0.05) -> int:
    """So many pairs the signed-rank test needs to reach `alpha` after Holm's correction.

    The least for which `family` times the least p is at most `alpha`, all pairs agreeing.

    Raises:
        ValueError: When the family is empty, or `alpha` is not between 0 and 1.
    """
    if family < 1 or not 0 < alpha < 1:
        raise ValueError(f"no family of {family} contrasts reaches {alpha}")
    return 1 + math.ceil(math.log2(family / alpha) - 1e-9)


def in_units_of(differences: Sequence[float], largest: float) -> list[float]:
    """The differences in units of the power of ten above the largest measurement, at least 0.

    So rounding them to 12 decimals is rounding to 12 digits of it.
    """
    unit = 10.0 ** math.ceil(math.log10(largest)) if largest else 1.0
    return [difference / unit for difference in differences]


def _differ(values: Sequence[float]) -> bool:
    return len({round(value, DECIMALS) for value in values}) > 1
