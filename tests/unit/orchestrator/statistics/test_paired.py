"""Paired differences: against SciPy to many digits, and worked by hand."""

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from orchestrator.statistics.bootstrap import bootstrap_interval, draws_named
from orchestrator.statistics.paired import (
    paired_difference,
    paired_t,
    pairs_needed,
    smallest_wilcoxon,
)

SPARSE = [0.9470, 0.9526, 0.9443, 0.9415, 0.9554]
DENSE = [0.9749, 0.9777, 0.9721, 0.9749, 0.9777]
EQUAL = [0.95, 0.96, 0.97], [0.94, 0.95, 0.96]
"""Differences that are equal on paper, but not in the last bit."""


def noisy(n: int, seed: int = 0) -> tuple[list[float], list[float]]:
    draws = np.random.default_rng([n, seed])
    first = draws.normal(0.95, 0.01, n)
    return first.tolist(), (first - draws.standard_t(3, n) * 0.004 - 0.002).tolist()


def test_a_difference_worked_by_hand() -> None:
    found = paired_difference([3.0, 5.0, 7.0], [2.0, 3.0, 4.0])
    # differences 1, 2, 3: mean 2, deviation 1, t = 2 sqrt(3) with 2 degrees of freedom, for which
    # p = 1 - t / sqrt(2 + t^2) = 1 - sqrt(12 / 14); the quantile is 4.302653
    assert (found.n, found.mean, found.std) == (3, 2.0, 1.0)
    assert found.p_t == pytest.approx(1 - math.sqrt(12 / 14), abs=1e-14)
    assert found.low == pytest.approx(2 - 4.302653 / math.sqrt(3), abs=1e-6)
    assert found.high == pytest.approx(2 + 4.302653 / math.sqrt(3), abs=1e-6)
    assert found.p_wilcoxon == 0.25  # one of eight signs on either side
    assert (found.wins, found.ties, found.losses) == (3, 0, 0)


@pytest.mark.parametrize("n", [2, 3, 5, 12, 30])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_t_test_and_its_interval_are_those_of_scipy(n: int, confidence: float) -> None:
    first, second = noisy(n)
    found = paired_difference(first, second, confidence=confidence)
    expected = stats.ttest_rel(np.array(first), np.array(second))
    interval = expected.confidence_interval(confidence)
    assert found.p_t == pytest.approx(expected.pvalue, rel=1e-11)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-11)


@pytest.mark.parametrize("n", [2, 3, 5, 12, 30])
def test_the_signed_rank_test_is_that_of_scipy(n: int) -> None:
    first, second = noisy(n)
    expected = stats.wilcoxon(np.array(first) - np.array(second), method="exact")
    assert paired_difference(first, second).p_wilcoxon == pytest.approx(expected.pvalue, rel=1e-12)


def test_beyond_fifty_pairs_it_is_scipys_approximation() -> None:
    first, second = noisy(60)
    expected = stats.wilcoxon(
        np.array(first) - np.array(second), method="asymptotic", correction=True
    )
    assert paired_difference(first, second).p_wilcoxon == pytest.approx(expected.pvalue, rel=1e-10)


def test_with_ties_the_signed_rank_test_counts_all_signs() -> None:
    differences = [1.0, 1.0, -2.0, 3.0, 3.0, 3.0, 0.0]
    sizes = [1.5, 1.5, 3.0, 5.0, 5.0, 5.0]  # mean ranks; the zero is dropped
    sums = [
        sum(size for size, up in zip(sizes, signs, strict=True) if up)
        for signs in product((False, True), repeat=6)
    ]
    observed = sum(sizes) - 3.0
    p = 2 * sum(total >= observed for total in sums) / 64
    found = paired_difference(differences, [0.0] * 7)
    assert found.p_wilcoxon == p == 0.15625  # 5 of 64 leave 3 or less to the others, on either side
    assert (found.wins, found.ties, found.losses) == (5, 1, 1)


@pytest.mark.parametrize("n", [3, 5, 12])
def test_the_bootstrap_interval_is_scipys_of_the_same_draws(n: int) -> None:
    values = noisy(n)[0]
    expected = stats.bootstrap(
        (np.array(values),), np.mean, n_resamples=2000, method="BCa", confidence_level=0.9,
        rng=draws_named("a name"),
    ).confidence_interval  # fmt: skip
    found = bootstrap_interval(values, confidence=0.9, resamples=2000, name="a name")
    assert found == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_equal_names_give_equal_intervals_and_others_do_not() -> None:
    first, second = (
        paired_difference(SPARSE, DENSE, name="a"),
        paired_difference(SPARSE, DENSE, name="a"),
    )
    other = bootstrap_interval(SPARSE, resamples=100, name="b")
    assert first == second
    assert bootstrap_interval(SPARSE, resamples=100, name="a") != other


def test_one_pair_has_a_difference_and_nothing_else() -> None:
    found = paired_difference([0.9], [0.8])
    assert (found.n, found.std, found.low, found.high, found.p_t) == (1, None, None, None, None)
    assert (found.bootstrap_low, found.bootstrap_high) == (None, None)
    assert (found.mean, found.p_wilcoxon, found.wins) == (pytest.approx(0.1), 1.0, 1)


def test_equal_differences_show_no_spread_to_judge_by() -> None:
    found = paired_difference(*EQUAL)
    assert (found.std, found.low, found.bootstrap_low, found.p_t) == (0.0, None, None, None)
    assert (found.p_wilcoxon, found.wins) == (0.25, 3)


def test_ties_alone_are_no_difference() -> None:
    found = paired_difference(DENSE, DENSE)
    assert (found.mean, found.std, found.p_t, found.p_wilcoxon) == (0.0, 0.0, None, 1.0)
    assert (found.wins, found.ties, found.losses) == (0, 5, 0)


@pytest.mark.parametrize("scale", [1e-15, 1.0, 1e15])
def test_the_unit_does_not_matter(scale: float) -> None:
    plain = paired_difference(SPARSE, DENSE)
    found = paired_difference([scale * x for x in SPARSE], [scale * x for x in DENSE])
    assert found.p_t == pytest.approx(plain.p_t, rel=1e-9)
    assert (found.p_wilcoxon, found.losses) == (plain.p_wilcoxon, 5)


def test_the_lower_wins_where_lower_is_better() -> None:
    found = paired_difference([0.1, 0.2, 0.3], [0.2, 0.1, 0.5], better="lower")
    assert (found.wins, found.ties, found.losses) == (2, 0, 1)
    assert found.mean == pytest.approx(-0.2 / 3)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([], [], "no pairs"),
        ([1.0], [1.0, 2.0], "no pairs"),
        ([1.0, math.nan], [1.0, 2.0], "not finite"),
        ([1.0, 2.0], [1.0, math.inf], "not finite"),
    ],
)
def test_what_cannot_be_paired_is_refused(
    first: list[float], second: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        paired_difference(first, second)


def test_a_confidence_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        paired_difference(SPARSE, DENSE, confidence=95)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 12])
def test_the_least_p_of_the_signed_rank_test_is_reached_when_all_agree(n: int) -> None:
    found = paired_difference([float(k) for k in range(1, n + 1)], [0.0] * n)
    assert found.p_wilcoxon == smallest_wilcoxon(n) == found.smallest_wilcoxon
    assert smallest_wilcoxon(5) == 0.0625


def test_the_t_test_of_differences_needs_two_that_differ() -> None:
    assert paired_t([0.1]) is None
    assert paired_t([0.1, 0.1]) is None
    assert paired_t([1.0, 2.0, 3.0]) == pytest.approx(1 - math.sqrt(12 / 14), abs=1e-14)


@pytest.mark.parametrize(("family", "alpha", "pairs"), [(1, 0.05, 6), (25, 0.05, 10), (1, 0.5, 2)])
def test_the_pairs_that_ranks_need_are_the_fewest_that_reach_the_level(
    family: int, alpha: float, pairs: int
) -> None:
    assert pairs_needed(family, alpha) == pairs
    assert family * smallest_wilcoxon(pairs) <= alpha < family * smallest_wilcoxon(pairs - 1)
    with pytest.raises(ValueError, match="no family of 0"):
        pairs_needed(0, alpha)


def test_the_bootstrap_interval_of_few_pairs_covers_too_rarely() -> None:
    draws = np.random.default_rng(64).standard_normal((500, 5)).tolist()
    found = [bootstrap_interval(values, resamples=500, name=str(values[0])) for values in draws]
    covered = sum(ends is not None and ends[0] <= 0 <= ends[1] for ends in found)
    assert 0.8 < covered / 500 < 0.92  # 95 % are asked for; 86 % are documented
