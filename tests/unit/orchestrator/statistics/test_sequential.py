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
    differs,
    error_shares,
    evidence,
    family_alpha,
    interval_of,
    seeds_to_settle,
    settled,
)
from orchestrator.statistics.summaries import summarise

LOOKS = (3, 4, 6, 9, 13, 20)
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
    assert false_at_any_look(noise, shifts, 500) <= 0.05 + margin(0.05, 500)


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
    assert seeds < 13.5
    share, seeds = seeds_until_settled(3, 1, 200)
    assert share == 1.0
    assert seeds < 9.5


def test_what_is_settled_stays_settled() -> None:
    contrasts = family(normal, (0, 0, 2, 4), 3)
    before = [False] * 4
    for n in LOOKS:
        now = settled([differences[:n] for differences in contrasts], looks=LOOKS)
        assert all(b <= a for b, a in zip(before, now, strict=True))
        before = now
    assert before == [False, False, True, True]


def test_each_look_spends_its_share_of_the_error() -> None:
    assert error_shares([6, 9, 15]) == pytest.approx({6: 0.2, 9: 0.3, 15: 0.5})
    assert sum(error_shares(range(3, 21)).values()) == pytest.approx(1)


def test_looks_that_can_settle_nothing_spend_nothing() -> None:
    assert error_shares([3, 4, 6, 9]) == pytest.approx({6: 0.4, 9: 0.6})
    assert error_shares([3, 4, 5]) == {}


UPWARD = [1.0, 1.4, 0.6, 1.5, 0.55, 1.2]


def test_the_p_value_is_the_least_so_far_over_its_share() -> None:
    """Six that agree: the signed-rank p is 2/64, above that of the t test; the share is 6/13."""
    differences = [*UPWARD, -9.0]
    expected = 2 / 64 * 13 / 6
    assert evidence(differences[:5], looks=[3, 6, 7]).p == 1.0
    assert evidence(differences[:6], looks=[3, 6, 7]).p == pytest.approx(expected)
    assert evidence(differences, looks=[3, 6, 7]).p == pytest.approx(expected)


def test_of_the_two_tests_the_larger_p_counts() -> None:
    """Ten differences that are all above zero, one of them far: only the t test is in doubt."""
    far = [1.0, 1.1, 0.9, 1.05, 0.95, 1.02, 0.98, 1.03, 0.97, 30.0]
    p = paired_t(far)
    assert p is not None
    assert evidence(far, looks=[10]).p == pytest.approx(p)
    assert evidence([*UPWARD, 1.0, 0.9], looks=[8]).p == pytest.approx(2 / 256)


def test_the_direction_is_that_of_the_look_that_settled_it_and_a_turn_opens_it_again() -> None:
    six = evidence(UPWARD, looks=[6, 7])
    assert (six.direction, six.turned) == (1, False)
    turned = evidence([*UPWARD, -90.0], looks=[6, 7])
    assert (turned.direction, turned.turned) == (1, True)
    assert (six.settles(0.2), turned.settles(0.2)) == (True, False)
    assert evidence([-d for d in UPWARD], looks=[6]).direction == -1


def test_equal_differences_settle_nothing() -> None:
    assert evidence([0.01] * 6, looks=[6]).p == 1.0
    assert settled([[0.01] * 6, []], looks=[6]) == [False, False]


def test_holms_steps_settle_more_than_an_equal_share_does() -> None:
    """Exact p of 2/256 and 4/256: the second is below 0.0157, and not below half of that."""
    clear, close = [*UPWARD, 1.1, 0.9], [*UPWARD, 1.1, -0.01]
    assert settled([clear, close], looks=[8], alpha=0.0157) == [True, True]
    assert not differs(close, looks=[8], alpha=family_alpha(2, 0.0157))


@pytest.mark.parametrize(
    ("contrasts", "looks", "needed"),
    [(1, [6], 6), (1, [3, 4, 5], None), (1, [3, 6, 9], 9), (25, LOOKS, 13), (25, [3, 6, 9], None)],
)
def test_so_many_seeds_are_needed_before_any_contrast_can_be_settled(
    contrasts: int, looks: Sequence[int], needed: int | None
) -> None:
    assert seeds_to_settle(contrasts, looks=looks) == needed


# ---- noise that is not symmetric: what is promised, and what is not


def exponential(draws: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return 1 - draws.exponential(1, shape)


def lognormal(draws: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return math.exp(0.245) - np.exp(0.7 * draws.standard_normal(shape))


def collapsing(draws: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """5 % of the seeds end 10 deviations below the others; the mean is 0."""
    return draws.standard_normal(shape) - 10 * (draws.random(shape) < 0.05) + 0.5


SKEWED = [exponential, lognormal, collapsing]


@pytest.mark.parametrize("noise", SKEWED)
def test_whatever_the_noise_methods_distributed_as_dense_are_not_told_apart_from_it(
    noise: Noise,
) -> None:
    assert false_at_any_look(noise, (0, 0, 0, 0), 500) <= 0.05 + margin(0.05, 500)


def claims_about_means(noise: Noise, reps: int) -> float:
    """How often one of five methods of this noise and mean 0 is told from a steady dense."""
    draws, found = np.random.default_rng(64), 0
    for _ in range(reps):
        contrasts = noise(draws, (5, LOOKS[-1])) - 0.3 * draws.standard_normal(LOOKS[-1])
        found += any(settled(contrasts.tolist(), looks=LOOKS))
    return found / reps


@pytest.mark.parametrize(
    ("noise", "documented"), [(exponential, 0.10), (lognormal, 0.10), (collapsing, 0.27)]
)
def test_claims_about_means_of_skewed_noise_are_as_wrong_as_documented(
    noise: Noise, documented: float
) -> None:
    assert claims_about_means(noise, 500) == pytest.approx(
        documented, abs=0.01 + margin(documented, 500)
    )


@pytest.mark.parametrize(
    ("noise", "least", "most"), [(exponential, 0.84, 0.90), (lognormal, 0.82, 0.92)]
)
def test_means_of_skewed_measurements_are_covered_as_documented(
    noise: Noise, least: float, most: float
) -> None:
    """Half of the standard deviation asked for, where the exponential one is covered worst."""
    assert least <= coverage_at_the_stop(safe, noise, 0.5, 1000) <= most


def test_values_are_equal_or_not_whatever_their_size() -> None:
    assert interval_of([3e9, 3e9, 3e9 + 1e-4], looks=[3]) is None
    assert interval_of([3e-13, 4e-13, 5e-13], looks=[3]) is not None


@pytest.mark.parametrize("looks", [[], [1, 2], [3, 3], [5, 4]])
def test_looks_that_are_none_are_refused(looks: list[int]) -> None:
    with pytest.raises(ValueError, match="not ascending numbers of seeds"):
        evidence([0.1, 0.2, 0.3], looks=looks)
    with pytest.raises(ValueError, match="not ascending numbers of seeds"):
        interval_of([0.1, 0.2, 0.3], looks=looks)


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_not_finite_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        evidence([0.1, wrong], looks=[2])
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
