"""igq: the more weights a layer has, the sparser it is."""

import math

import pytest

from sparse.allocation import allocate
from sparse.allocations.igq import common_force

SIZES = [1728, 73728, 1280]


@pytest.mark.parametrize("target", [3, 4, 767, 7674, 38368, 76735])
def test_the_force_is_the_one_whose_quotas_sum_to_the_target(target):
    force = common_force(SIZES, target)
    quotas = [max(1, size / (force * size + 1)) for size in SIZES]
    assert math.fsum(quotas) == pytest.approx(target, rel=1e-12)


def test_without_force_everything_is_kept():
    assert common_force(SIZES, sum(SIZES)) == 0


def test_layers_of_one_size_are_alike_and_small_ones_are_denser():
    shapes = {"a": (40, 50), "b": (50, 40), "c": (10, 10)}
    # With F = 0.00221: 2000 / 5.42 = 369.0 and 100 / 1.221 = 81.9.
    assert allocate("igq", shapes, "0.2") == {"a": 369, "b": 369, "c": 82}


def test_no_layer_is_emptied_at_the_lowest_density():
    shapes = {"a": (100, 100), "b": (2, 3), "c": (1, 1)}
    assert allocate("igq", shapes, "0.0003") == {"a": 1, "b": 1, "c": 1}
