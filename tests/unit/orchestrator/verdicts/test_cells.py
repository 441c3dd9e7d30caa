"""Samples by seed, and what one has over another."""

import pytest

from orchestrator.verdicts.cells import Sample, seed_differences

ONE = Sample(by_seed={0: (0.9,), 1: (0.7, 0.9), 2: (0.9,)})
TWO = Sample(by_seed={2: (0.5,), 1: (0.6,), 0: (0.8,)})


def test_a_sample_is_averaged_within_its_seeds_first() -> None:
    assert ONE.means == {0: 0.9, 1: pytest.approx(0.8), 2: 0.9}
    assert ONE.mean == pytest.approx(2.6 / 3)
    assert Sample(by_seed={}).mean is None


def test_seeds_are_paired_whatever_their_order() -> None:
    found = seed_differences(ONE, TWO)
    assert found.values == pytest.approx((0.1, 0.2, 0.4))
    assert found.mean == pytest.approx(0.7 / 3)
    assert found.std == pytest.approx(0.1527525)
    assert found.missing == ""


def test_one_seed_has_no_deviation_and_none_no_mean() -> None:
    alone, none = Sample(by_seed={0: (0.5,)}), Sample(by_seed={})
    assert seed_differences(alone, TWO).std is None
    assert (seed_differences(none, TWO).mean, seed_differences(none, TWO).std) == (None, None)


def test_seeds_without_a_partner_are_missing_unless_something_else_says_why() -> None:
    two = Sample(by_seed={0: (0.8,)})
    assert seed_differences(ONE, two).missing == "2 seeds of one side only"
    lost = Sample(by_seed={0: (0.8,)}, gaps={"failed": 2})
    assert seed_differences(ONE, lost).missing == "2 cells failed"
    none = Sample(by_seed={})
    assert seed_differences(ONE, none, ["no dense cells"]).missing == "no dense cells"
