"""srigl by hand: one update of a small layer, with and without removing a unit (group G19)."""

import pytest
import torch

from sparse.methods.srigl import SRigL
from sparse.structured.units import fan_in, survivors
from tests.support.toy import ToyContext, ToyLayer

MASK = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, 1]]
WEIGHT = [[0.9, 0.8, 0, 0], [0.7, -0.6, 0, 0], [0, 0, 0.05, 0.04], [-0.5, 0, 0, 0.03]]
GRADIENT = [
    [9.0, 9.0, -1.0, 0.5],
    [9.0, 9.0, 0.3, 0.2],
    [0.1, 0.02, 9.0, 9.0],
    [9.0, 2.0, 0.05, 9.0],
]


def updated(ablate_below):
    """The layer after an update that drops 3 of 8 weights and would grow 2.0, -1.0 and 0.5."""
    layer = ToyLayer("hidden", torch.tensor(WEIGHT), torch.tensor(MASK))
    head = ToyLayer("head", torch.ones(2, 4))
    method = SRigL(
        "0.5",
        drop_fraction=0.375,
        anneal="constant",
        update_every=10,
        ablate_below=ablate_below,
    )
    method.bind(ToyContext([layer, head], total_steps=100))
    method.counts = {"hidden": 8, "head": 8}
    method.allocated = {"hidden": 8, "head": 8}
    layer.gradient, head.gradient = torch.tensor(GRADIENT), torch.ones(2, 4)
    method.after_backward(10)
    return layer, method.after_step(10)


def test_a_unit_without_salient_weights_goes_and_the_others_grow_denser():
    # Salient per unit: 4, 2, 0, 2; half of the fan-in 2 is 1. Then 8 weights over 3 units: 3 each.
    layer, update = updated(0.5)
    assert layer.mask.tolist() == [[1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 0]]
    weights = torch.tensor([[0.9, 0.8, 0, 0], [0.7, -0.6, 0, 0], [0, 0, 0, 0], [-0.5, 0, 0, 0]])
    assert torch.equal(layer.weight, weights)
    assert layer.slot.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert (update.dropped, update.grown) == (3, 4)


def test_at_0_no_unit_goes():
    # The unit without salient weights grows two others; what was dropped does not return.
    layer, update = updated(0.0)
    assert layer.mask.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]]
    assert (update.dropped, update.grown) == (3, 3)


def test_the_fan_in_is_rounded_and_stays_between_one_and_dense():
    assert [fan_in(8, units, 4) for units in (1, 2, 3, 4, 8, 16, 17)] == [4, 4, 3, 2, 1, 1, 1]
    assert fan_in(10, 4, 9) == 3


@pytest.mark.parametrize(("budget", "left"), [(8, 2), (9, 3), (12, 3), (1, 1), (400, 8)])
def test_as_many_units_stay_as_the_budget_fills_at_the_dense_fan_in(budget, left):
    active = torch.zeros(8, 4, dtype=torch.bool)
    active[:, 0] = True
    staying = survivors(torch.zeros_like(active), active, budget, 1.0)
    assert staying.tolist() == [True] * left + [False] * (8 - left)


def test_the_most_salient_of_too_few_stay_ties_to_the_lower_index():
    active = torch.ones(4, 4, dtype=torch.bool)
    salient = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]).bool()
    assert survivors(salient, active, 7, 1.0).tolist() == [True, True, False, False]
    assert survivors(salient, active, 4, 0.25).tolist() == [True, True, False, True]
    active[0] = False  # removed before
    assert survivors(salient, active, 7, 1.0).tolist() == [False, True, False, True]


def test_the_share_is_taken_as_the_decimal_that_was_written():
    # 0.07 * 100 is a little more than 7 in floating point, and a unit with 7 would go.
    active = torch.ones(2, 100, dtype=torch.bool)
    salient = torch.zeros_like(active)
    salient[0, :7] = True
    salient[1, :6] = True
    assert survivors(salient, active, 100, 0.07).tolist() == [True, False]
