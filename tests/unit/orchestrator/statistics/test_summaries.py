"""Mean, spread and interval over seeds, against values worked out by hand or published."""

import math
import random
import subprocess
import sys

import pytest

from orchestrator.statistics.summaries import summarise


def test_mean_and_sample_standard_deviation() -> None:
    found = summarise([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])
    assert (found.mean, found.n) == (5.0, 8)
    assert found.std == pytest.approx(math.sqrt(32 / 7))


def test_the_interval_is_students_with_n_minus_one_degrees_of_freedom() -> None:
    found = summarise([1.0, 2.0, 3.0, 4.0, 5.0])
    half = 2.7764451 * math.sqrt(2.5) / math.sqrt(5)  # t(0.975, 4) from the tables
    assert found.low == pytest.approx(3 - half)
    assert found.high == pytest.approx(3 + half)
    wider = summarise([1.0, 2.0, 3.0, 4.0, 5.0], confidence=0.99)
    assert wider.high == pytest.approx(3 + 4.6040949 * math.sqrt(2.5) / math.sqrt(5))


def test_a_single_value_has_no_spread() -> None:
    found = summarise([0.25])
    assert (found.mean, found.std, found.n, found.low, found.high) == (0.25, None, 1, None, None)


def test_equal_values_have_a_spread_of_exactly_zero() -> None:
    found = summarise([0.1] * 10)
    assert (found.mean, found.std, found.low, found.high) == (0.1, 0.0, 0.1, 0.1)


def test_the_order_of_the_seeds_does_not_matter_to_the_last_bit() -> None:
    values = [random.Random(0).gauss(0.9, 0.1) for _ in range(50)]
    shuffled = random.Random(1).sample(values, 50)
    assert summarise(values) == summarise(shuffled)


def test_a_diverged_seed_is_not_hidden() -> None:
    assert math.isnan(summarise([0.9, math.nan]).mean)
    assert summarise([0.9, math.inf]).mean == math.inf
    assert math.isnan(summarise([math.inf, -math.inf]).mean)


def test_nothing_and_impossible_confidence_are_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        summarise([])
    with pytest.raises(ValueError, match="confidence 95 is not between 0 and 1"):
        summarise([1.0, 2.0], confidence=95)


def test_without_an_interval_scipy_is_not_loaded() -> None:
    code = (
        "import sys; from orchestrator.statistics.summaries import summarise;"
        "found = summarise([1.0, 2.0], confidence=None); print(found.low, 'scipy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None False"
