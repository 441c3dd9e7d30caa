"""Scores of single weights, and the hygiene of optimizer slots."""

import pytest
import torch

from sparse.optim_state import parameter_slots, zero_inactive
from sparse.scores import gradient, magnitude, snip


def test_scores_are_absolute_values():
    w, g = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([-1.0, -1.0, -2.0])
    assert magnitude(w).tolist() == [1.0, 2.0, 0.5]
    assert gradient(g).tolist() == [1.0, 1.0, 2.0]
    assert snip(w, g).tolist() == [1.0, 2.0, 1.0]
    assert snip(w, g, normalised=True).tolist() == [0.25, 0.5, 0.25]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_scores_of_low_precision_are_float32(dtype):
    w, g = torch.tensor([1.0, -2.0], dtype=dtype), torch.tensor([3.0, 4.0], dtype=dtype)
    for scores, values in ((magnitude(w), [1, 2]), (gradient(g), [3, 4]), (snip(w, g), [3, 8])):
        assert (scores.dtype, scores.tolist()) == (torch.float32, values)


def test_scores_of_double_precision_stay_so():
    w = torch.tensor([1.0 + 1e-12], dtype=torch.float64)
    assert magnitude(w).tolist() == gradient(w).tolist() == snip(w, w / w).tolist() == w.tolist()


def test_guard_products_of_bfloat16_do_not_tie():
    # In bfloat16 both products would be 1.015625.
    w = torch.tensor([1.015625, 1.0078125], dtype=torch.bfloat16)
    g = torch.tensor([1.0, 1.0078125], dtype=torch.bfloat16)
    assert snip(w, g).tolist() == [1.015625, 1.01568603515625]


def stepped(make, shape=(3, 2)):
    parameter = torch.nn.Parameter(torch.ones(shape))
    optimizer = make([parameter])
    parameter.grad = torch.ones(shape)
    optimizer.step()
    return optimizer, parameter


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda p: torch.optim.SGD(p, lr=0.1), set()),
        (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), {"momentum_buffer"}),
        (lambda p: torch.optim.Adam(p), {"exp_avg", "exp_avg_sq"}),
        (lambda p: torch.optim.AdamW(p, amsgrad=True), {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}),
        (lambda p: torch.optim.RMSprop(p), {"square_avg"}),
        (lambda p: torch.optim.Adagrad(p), {"sum"}),
    ],
)
def test_slots_are_found_by_shape_in_any_optimizer(make, names):
    optimizer, parameter = stepped(make)
    assert set(parameter_slots(optimizer, parameter)) == names


def test_there_are_no_slots_before_the_first_step():
    parameter = torch.nn.Parameter(torch.ones(2, 2))
    assert parameter_slots(torch.optim.Adam([parameter]), parameter) == {}


def test_slots_are_zeroed_in_place_where_the_mask_is_zero():
    slot = torch.tensor([1.0, 2.0, 3.0])
    zero_inactive([slot], torch.tensor([1.0, 0.0, 1.0]))
    assert slot.tolist() == [1.0, 0.0, 3.0]
