"""One measurement far from all others: found where it is, and rarely where it is not."""

import math

import numpy as np
import pytest

from orchestrator.statistics.outliers import far_out

STEADY = [0.950, 0.952, 0.949, 0.951]


def test_a_collapsed_seed_is_found() -> None:
    assert far_out([*STEADY, 0.31]) == 4
    assert far_out([0.31, *STEADY]) == 0
    assert far_out(STEADY) is None


def test_it_is_the_test_of_grubbs() -> None:
    """The critical statistic of seven values in his table is 2.097, at 1 % on each side."""
    others = [-1.5, -0.9, -0.3, 0.3, 0.9, 1.5]

    def statistic(value: float) -> float:
        values = [*others, value]
        return float((value - np.mean(values)) / np.std(values, ddof=1))

    named = [v for v in np.arange(2, 12, 0.01) if far_out([*others, v], alpha=0.02) is not None]
    assert statistic(named[0]) == pytest.approx(2.097, abs=0.003)


def test_normal_measurements_are_named_as_rarely_as_asked() -> None:
    draws = np.random.default_rng(3).standard_normal((2000, 6)).tolist()
    assert 0.002 < sum(far_out(own) is not None for own in draws) / 2000 < 0.018


def test_one_that_differs_from_equal_ones_is_far_out() -> None:
    assert far_out([1.0, 1.0, 0.1, 1.0]) == 2
    assert far_out([1.0, 1.0, 1.0]) is None
    assert far_out([0.0, 0.0, 0.0]) is None


def test_two_values_tell_nothing_and_what_is_not_finite_is_refused() -> None:
    assert far_out([1.0, 9.0]) is None
    with pytest.raises(ValueError, match="not finite"):
        far_out([1.0, math.nan, 1.0])
