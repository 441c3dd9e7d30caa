"""Allocation: one integer for the network, exact counts for its layers."""

from decimal import Decimal
from fractions import Fraction

import pytest

from sparse.allocation import allocate, network_count, parse_density, target_count
from sparse.budgets import share

LENET = {"fc1": (300, 784), "fc2": (100, 300), "fc3": (10, 100)}


@pytest.mark.parametrize(
    ("density", "total", "count"),
    [
        ("0.1", 10, 1),
        (0.1, 5, 1),  # a half goes up, also where binary floating point says 0.4999...
        ("0.05", 70, 4),
        ("0.29", 100, 29),
        (Decimal("0.0005"), 1000, 1),
        ("1", 7, 7),
        (1, 7, 7),
        ("1e-3", 4499, 4),
    ],
)
def test_target_is_the_decimal_share_rounded_half_up(density, total, count):
    assert target_count(density, total) == count


@pytest.mark.parametrize("density", ["0", 0.0, "1.5", -0.1, "tenth", "nan", "inf", True, None])
def test_a_density_outside_its_range_is_refused(density):
    with pytest.raises(ValueError, match=r"density is .*above 0 and at most 1"):
        parse_density(density)


def test_uniform_gives_every_layer_the_same_share():
    assert allocate("uniform", LENET, "0.1") == {"fc1": 23520, "fc2": 3000, "fc3": 100}


def test_erk_makes_a_saturated_layer_dense_and_gives_the_rest_to_others():
    assert allocate("erk", LENET, "0.1") == {"fc1": 18714, "fc2": 6906, "fc3": 1000}


def test_er_counts_channels_and_erk_the_kernel_too():
    shapes = {"wide": (32, 32, 3, 3), "narrow": (16, 32, 1, 1)}
    er = allocate("er", shapes, "0.1")
    erk = allocate("erk", shapes, "0.1")
    assert er == {"wide": 898, "narrow": 75}  # 973 shared as 64 * 9 : 48
    assert erk == {"wide": 568, "narrow": 405}  # 973 shared as 70 : 50


def test_er_and_erk_agree_on_matrices():
    assert allocate("er", LENET, "0.02") == allocate("erk", LENET, "0.02")


@pytest.mark.parametrize("name", ["er", "erk"])
def test_power_zero_is_uniform(name):
    flat = allocate(name, LENET, "0.07", {"power": 0})
    assert flat == allocate("uniform", LENET, "0.07")


def test_equal_remainders_go_to_the_earlier_layer():
    shapes = {"a": (3, 3), "b": (3, 3), "c": (3, 3)}
    assert allocate("uniform", shapes, "0.5") == {"a": 5, "b": 5, "c": 4}  # 4.5 each, 14 in all


def test_two_layers_that_saturate_together_become_dense_together():
    shapes = {"big": (100, 100), "a": (5, 10), "b": (10, 5)}
    assert allocate("erk", shapes, "0.1") == {"big": 910, "a": 50, "b": 50}


def test_every_layer_keeps_a_weight():
    shapes = {"big": (100, 100), "tiny": (1, 2)}
    assert allocate("uniform", shapes, "0.0005") == {"big": 4, "tiny": 1}


def test_density_one_keeps_everything():
    assert allocate("erk", LENET, 1) == {"fc1": 235200, "fc2": 30000, "fc3": 1000}


def test_a_density_below_one_weight_per_layer_is_refused():
    with pytest.raises(ValueError, match=r"keeps 1 of 200 weights.*of the 2 layers"):
        network_count("0.005", [100, 100])


def test_unknown_names_and_options_are_told():
    with pytest.raises(ValueError, match=r"unknown allocation 'erg'.*did you mean 'er"):
        allocate("erg", LENET, "0.1")
    with pytest.raises(ValueError, match="allocation uniform: unknown option 'power'"):
        allocate("uniform", LENET, "0.1", {"power": 2.0})


def test_shares_are_exact_rationals():
    budgets = share([Fraction(1, 3), Fraction(1, 7)], [10, 10], Fraction(7))
    assert budgets == [Fraction(49, 10), Fraction(21, 10)]


def test_guard_what_a_full_layer_cannot_take_is_not_lost():
    # Clamping the head at density 1 and leaving the rest as it is, as several published codes do,
    # keeps 475 + 10 of the 505 weights.
    shapes = {"big": (100, 10), "head": (2, 5)}
    assert allocate("erk", shapes, "0.5") == {"big": 495, "head": 10}
