"""Tests by ranks, against values worked out by hand or published with the tests."""

import math
import subprocess
import sys
from itertools import product

import pytest

from orchestrator.statistics.rank_tests import kendall, mean_absolute, signed_rank

MOMENTUM_DA_BN = ((35.4, 38.4, 39.8, 39.7, 39.9), (32.2, 36.1, 38.0, 39.0, 39.5))
MOMENTUM_NR = ((1.1, 17.5, 19.8, 23.1, 25.8), (22.8, 25.0, 25.8, 26.4, 26.5))
"""Accuracies of sparse and dense networks by width, read off a published figure."""


def minus(sparse: tuple[float, ...], dense: tuple[float, ...]) -> list[float]:
    return [s - d for s, d in zip(sparse, dense, strict=True)]


@pytest.mark.parametrize(
    ("differences", "positive", "p"),
    [
        ([1, 2, 3, 4, 5], 15, 0.03125),
        (list(range(1, 16)), 120, 2**-15),
        ([0.8, -0.3, 1.5, 0.4, -0.1, 2, 0.6, 0.9], 33, 0.01953125),
        (minus(*MOMENTUM_DA_BN), 15, 0.03125),
        (minus(*MOMENTUM_NR), 0, 1.0),
    ],
)
def test_the_signed_rank_test_is_exact(differences: list[float], positive: float, p: float) -> None:
    found = signed_rank(differences)
    assert (found.positive, found.exact, found.n) == (positive, True, len(differences))
    assert found.p == pytest.approx(p, abs=1e-12)


def test_its_exact_p_counts_the_signs_that_give_as_much() -> None:
    differences = [0.8, -0.3, 1.5, 0.4, -0.1, 2, 0.6]
    ranks = [5, 2, 6, 3, 1, 7, 4]
    positive = 5 + 6 + 3 + 7 + 4
    sums = [
        sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign)
        for signs in product((0, 1), repeat=7)
    ]
    assert signed_rank(differences).p == pytest.approx(sum(s >= positive for s in sums) / 2**7)


def test_zeros_are_dropped_and_ties_get_their_mean_rank() -> None:
    found = signed_rank([0.0, 1.0, -1.0, 2.0, 0.0])
    assert (found.n, found.positive, found.exact) == (3, 1.5 + 3, True)
    assert found.p == 3 / 8  # 1.5 + 3 in two ways, 1.5 + 1.5 + 3
    assert found.median == 0.0


@pytest.mark.parametrize("n", [3, 5, 8, 50])
def test_ties_do_not_make_p_smaller_than_so_many_pairs_can(n: int) -> None:
    found = signed_rank([0.01] * n)
    assert found.p == found.smallest_p == 2.0**-n


def test_with_ties_its_exact_p_counts_the_signs_that_give_as_much() -> None:
    ranks = [1.5, 1.5, 4.0, 4.0, 4.0, 6.0]
    differences = [1, -1, 2, 2, -2, 3]
    sums = [
        sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign)
        for signs in product((0, 1), repeat=6)
    ]
    found = signed_rank(differences)
    assert found.positive == 15.5
    assert found.p == sum(total >= 15.5 for total in sums) / 2**6


def test_more_than_fifty_pairs_are_by_the_normal_approximation() -> None:
    assert signed_rank([float(i) for i in range(1, 51)]).exact
    differences = [float(i - 20) for i in range(61)]  # ties of 1 to 20, one zero
    found = signed_rank(differences)
    assert (found.n, found.exact) == (60, False)
    positive = sum(2 * i - 0.5 for i in range(1, 21)) + sum(range(41, 61))
    variance = 60 * 61 * 121 / 24 - 20 * (2**3 - 2) / 48
    z = (positive - 60 * 61 / 4 - 0.5) / math.sqrt(variance)
    assert found.positive == positive
    assert found.p == pytest.approx(math.erfc(z / math.sqrt(2)) / 2, rel=1e-12)


def test_differences_that_are_equal_on_paper_are_ties() -> None:
    differences = [0.3 - 0.1, 0.4 - 0.2, 0.7 - 0.9]
    assert len({abs(each) for each in differences}) > 1
    assert signed_rank(differences).positive == 4.0


def test_pairs_that_never_differ_say_nothing() -> None:
    found = signed_rank([0.0, 0.0])
    assert (found.n, found.p, found.smallest_p) == (0, 1.0, 1.0)


@pytest.mark.parametrize(("n", "smallest"), [(4, 0.0625), (5, 0.03125), (11, 2**-11)])
def test_so_many_pairs_can_never_give_less(n: int, smallest: float) -> None:
    assert signed_rank([float(i + 1) for i in range(n)]).smallest_p == smallest


def test_nothing_and_what_is_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="0 differences"):
        signed_rank([])
    with pytest.raises(ValueError, match="finite"):
        signed_rank([1.0, math.nan])


@pytest.mark.parametrize(
    ("first", "second", "tau"),
    [
        ([1, 2, 3, 4, 5], [2, 1, 4, 3, 5], 0.6),
        ([1, 2, 3, 4, 5], [5, 4, 2, 3, 1], -0.8),
        ([1, 2, 2, 3], [1, 3, 2, 4], 0.912871),
    ],
)
def test_kendalls_tau_corrects_for_ties(
    first: list[float], second: list[float], tau: float
) -> None:
    assert kendall(first, second) == pytest.approx(tau, abs=1e-6)


def test_it_is_not_defined_for_what_is_constant() -> None:
    assert kendall([1, 1, 1], [1, 2, 3]) is None
    assert kendall([1], [2]) is None
    with pytest.raises(ValueError, match="cannot be paired"):
        kendall([1, 2], [1])


def test_coefficients_are_averaged_without_their_signs() -> None:
    taus = [kendall([1, 2, 3, 4, 5], y) for y in ([2, 1, 4, 3, 5], [5, 4, 2, 3, 1])]
    assert mean_absolute([tau for tau in taus if tau is not None]) == pytest.approx(0.7)
    with pytest.raises(ValueError, match="no coefficients"):
        mean_absolute([])


def test_scipy_does_not_stumble_over_our_package_of_anothers_name() -> None:
    code = (
        "import sparse; from orchestrator.statistics.rank_tests import kendall, signed_rank;"
        "ties = signed_rank([1.0, 1.0, 2.0]);"
        "print(signed_rank([1.0, 2.0]).p, ties.positive, kendall([1, 2, 3], [1, 3, 2]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("0.25 6.0 0.33333")
