"""Enough seeds, by simulation: error rates and coverage hold, those of the plain rules do not.

All draws are fixed. A rate of `reps` series is held to three of its standard errors.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from orchestrator.statistics.calibration import nominal_confidence
from orchestrator.statistics.paired import paired_t
from orchestrator.statistics.sequential import (
    anytime_p,
    differs,
    error_shares,
    family_alpha,
    interval_of,
    settled,
)
from orchestrator.statistics.summaries import summarise

LOOKS = range(3, 13)
Interval = Callable[[Sequence[float]], tuple[float, float] | None]
Noise = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def normal(draws: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return draws.standard_normal(shape)


def heavy(draws: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Student's t with 3 degrees of freedom, standardised."""
    return draws.standard_t(3, shape) / math.sqrt(3)


def accuracies(draws: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Of 359 test samples, about 97 % right, seeds a little different; about standardised."""
    chances = np.clip(draws.normal(0.97, 0.004, shape), 0, 1)
    return (draws.binomial(359, chances) / 359 - 0.97) / 0.0098


NOISES = [normal, heavy, accuracies]


def margin(rate: float, reps: int) -> float:
    return 3 * math.sqrt(rate * (1 - rate) / reps)


# ---- the interval at the stop


def plain(values: Sequence[float]) -> tuple[float, float] | None:
    found = summarise(values)
    return None if found.low is None or found.high is None else (found.low, found.high)


def safe(values: Sequence[float]) -> tuple[float, float] | None:
    return interval_of(values, looks=LOOKS)


def coverage_at_the_stop(interval: Interval, noise: Noise, width: float, reps: int) -> float:
    """How often the interval covers the true mean 0, at the first look that finds it narrow."""
    series = noise(np.random.default_rng(61), (reps, LOOKS[-1]))
    covered = 0
    for values in series.tolist():
        for n in LOOKS:
            found = interval(values[:n])
            if found is not None and found[1] - found[0] < 2 * width:
                break
        covered += found is not None and found[0] <= 0 <= found[1]
    return covered / reps


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("width", [2.0, 1.0, 0.7])
def test_the_interval_covers_as_promised_at_the_stop(noise: Noise, width: float) -> None:
    assert coverage_at_the_stop(safe, noise, width, 1000) >= 0.95 - margin(0.95, 1000)


def test_the_plain_interval_does_not_cover_as_promised_at_the_stop() -> None:
    assert coverage_at_the_stop(plain, normal, 0.7, 1000) < 0.95 - margin(0.95, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("width", [3.0, 1.4, 1.0, 0.8, 0.6, 0.4])
def test_the_interval_covers_in_many_series(noise: Noise, width: float) -> None:
    assert coverage_at_the_stop(safe, noise, width, 20_000) >= 0.95 - margin(0.95, 20_000)


@pytest.mark.slow
def test_the_interval_wastes_little_in_the_worst_case() -> None:
    worst = min(coverage_at_the_stop(safe, normal, width, 20_000) for width in (1.0, 0.8, 0.6, 0.5))
    assert worst < 0.958
    assert coverage_at_the_stop(plain, normal, 0.7, 20_000) < 0.92


def test_the_confidence_is_between_the_plain_one_and_that_of_divided_error() -> None:
    for looks in (tuple(LOOKS), tuple(range(3, 21)), (3, 5, 10, 20)):
        assert 0.95 < nominal_confidence(looks, 0.95) < 1 - 0.05 / len(looks)
    assert nominal_confidence((5,), 0.95) == 0.95
    assert nominal_confidence(tuple(range(3, 21)), 0.95) == pytest.approx(0.979, abs=1e-3)


def test_more_looks_cost_more() -> None:
    few, many = (nominal_confidence(looks, 0.9) for looks in ((3, 20), tuple(range(3, 21))))
    assert 0.9 < few < many


def test_an_interval_is_students_of_that_confidence() -> None:
    values = [0.95, 0.96, 0.94, 0.97]
    expected = summarise(values, nominal_confidence(tuple(LOOKS), 0.95))
    assert interval_of(values, looks=LOOKS) == (expected.low, expected.high)


def test_too_few_values_or_equal_ones_have_no_interval() -> None:
    assert interval_of([0.95, 0.96], looks=LOOKS) is None
    assert interval_of([0.95, 0.95, 0.95], looks=LOOKS) is None
    assert interval_of([0.95, 0.95, 0.95 + 1e-16], looks=LOOKS) is None


# ---- differences


def family(noise: Noise, shifts: Sequence[float], seed: int) -> list[list[float]]:
    """Paired differences of methods to one reference, which they share, in its deviations."""
    draws = np.random.default_rng([62, seed])
    reference = noise(draws, (LOOKS[-1],))
    return [(noise(draws, (LOOKS[-1],)) + shift - reference).tolist() for shift in shifts]


def false_at_any_look(noise: Noise, shifts: Sequence[float], reps: int) -> float:
    """How often a contrast without a shift is settled at the last look, or at any before it."""
    found = 0
    for seed in range(reps):
        decisions = settled(family(noise, shifts, seed), looks=LOOKS)
        found += any(d for d, shift in zip(decisions, shifts, strict=True) if shift == 0)
    return found / reps


def plainly_false_at_any_look(shifts: Sequence[float], reps: int) -> float:
    """The same by the plain t test of each contrast at each look, divided among contrasts only."""
    found = 0
    for seed in range(reps):
        contrasts = family(normal, shifts, seed)
        p_values = [paired_t(d[:n]) or 1.0 for d in contrasts for n in LOOKS]
        found += min(p_values) <= 0.05 / len(shifts)
    return found / reps


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("shifts", [(0, 0, 0, 0), (0, 0, 9, 9)])
def test_nothing_is_settled_by_chance_more_often_than_promised(
    noise: Noise, shifts: tuple[float, ...]
) -> None:
    assert false_at_any_look(noise, shifts, 1000) <= 0.05 + margin(0.05, 1000)


def test_the_plain_test_at_every_look_finds_too_much() -> None:
    assert plainly_false_at_any_look((0, 0, 0, 0), 1000) > 0.05 + margin(0.05, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("shifts", [(0,), (0,) * 12, (0, 0, 0, 9, 9, 9), (0, 9, 9, 9, 1, 1)])
def test_errors_keep_the_level_in_many_families(noise: Noise, shifts: tuple[float, ...]) -> None:
    assert false_at_any_look(noise, shifts, 3000) <= 0.05 + margin(0.05, 3000)


@pytest.mark.slow
def test_the_error_of_one_contrast_is_mostly_spent() -> None:
    assert 0.012 < false_at_any_look(normal, (0,), 10_000) < 0.05


def seeds_until_settled(shift: float, contrasts: int, reps: int) -> tuple[float, float]:
    """Share of contrasts that are settled, and their mean number of seeds."""
    counts = []
    for seed in range(reps):
        differences = family(normal, [shift * math.sqrt(2)], seed)[0]
        for n in LOOKS:
            if differs(differences[:n], looks=LOOKS, alpha=family_alpha(contrasts)):
                counts.append(n)
                break
    return len(counts) / reps, float(np.mean(counts))


def test_a_clear_difference_is_settled_with_few_seeds() -> None:
    share, seeds = seeds_until_settled(3, 25, 200)
    assert share >= 0.98
    assert seeds < 8.5
    share, seeds = seeds_until_settled(6, 25, 200)
    assert share == 1.0
    assert seeds < 6.5


def test_what_is_settled_stays_settled() -> None:
    contrasts = family(normal, (0, 0, 2, 4), 3)
    before = [False] * 4
    for n in LOOKS:
        now = settled([differences[:n] for differences in contrasts], looks=LOOKS)
        assert all(b <= a for b, a in zip(before, now, strict=True))
        before = now
    assert before == [False, False, True, True]


def test_each_look_spends_its_share_of_the_error() -> None:
    assert error_shares([2, 3, 5]) == pytest.approx({2: 0.2, 3: 0.3, 5: 0.5})
    assert sum(error_shares(range(3, 21)).values()) == pytest.approx(1)


def test_the_p_value_is_the_least_so_far_over_its_share() -> None:
    differences = [1.0, 2.0, 3.0, -9.0]
    p = paired_t(differences[:3])
    assert p is not None
    assert anytime_p(differences[:2], looks=[3, 4]) == 1.0
    assert anytime_p(differences[:3], looks=[3, 4]) == pytest.approx(p * 7 / 3)
    assert anytime_p(differences, looks=[3, 4]) == pytest.approx(p * 7 / 3)


def test_equal_differences_settle_nothing() -> None:
    assert anytime_p([0.01, 0.01, 0.01], looks=[3]) == 1.0
    assert settled([[0.01, 0.01, 0.01], []], looks=[3]) == [False, False]


def test_holms_steps_settle_more_than_an_equal_share_does() -> None:
    clear, close = [1.0, 1.1, 0.9, 1.05, 0.95], [1.0, 1.4, 0.6, 1.5, 0.55]
    p = anytime_p(close, looks=[5])
    assert 0.01 < 2 * p > 0.004
    assert settled([clear, close], looks=[5], alpha=1.5 * p) == [True, True]
    assert not differs(close, looks=[5], alpha=family_alpha(2, 1.5 * p))


@pytest.mark.parametrize("looks", [[], [1, 2], [3, 3], [5, 4]])
def test_looks_that_are_none_are_refused(looks: list[int]) -> None:
    with pytest.raises(ValueError, match="not ascending numbers of seeds"):
        anytime_p([0.1, 0.2, 0.3], looks=looks)
    with pytest.raises(ValueError, match="not ascending numbers of seeds"):
        interval_of([0.1, 0.2, 0.3], looks=looks)


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_not_finite_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        anytime_p([0.1, wrong], looks=[2])
    with pytest.raises(ValueError, match="not finite"):
        interval_of([0.1, wrong], looks=[2])


def test_levels_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="alpha 5 is not between"):
        settled([[0.1, 0.2]], looks=[2], alpha=5)
    with pytest.raises(ValueError, match="family of 0 contrasts"):
        family_alpha(0)
    with pytest.raises(ValueError, match="confidence 95 is not between"):
        interval_of([0.1, 0.2], looks=[2, 3], confidence=95)
    assert family_alpha(25) == pytest.approx(0.002)
