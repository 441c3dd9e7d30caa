"""FLOPs with literal values: the training costs of G25, and what ERK costs beside uniform."""

import math
from fractions import Fraction

import pytest

from sparse.allocation import allocate
from sparse.flops import ForwardCost, Passes

SIZE = 1000
ONE_LAYER = ForwardCost(macs={"w": SIZE}, sizes={"w": SIZE})
SPARSE, DENSE = {"w": 100}, {"w": SIZE}

RESNET18 = (
    *[((64, 3, 3, 3), 32), *[((64, 64, 3, 3), 32)] * 4],
    *[((128, 64, 3, 3), 16), ((128, 64, 1, 1), 16), *[((128, 128, 3, 3), 16)] * 3],
    *[((256, 128, 3, 3), 8), ((256, 128, 1, 1), 8), *[((256, 256, 3, 3), 8)] * 3],
    *[((512, 256, 3, 3), 4), ((512, 256, 1, 1), 4), *[((512, 512, 3, 3), 4)] * 3],
    ((10, 512), 1),
)
"""Weights of ResNet-18 on images of 32x32, each with the side of the map that it computes."""


def share_of_dense(plain: int, looked: int) -> Fraction:
    """The cost of so many steps, and of so many with dense gradients, over that of dense steps."""
    without = Passes(forward=SPARSE, input_gradients=SPARSE, weight_gradients=SPARSE)
    with_dense = Passes(forward=SPARSE, input_gradients=SPARSE, weight_gradients=DENSE)
    dense = Passes(forward=DENSE, input_gradients=DENSE, weight_gradients=DENSE)
    each = [ONE_LAYER.training_flops(passes) for passes in (without, with_dense, dense)]
    return Fraction(plain * each[0] + looked * each[1], (plain + looked) * each[2])


def test_g25_static_costs_its_density() -> None:
    assert share_of_dense(plain=100, looked=0) == Fraction("0.1")


def test_g25_rigl_adds_the_dense_gradients_of_its_updates() -> None:
    # (3 f_S T + 2 f_S + f_D) / (T + 1) of Evci et al. 2020: T = 100 plain steps for each update.
    assert share_of_dense(plain=100, looked=1) == Fraction("31.2") / 303
    assert float(share_of_dense(plain=100, looked=1)) == pytest.approx(0.10297, abs=5e-6)


def test_g25_momentum_needs_dense_gradients_at_every_step() -> None:
    assert share_of_dense(plain=0, looked=100) == Fraction("0.4")


def test_erk_costs_about_twice_what_uniform_does_at_equal_count() -> None:
    shapes = {str(number): shape for number, (shape, _) in enumerate(RESNET18)}
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    macs = {str(n): math.prod(shape) * side**2 for n, (shape, side) in enumerate(RESNET18)}
    cost = ForwardCost(macs=macs, sizes=sizes)
    assert cost.flops({}) == 1_110_845_440
    counts = [allocate(name, shapes, "0.1", {}) for name in ("uniform", "erk")]
    uniform, erk = (cost.flops(own) / cost.flops({}) for own in counts)
    assert uniform == pytest.approx(0.1, abs=1e-5)
    assert erk == pytest.approx(0.2482, abs=1e-4)
