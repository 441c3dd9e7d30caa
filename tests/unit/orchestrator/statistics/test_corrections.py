"""Corrections for many tests: worked by hand, and against SciPy."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from orchestrator.statistics.corrections import benjamini_hochberg, holm


def test_holm_adjusts_in_steps_and_never_goes_down() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.005, 0.011, 0.02, 0.04]) == pytest.approx([0.02, 0.033, 0.04, 0.04])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_benjamini_and_hochberg_adjust_from_the_largest_down() -> None:
    # 0.04 stays; 0.03 * 3/2 is more than that, so it takes 0.04; 0.01 * 3 = 0.03
    assert benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert benjamini_hochberg([0.02, 0.02]) == pytest.approx([0.02, 0.02])
    assert benjamini_hochberg([]) == []


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_false_discovery_rates_are_those_of_scipy(count: int) -> None:
    p_values = np.random.default_rng(count).random(count).round(2)  # with ties
    assert benjamini_hochberg(p_values.tolist()) == pytest.approx(
        false_discovery_control(p_values).tolist(), rel=1e-13
    )


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
@pytest.mark.parametrize("wrong", [1.5, -0.1, float("nan")])
def test_what_is_no_probability_is_refused(correct, wrong: float) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="no probability"):
        correct([0.5, wrong])
