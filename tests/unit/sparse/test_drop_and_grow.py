"""What a topology update drops and grows, in positions."""

import pytest
import torch

from sparse import drop, grow

W = torch.tensor([0.9, -0.05, 0.4, 0.0, 0.0, 0.0])
ACTIVE = torch.tensor([0, 1, 2])


def test_magnitude_drops_the_active_weights_closest_to_zero():
    assert drop.magnitude(W, ACTIVE, 1).tolist() == [1]
    assert drop.magnitude(W, ACTIVE, 2).tolist() == [1, 2]
    assert drop.magnitude(W, ACTIVE, 0).tolist() == []


def test_magnitude_drops_the_earlier_of_equal_weights():
    assert drop.magnitude(torch.tensor([0.1, -0.1, 0.1]), torch.arange(3), 1).tolist() == [0]


def test_an_active_zero_goes_first_and_an_inactive_one_never():
    weight = torch.tensor([[0.5, 0.0], [0.0, 0.2]])
    assert drop.magnitude(weight, torch.tensor([0, 2, 3]), 1).tolist() == [2]


@pytest.mark.parametrize(
    ("fraction", "count", "dropped"),
    [(0.3, 10, 3), (0.29, 100, 29), (0.256, 10, 2), (0.1, 9, 0), (1 - 0.9, 10, 0), (0.7, 10, 7)],
)
def test_the_share_is_floored_from_its_decimal_text(fraction, count, dropped):
    assert drop.whole_share(fraction, count) == dropped


def test_signed_drops_a_share_of_each_sign():
    weight = torch.tensor([-4.0, -3.0, -2.0, -1.0, 1.5, 2.5, 0.0])
    assert sorted(drop.signed(weight, torch.arange(6), 0.5).tolist()) == [2, 3, 4]


def test_signed_counts_an_active_zero_as_positive():
    weight = torch.tensor([-1.0, 0.0, 5.0, 6.0, -2.0])
    assert drop.signed(weight, torch.arange(5), 0.4).tolist() == [1]


def test_signed_works_with_one_sign_only():
    assert drop.signed(torch.arange(1.0, 11.0), torch.arange(10), 0.3).tolist() == [0, 1, 2]
    assert drop.signed(-torch.arange(1.0, 11.0), torch.arange(10), 0.3).tolist() == [0, 1, 2]


def test_signed_respects_a_limit_in_proportion():
    weight = torch.tensor([-1.0, -2.0, 1.0, 2.0, 3.0, 4.0])
    assert sorted(drop.signed(weight, torch.arange(6), 1.0, limit=3).tolist()) == [0, 2, 3]


def test_guard_signed_is_not_the_half_drop():
    # A widely copied line keeps only the most negative tail on the negative side: of 100 active
    # weights and a 30 % drop it keeps 15. Exactly 70 must stay.
    weight = torch.randn(100, generator=torch.Generator().manual_seed(0))
    dropped = drop.signed(weight, torch.arange(100), 0.3)
    negative = int((weight < 0).sum())
    assert len(dropped) == int(0.3 * negative) + int(0.3 * (100 - negative))


def test_random_growth_fills_free_positions_only():
    grown = grow.random(6, ACTIVE, 3, torch.Generator().manual_seed(0))
    assert sorted(grown.tolist()) == [3, 4, 5]


def test_gradient_growth_takes_the_largest_free_scores_whatever_their_size():
    scores = torch.tensor([[0.1, 0.2, 0.3], [0.5, 0.9, 0.05]])
    assert grow.gradient(scores, ACTIVE, 1).tolist() == [4]
    assert grow.gradient(scores, ACTIVE, 2).tolist() == [3, 4]


def test_gradient_growth_does_not_mind_zero_gradients():
    scores = torch.tensor([0.0, 7.0, 0.0, 0.0])
    assert grow.gradient(scores, torch.tensor([1]), 2).tolist() == [0, 2]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_every_rule_takes_weights_of_any_precision(dtype):
    weight = torch.tensor([-5, -4, -3, -2, -1, 1.5, 2, 3, 4, 5], dtype=dtype)
    active = torch.arange(10)
    assert drop.magnitude(weight, active, 2).tolist() == [4, 5]
    assert drop.signed(weight, active, 0.4).tolist() == [3, 4, 5, 6]
    assert drop.itop(weight, active, 0.3).tolist() == [3, 4, 5, 6]
    assert drop.set2018(weight, active, 0.3, dense=False).tolist() == [2, 3, 4, 5, 6]
