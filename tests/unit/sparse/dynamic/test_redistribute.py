"""How dropped weights are shared among layers: literal counts."""

import pytest
import torch

from sparse.dynamic.redistribute import mean_sizes, regrown, split

WIDE = [100, 100, 100]


def test_shares_follow_the_mean_momentum():
    # Sparse momentum: 8 removed, mean momenta 0.3 and 0.1.
    assert regrown([5, 3], [0.3, 0.1], WIDE[:2]) == [6, 2]


def test_shares_follow_what_is_left_of_the_layers():
    # Dynamic sparse reparameterization: 60 and 40 left, 10 to grow.
    assert regrown([7, 3], [60, 40], WIDE[:2]) == [6, 4]


def test_guard_shares_are_not_each_rounded_up():
    # The published sparse momentum rounds every share up: 3 + 3 + 3 for 8 removed weights.
    assert regrown([8, 0, 0], [1, 1, 1], WIDE) == [3, 3, 2]
    for total in range(200):
        assert sum(regrown([total, 0, 0], [0.3, 0.1, 0.25], WIDE)) == total


def test_what_a_layer_has_no_room_for_goes_to_the_others_in_proportion():
    assert split(12, [10, 2, 1], [3, 100, 100]) == [3, 6, 3]
    assert split(12, [10, 2, 0], [3, 4, 100]) == [3, 4, 5]
    assert split(12, [1, 0, 0], [2, 30, 20]) == [2, 6, 4]


def test_a_layer_keeps_a_free_place_while_others_have_room():
    assert regrown([4, 4], [1, 0.001], [5, 100]) == [4, 4]
    assert regrown([4, 4], [1, 0.001], [5, 3]) == [5, 3]


def test_layers_without_any_share_get_their_own_back():
    assert regrown([4, 2, 1], [0.0, 0.0, 0.0], WIDE) == [4, 2, 1]
    assert regrown([0, 0], [0.3, 0.1], [0, 0]) == [0, 0]


def test_more_than_there_is_room_for_is_refused():
    with pytest.raises(ValueError, match="total is 5; the limits allow 4"):
        split(5, [1, 1], [2, 2])


def test_mean_sizes_ignore_signs_and_keep_the_precision_of_float32():
    means = mean_sizes([torch.tensor([-1.0, 2.0]), torch.tensor([0.5]).bfloat16()])
    assert means == [1.5, 0.5]
