"""set and rigl: single topology updates with literal masks, and whole runs."""

import pytest
import torch

from sparse.methods import METHODS
from sparse.methods.rigl import RigL
from sparse.methods.set import SET
from tests.support.toy import ToyContext, ToyLayer, make_layers, run_steps

W = [0.9, -0.05, 0.4, 0.0, 0.0, 0.0]
M = [1, 1, 1, 0, 0, 0]


def one_layer(method, weight=W, mask=M, total_steps=1000):
    layer = ToyLayer("w", torch.tensor(weight), torch.tensor(mask))
    method.bind(ToyContext([layer], total_steps=total_steps))
    method.counts = {"w": sum(mask)}
    method.explored = {"w": layer.mask.bool()}
    return layer


def test_rigl_grows_where_the_gradient_of_that_step_is_largest():
    method = RigL("0.5", drop_fraction=0.4, anneal="constant", update_every=10)
    layer = one_layer(method)
    layer.gradient = torch.tensor([0.1, 0.2, 0.3, 0.5, -0.9, 0.05])
    method.after_backward(10)
    layer.gradient = None  # the engine may clear it before the update
    update = method.after_step(10)
    assert (update.step, update.drop_fraction, update.dropped, update.grown) == (10, 0.4, 1, 1)
    assert layer.mask.tolist() == [1, 0, 1, 0, 1, 0]
    assert layer.weight.tolist() == pytest.approx([0.9, 0, 0.4, 0, 0, 0])
    assert layer.slot.tolist() == [1, 0, 1, 0, 0, 0]
    assert method.explored["w"].tolist() == [True, True, True, False, True, False]


def test_rigl_without_a_gradient_says_which_layer():
    method = RigL("0.5")
    one_layer(method)
    with pytest.raises(ValueError, match="w has no gradient, which rigl needs"):
        method.after_backward(100)


def test_rigl_drops_no_more_than_can_grow():
    method = RigL("0.8", drop_fraction=0.6, anneal="constant")
    layer = one_layer(method, weight=[1.0, 2.0, 3.0, 4.0, 0.0], mask=[1, 1, 1, 1, 0])
    layer.gradient = torch.ones(5)
    method.after_backward(100)
    assert method.after_step(100).dropped == 1
    assert layer.mask.tolist() == [0, 1, 1, 1, 1]


def test_set_grows_at_random_but_not_what_it_just_dropped():
    method = SET("0.5", drop="magnitude", drop_fraction=0.4, update_every=10)
    for step in range(10, 200, 10):
        layer = one_layer(method)
        method.after_step(step)
        assert layer.mask.tolist()[:3] == [1, 0, 1]
        assert layer.mask.sum() == 3
        assert layer.weight.tolist()[3:] == [0, 0, 0]


def test_set_leaves_growth_a_choice():
    method = SET("0.8", drop="magnitude", drop_fraction=0.9)
    layer = one_layer(method, weight=[1.0, 2.0, 3.0, 4.0, 5.0, 0, 0], mask=[1, 1, 1, 1, 1, 0, 0])
    assert method.after_step(100).dropped == 1
    assert layer.mask.tolist()[:5] == [0, 1, 1, 1, 1]


def test_a_dense_layer_is_left_alone():
    for method in (SET("1"), RigL("1")):
        layer = one_layer(method, weight=[1.0, -2.0, 3.0], mask=[1, 1, 1])
        layer.gradient = torch.ones(3)
        method.after_backward(100)
        assert method.after_step(100).dropped == 0
        assert layer.weight.tolist() == [1, -2, 3]


@pytest.mark.parametrize("name", ["set", "rigl"])
def test_a_diverged_layer_is_named(name):
    method = METHODS.get(name).target("0.5")
    layer = one_layer(method, weight=[float("nan"), 1.0, 2.0, 0, 0, 0])
    layer.gradient = torch.ones(6)
    method.after_backward(100)
    with pytest.raises(ValueError, match="NaN in weight of w: "):
        method.after_step(100)


def test_a_gradient_that_is_no_number_is_named():
    method = RigL("0.5")
    layer = one_layer(method)
    layer.gradient = torch.tensor([0.0, float("nan"), 0, 0, 0, 0])
    method.after_backward(100)
    with pytest.raises(ValueError, match="NaN in gradient of w: "):
        method.after_step(100)


@pytest.mark.parametrize(
    ("name", "total", "updates"),
    [
        ("set", 1000, list(range(100, 1000, 100))),  # the original updates to the end, not at it
        ("rigl", 1000, list(range(100, 750, 100))),
        ("set", 50, []),
        ("rigl", 120, []),  # stops at step 90
        ("rigl", 200, [100]),
    ],
)
def test_default_update_steps(name, total, updates):
    method = METHODS.get(name).target("0.3")
    method.prepare(ToyContext(make_layers(), total_steps=total))
    assert run_steps(method, 1, total) == updates


def test_set_keeps_its_drop_fraction_and_can_anneal_it():
    constant, cosine = SET("0.3", update_every=10), SET("0.3", update_every=10, anneal="cosine")
    for method in (constant, cosine):
        method.prepare(ToyContext(make_layers(), total_steps=100))
    assert constant.after_step(90).drop_fraction == 0.3
    assert cosine.after_step(50).drop_fraction == pytest.approx(0.15)


@pytest.mark.parametrize("name", ["set", "rigl"])
def test_the_explored_rate_never_falls_and_never_exceeds_one(name):
    method = METHODS.get(name).target("0.2", update_every=1)
    method.prepare(ToyContext(make_layers(), total_steps=40))
    seen = 0
    for step in range(1, 40):
        run_steps(method, step, step)
        now = sum(int(mask.sum()) for mask in method.explored.values())
        assert now >= seen
        for layer in method.layers:
            assert not bool((layer.mask.bool() & ~method.explored[layer.name]).any())
        seen = now
    assert 44 < seen <= 219
