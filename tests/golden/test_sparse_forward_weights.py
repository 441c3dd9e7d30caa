"""Methods that compute with other weights than they store; every value names its source."""

import pytest
import torch

from sparse.methods.n_m import NM
from sparse.methods.str import STR
from sparse.methods.top_kast import TopKAST
from tests.support.toy import ToyContext, ToyLayer


def started(method, values):
    layer = ToyLayer("w", torch.tensor([values]))
    method.prepare(ToyContext([layer], total_steps=100))
    (own,) = method.layers
    return own


# --- top_kast (Jayakumar et al. 2020) -------------------------------------------------------------


@pytest.fixture
def theta():
    method = TopKAST("0.25", backward_extra=0.25, penalty_rate=1.0)
    return method, started(method, [1.0, -0.5, 0.25, 0.1])


def test_top_kast_computes_with_the_largest_and_trains_one_more(theta):
    method, layer = theta
    assert layer.mask.tolist() == [[1, 0, 0, 0]]
    assert method.effective_weight(layer).tolist() == [[1, 0, 0, 0]]
    assert method.updated_mask(layer).tolist() == [[1, 1, 0, 0]]


def test_top_kast_penalises_what_is_trained_and_not_active_by_one_over_the_density(theta):
    method, layer = theta
    slope = method.stored_gradient(layer, torch.zeros(1, 4))
    assert slope.tolist() == [[1, -4, 0, 0]]
    # The penalty 1 + 0.5 / 0.25 itself: it is linear in |w|.
    assert (slope * layer.weight).sum() == 3
    assert method.stored_gradient(layer, torch.ones(1, 4)).tolist() == [[2, -3, 0, 0]]


def test_top_kast_has_a_square_penalty_too():
    method = TopKAST("0.25", backward_extra=0.25, penalty="l2", penalty_rate=0.5)
    layer = started(method, [1.0, -0.5, 0.25, 0.1])
    assert method.stored_gradient(layer, torch.zeros(1, 4)).tolist() == [[0.5, -1, 0, 0]]


# --- n_m (Zhou et al. 2021, SR-STE) ---------------------------------------------------------------


def test_two_of_four_keeps_the_two_largest_of_every_group():
    method = NM("0.5")
    layer = started(method, [0.1, -0.4, 0.3, 0.2])
    assert layer.mask.tolist() == [[0, 1, 1, 0]]
    assert method.effective_weight(layer).tolist() == [
        [0, pytest.approx(-0.4), pytest.approx(0.3), 0]
    ]


def test_the_gradient_of_what_is_inactive_has_the_decay_towards_zero():
    # The authors' program; a popular summary prints the opposite sign.
    method = NM("0.5")
    layer = started(method, [0.1, -0.4, 0.3, 0.2])
    gradient = method.stored_gradient(layer, torch.zeros(1, 4))
    assert gradient[0].tolist() == pytest.approx([2e-4 * 0.1, 0, 0, 2e-4 * 0.2])
    assert method.stored_gradient(layer, torch.ones(1, 4))[0, 0] == pytest.approx(1 + 2e-5)


# --- str (Kusupati et al. 2020) -------------------------------------------------------------------


@pytest.fixture
def soft():
    method = STR(initial=-2.0)
    return method, started(method, [-0.3, 0.05, 0.2])


def test_the_soft_threshold_is_the_sigmoid_of_s(soft):
    method, layer = soft
    assert float(method.thresholds["w"].sigmoid()) == pytest.approx(0.119203, abs=5e-7)
    forward = method.effective_weight(layer)[0].tolist()
    assert forward == pytest.approx([-0.180797, 0, 0.080797], abs=5e-7)
    assert layer.mask.tolist() == [[1, 0, 1]]


@pytest.mark.parametrize(
    ("gradient", "slope"),
    [([1.0, 0, 0], 0.104994), ([0, 1.0, 0], 0.0), ([0, 0, 1.0], -0.104994)],
)
def test_the_gradient_of_s_is_minus_the_sign_times_the_slope_of_the_sigmoid(soft, gradient, slope):
    method, layer = soft
    stored = method.stored_gradient(layer, torch.tensor([gradient]))
    assert stored.tolist() == [[gradient[0], 0, gradient[2]]]
    assert float(method.slopes["w"]) == pytest.approx(slope, abs=5e-7)


def test_the_gradients_are_those_of_automatic_differentiation(soft):
    method, layer = soft
    weight = layer.weight.clone().requires_grad_()
    s = torch.tensor(-2.0, requires_grad=True)
    forward = weight.sign() * (weight.abs() - s.sigmoid()).relu()
    upstream = torch.tensor([[0.5, -2.0, 3.0]])
    (forward * upstream).sum().backward()
    torch.testing.assert_close(method.stored_gradient(layer, upstream), weight.grad)
    torch.testing.assert_close(method.slopes["w"], s.grad)


def test_the_published_first_value_is_no_threshold_at_all():
    method = STR(initial=-3200.0)
    layer = started(method, [-0.3, 1e-30, 0.2])
    assert torch.equal(method.effective_weight(layer), layer.weight)
    method.stored_gradient(layer, torch.ones(1, 3))
    assert float(method.slopes["w"]) == 0
