"""Average ranks over blocks: worked by hand, and against SciPy."""

import math

import numpy as np
import pytest
from scipy import stats

from orchestrator.statistics.ranks import average_ranks, tally

BLOCKS = [[0.9, 0.8, 0.7], [0.9, 0.7, 0.8], [0.9, 0.9, 0.1], [0.6, 0.5, 0.4]]


def test_average_ranks_worked_by_hand() -> None:
    found = average_ranks(BLOCKS)
    # ranks 1 2 3, 1 3 2, 1.5 1.5 3, 1 2 3
    assert found.average == (4.5 / 4, 8.5 / 4, 11 / 4)
    assert found.blocks == 4


def test_where_lower_is_better_the_lowest_has_rank_one() -> None:
    assert average_ranks([[0.1, 0.2], [0.3, 0.4]], better="lower").average == (1.0, 2.0)


@pytest.mark.parametrize(("k", "n"), [(3, 4), (5, 6), (6, 30)])
@pytest.mark.parametrize("decimals", [1, 9])
def test_friedmans_test_is_that_of_scipy(k: int, n: int, decimals: int) -> None:
    blocks = np.random.default_rng([k, n]).random((n, k)).round(decimals)  # one decimal: ties
    found, expected = average_ranks(blocks.tolist()), stats.friedmanchisquare(*blocks.T)
    assert found.friedman == pytest.approx(expected.statistic, rel=1e-12)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-12)


@pytest.mark.parametrize(
    ("k", "quantile"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)]
)
def test_the_critical_difference_is_that_of_the_published_table(k: int, quantile: float) -> None:
    blocks = [list(range(k))] * 10
    expected = quantile * math.sqrt(k * (k + 1) / 60)
    assert average_ranks(blocks).critical_difference == pytest.approx(expected, rel=3e-4)


def test_where_all_are_equal_there_is_no_test() -> None:
    found = average_ranks([[1.0, 1.0], [2.0, 2.0]])
    assert (found.average, found.friedman, found.p) == ((1.5, 1.5), None, None)


@pytest.mark.parametrize("blocks", [[], [[1.0]], [[1.0, 2.0], [1.0]]])
def test_what_cannot_be_ranked_is_refused(blocks: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="ranks need"):
        average_ranks(blocks)


def test_what_is_not_a_number_has_no_rank() -> None:
    with pytest.raises(ValueError, match="no rank"):
        average_ranks([[1.0, math.nan]])


def test_wins_ties_and_losses_are_counted_over_blocks() -> None:
    counted = tally([3, 2, 1, 5], [1, 2, 3, 4])
    assert (counted.wins, counted.ties, counted.losses) == (2, 1, 1)
    counted = tally([3, 2, 1, 5], [1, 2, 3, 4], better="lower")
    assert (counted.wins, counted.ties, counted.losses) == (1, 1, 2)
    with pytest.raises(ValueError, match="no pairs"):
        tally([1], [1, 2])
