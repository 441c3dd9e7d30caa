"""Narrower networks: literal widths, the way from one unit to all, and what cannot be."""

import itertools

import pytest
from torch import nn

from sparse.controls.narrow import maskable_weights, narrowed_widths


def perceptron(widths):
    sides = itertools.pairwise([784, *widths, 10])
    return nn.Sequential(*(nn.Linear(*side) for side in sides))


def digits(widths):
    sides = itertools.pairwise([64, *widths, 10])
    return nn.Sequential(*(nn.Linear(*side) for side in sides))


@pytest.mark.parametrize(
    ("density", "widths", "weights"),
    [
        # Targets 26,620 and 133,100; the next networks, (34, 11) and (159, 53), have 27,140 and
        # 133,613.
        ("0.1", (33, 11), 26_345),
        ("0.5", (158, 53), 132_776),
        ("1", (300, 100), 266_200),
        ("0.003", (1, 1), 795),
    ],
)
def test_lenet_is_narrowed_to_literal_widths(density, widths, weights):
    assert narrowed_widths((300, 100), density, perceptron) == widths
    assert maskable_weights(perceptron, widths) == weights


def test_equal_widths_grow_one_at_a_time_the_earlier_first():
    full = maskable_weights(perceptron, (40, 40))
    between = maskable_weights(perceptron, (21, 20))
    assert narrowed_widths((40, 40), between / full, perceptron) == (21, 20)
    assert narrowed_widths((40, 40), (between - 1) / full, perceptron) == (20, 20)


@pytest.mark.parametrize(
    ("full", "density", "widths"),
    [
        # One unit more at a time gives (7, 6), which has no join, and (3, 3, 2) with one less.
        ((20, 20), "0.3", (6, 6)),
        ((20, 20, 20), "0.1", (2, 2, 2)),
        # There it gives (5, 5, 5), with a join more.
        ((20, 20, 19), "0.2", (5, 5, 4)),
    ],
)
def test_joined_neighbours_stay_equal_and_no_others_become_so(full, density, widths):
    assert narrowed_widths(full, density, digits, joined=True) == widths
    assert narrowed_widths(full, density, digits) != widths


def test_a_density_too_small_for_the_same_joins_is_refused():
    # (1, 1, 1), of 76 weights, has a join more than (20, 20, 19).
    assert narrowed_widths((20, 20, 19), "0.05", digits) == (1, 1, 1)
    with pytest.raises(ValueError, match=r"keeps 113 weights, but the narrowest network has 144"):
        narrowed_widths((20, 20, 19), "0.05", digits, joined=True)


def test_a_density_too_small_for_one_unit_per_layer_is_refused():
    message = "density 0.001 keeps 266 weights, but the narrowest network has 795"
    with pytest.raises(ValueError, match=message):
        narrowed_widths((300, 100), "0.001", perceptron)
