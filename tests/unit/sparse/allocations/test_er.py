"""er_epsilon: the density follows from the number of neurons."""

import pytest

from sparse.allocation import allocate


def test_a_layer_keeps_epsilon_times_its_neurons():
    shapes = {"fc1": (300, 784), "fc2": (100, 300)}
    assert allocate("er_epsilon", shapes, "1", {"epsilon": 11}) == {"fc1": 11924, "fc2": 4400}


def test_guard_a_layer_with_too_few_places_is_dense_and_its_rest_goes_nowhere():
    # A published generator draws 60100 places of 15000 with replacement, and keeps 14727 of them.
    assert allocate("er_epsilon", {"head": (5, 3000)}, "1") == {"head": 15000}
    shapes = {"fc": (3000, 3000), "head": (5, 3000)}
    assert allocate("er_epsilon", shapes, "1") == {"fc": 120000, "head": 15000}


def test_a_kernel_has_the_density_of_its_channels():
    assert allocate("er_epsilon", {"conv": (64, 64, 3, 3)}, "1", {"epsilon": 8}) == {"conv": 9216}


def test_fractions_are_rounded_together():
    # 4.5 of each of three layers are 13.5, so 14 in all.
    shapes = {"a": (4, 5), "b": (4, 5), "c": (4, 5)}
    assert allocate("er_epsilon", shapes, "1", {"epsilon": 0.5}) == {"a": 5, "b": 5, "c": 4}


def test_every_layer_keeps_a_weight():
    shapes = {"a": (30, 50), "b": (4, 5)}
    assert allocate("er_epsilon", shapes, "1", {"epsilon": 0.05}) == {"a": 4, "b": 1}


def test_epsilon_must_be_positive():
    with pytest.raises(ValueError, match=r"epsilon is 0\.0; it must be > 0"):
        allocate("er_epsilon", {"a": (4, 5)}, "1", {"epsilon": 0})
