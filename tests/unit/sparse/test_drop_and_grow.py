"""What a topology update drops and grows, in positions."""

import pytest
import torch

from sparse import drop, grow

VALUES = torch.tensor([0.9, -0.05, 0.4])
ACTIVE = torch.tensor([0, 1, 2])


def test_magnitude_drops_the_active_weights_closest_to_zero():
    assert drop.magnitude(VALUES, ACTIVE, 1).tolist() == [1]
    assert drop.magnitude(VALUES, ACTIVE, 2).tolist() == [1, 2]
    assert drop.magnitude(VALUES, ACTIVE, 0).tolist() == []


def test_magnitude_drops_the_earlier_of_equal_weights():
    assert drop.magnitude(torch.tensor([0.1, -0.1, 0.1]), torch.arange(3), 1).tolist() == [0]


def test_an_active_zero_goes_first():
    values = torch.tensor([0.5, 0.0, 0.2])
    assert drop.magnitude(values, torch.tensor([0, 2, 3]), 1).tolist() == [2]


@pytest.mark.parametrize(
    ("fraction", "count", "dropped"),
    [(0.3, 10, 3), (0.29, 100, 29), (0.256, 10, 2), (0.1, 9, 0), (1 - 0.9, 10, 0), (0.7, 10, 7)],
)
def test_the_share_is_floored_from_its_decimal_text(fraction, count, dropped):
    assert drop.whole_share(fraction, count) == dropped


def test_signed_drops_a_share_of_each_sign():
    values = torch.tensor([-4.0, -3.0, -2.0, -1.0, 1.5, 2.5])
    assert sorted(drop.signed(values, torch.arange(6), 0.5).tolist()) == [2, 3, 4]


def test_signed_counts_an_active_zero_as_positive():
    values = torch.tensor([-1.0, 0.0, 5.0, 6.0, -2.0])
    assert drop.signed(values, torch.arange(5), 0.4).tolist() == [1]


def test_signed_works_with_one_sign_only():
    assert drop.signed(torch.arange(1.0, 11.0), torch.arange(10), 0.3).tolist() == [0, 1, 2]
    assert drop.signed(-torch.arange(1.0, 11.0), torch.arange(10), 0.3).tolist() == [0, 1, 2]


def test_signed_respects_a_limit_in_proportion():
    values = torch.tensor([-1.0, -2.0, 1.0, 2.0, 3.0, 4.0])
    assert sorted(drop.signed(values, torch.arange(6), 1.0, limit=3).tolist()) == [0, 2, 3]


def test_guard_signed_is_not_the_half_drop():
    # A widely copied line keeps only the most negative tail on the negative side: of 100 active
    # weights and a 30 % drop it keeps 15. Exactly 70 must stay.
    values = torch.randn(100, generator=torch.Generator().manual_seed(0))
    dropped = drop.signed(values, torch.arange(100), 0.3)
    negative = int((values < 0).sum())
    assert len(dropped) == int(0.3 * negative) + int(0.3 * (100 - negative))


def test_taylor_drops_what_changes_the_loss_least():
    values, gradient = torch.tensor([0.1, -3.0, 2.0]), torch.tensor([5.0, 0.1, -0.2])
    assert drop.taylor(values, gradient, torch.arange(3), 1).tolist() == [1]
    assert drop.taylor(values, gradient, torch.arange(3), 2).tolist() == [1, 2]


def test_taylor_ranks_products_whose_squares_are_zero():
    values = torch.tensor([3e-30, 2e-30, 1e-30])
    assert drop.taylor(values, torch.ones(3), torch.arange(3), 1).tolist() == [2]


def test_threshold_drops_what_lies_below_it():
    values = torch.tensor([-4.0, -0.3, 0.5, 0.1])
    assert drop.threshold(values, torch.arange(4), 0.5, limit=9).tolist() == [1, 3]
    assert drop.threshold(values, torch.arange(4), 0.5, limit=1).tolist() == [3]
    assert drop.threshold(values, torch.arange(4), 0.05, limit=9).tolist() == []


def test_threshold_leaves_the_largest_weight_of_a_layer():
    assert drop.threshold(torch.tensor([0.1, 0.2]), torch.arange(2), 1.0, limit=9).tolist() == [0]
    assert drop.threshold(torch.ones(0), torch.arange(0), 1.0, limit=9).tolist() == []


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


def drawn(rule, *arguments):
    return [
        sorted(rule(*arguments, torch.Generator().manual_seed(seed)).tolist()) for seed in range(40)
    ]


def test_growth_takes_never_active_positions_first():
    explored = torch.tensor([[True, True, True], [True, False, False]])
    assert {4, 5} >= {at for grown in drawn(grow.unexplored, explored, ACTIVE, 1) for at in grown}
    assert drawn(grow.unexplored, explored, ACTIVE, 2) == 40 * [[4, 5]]
    assert drawn(grow.unexplored, explored, ACTIVE, 3) == 40 * [[3, 4, 5]]


def test_the_rest_is_drawn_when_too_few_were_never_active():
    explored = torch.tensor([True, True, True, True, True, False])
    grown = drawn(grow.unexplored, explored, ACTIVE, 2)
    assert all(each in ([3, 5], [4, 5]) for each in grown)
    assert grown.count([3, 5]) > 5 < grown.count([4, 5])


def test_growth_among_candidates_ignores_larger_scores_elsewhere():
    scores = torch.tensor([9.0, 9.0, 9.0, 0.2, 5.0, 0.3])
    among = torch.tensor([True, False, False, True, False, True])
    assert drawn(grow.candidates, scores, among, ACTIVE, 1) == 40 * [[5]]
    assert drawn(grow.candidates, scores, among, ACTIVE, 2) == 40 * [[3, 5]]
    assert drawn(grow.candidates, scores, among, ACTIVE, 3) == 40 * [[3, 4, 5]]


def test_growth_is_random_where_candidates_are_too_few():
    among = torch.tensor([True, False, False, False, False, False])
    grown = drawn(grow.candidates, torch.zeros(6), among, ACTIVE, 1)
    assert {at for each in grown for at in each} == {3, 4, 5}


def test_guard_random_growth_is_not_bernoulli():
    # Published codes let every free position grow with probability k / free, and the count drifts.
    occupied = torch.arange(100)
    for seed in range(50):
        grown = grow.random(1000, occupied, 37, torch.Generator().manual_seed(seed))
        assert len(grown) == len(grown.unique()) == 37
        assert int(grown.min()) >= 100


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_every_rule_takes_weights_of_any_precision(dtype):
    values = torch.tensor([-5, -4, -3, -2, -1, 1.5, 2, 3, 4, 5], dtype=dtype)
    active = torch.arange(10)
    assert drop.magnitude(values, active, 2).tolist() == [4, 5]
    assert drop.signed(values, active, 0.4).tolist() == [3, 4, 5, 6]
    assert drop.itop(values, active, 0.3).tolist() == [3, 4, 5, 6]
    assert drop.set2018(values, active, 0.3, zeros=0).tolist() == [2, 3, 4, 5, 6]
