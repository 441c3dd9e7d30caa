"""Masked and truly sparse layers: a method moves both alike, whatever they are kept in."""

import pytest
import torch
from torch import nn

from sparse.csr.layer import CsrLayer
from sparse.csr.linear import SparseLinear
from sparse.storage import storage_of
from tests.support.toy import ToyContext, make_layers, make_method

STEPS = 40
NONE = torch.empty(0, dtype=torch.int64)


def twins():
    """Three masked layers and three truly sparse ones, with equal weights."""
    masked = make_layers()
    return masked, [twin_of(layer) for layer in masked]


def twin_of(layer):
    module = SparseLinear(NONE, torch.empty(0), tuple(layer.weight.shape), layer.bias)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    weight = layer.weight.flatten().clone()
    return CsrLayer(layer.name, module, optimizer, lambda at: weight.index_select(0, at))


def train(masked, stored, step):
    """Move the active weights of both alike, and fill their slots."""
    generator = torch.Generator().manual_seed(step)
    for one, other in zip(masked, stored, strict=True):
        moves = 0.1 * torch.randn(one.weight.shape, generator=generator)
        one.weight.add_(moves * one.mask)
        one.slot.copy_(moves * one.mask)
        at = other.module.positions()
        with torch.no_grad():
            other.module.values.add_(moves.flatten()[at])
        state = other._optimizer.state[other.module.values]
        state["momentum_buffer"] = moves.flatten()[at].clone()


def assert_twins(masked, stored):
    for one, other in zip(masked, stored, strict=True):
        at = other.module.positions()
        assert torch.equal(one.mask.flatten().nonzero().flatten(), at)
        assert torch.equal(one.weight.flatten()[at], other.module.values.detach())
        if slots := other.slots():
            assert torch.equal(one.slot.flatten()[at], slots["momentum_buffer"])


METHODS = [
    ("static", {}),
    ("set", {}),
    ("set", {"drop": "magnitude", "drop_fraction": 0.5, "redistribution": "magnitude"}),
    ("set", {"drop": "threshold", "drop_threshold": 0.2, "redistribution": "nonzeros"}),
    ("set_np", {"budget": "keep"}),
    ("set_np", {"budget": "shrink", "score": "in", "normalise": True}),
    ("set_np", {"budget": "keep", "score": "out", "target_fraction": 0.7}),
]


@pytest.mark.parametrize("density", ["0.1", "0.3", "0.7"])
@pytest.mark.parametrize(("name", "options"), METHODS)
def test_both_storages_have_the_same_masks_weights_and_slots_after_every_update(
    name, options, density
):
    every = {} if name == "static" else {"update_every": 3}
    masked, stored = twins()
    one, other = (make_method(name, density, **options, **every) for _ in range(2))
    one.prepare(ToyContext(masked, total_steps=STEPS))
    other.prepare(ToyContext(stored, total_steps=STEPS))
    for step in range(1, STEPS):
        train(masked, stored, step)
        if one.wants_update(step):
            assert other.after_step(step) == one.after_step(step)
        assert_twins(masked, stored)
    assert one.counts == other.counts
    assert one.metrics() == other.metrics()
    assert one.sizes() == other.sizes()


def test_the_state_of_a_method_on_sparse_layers_is_saved_and_taken_up():
    first = twins()[1]
    whole = make_method("set_np", "0.3", update_every=3)
    whole.prepare(ToyContext(first, total_steps=STEPS))
    for step in range(1, 20):
        train(make_layers(), first, step)
        if whole.wants_update(step):
            whole.after_step(step)
    state = whole.state_dict()
    resumed = make_method("set_np", "0.3", update_every=3)
    resumed.bind(ToyContext(first, total_steps=STEPS))
    resumed.load_state_dict(state)
    assert resumed.counts == whole.counts
    assert resumed.metrics() == whole.metrics()


def test_the_explored_weights_of_a_sparse_layer_are_positions():
    stored = twins()[1]
    method = make_method("set", "0.1", update_every=1)
    method.prepare(ToyContext(stored, total_steps=STEPS))
    method.after_step(1)
    for layer in stored:
        seen = method.explored[layer.name]
        assert seen.dtype == torch.int64
        assert seen.tolist() == sorted(set(seen.tolist()))
        assert set(layer.module.positions().tolist()) <= set(seen.tolist())


@pytest.mark.parametrize("name", ["weight", "mask", "gradient"])
def test_a_sparse_layer_has_no_dense_tensor(name):
    (layer, *_) = twins()[1]
    with pytest.raises(TypeError) as caught:
        getattr(layer, name)
    told = f"first stores its active weights alone: it has no dense {name}"
    assert str(caught.value) == told


def test_a_bias_and_its_slots_are_those_of_the_module():
    module = SparseLinear(NONE, torch.empty(0), (3, 2), torch.tensor([1.0, 2.0, 3.0]))
    optimizer = torch.optim.SGD(module.parameters(), lr=1.0, momentum=0.9)
    layer = CsrLayer("layer", module, optimizer, lambda at: torch.zeros(len(at)))
    assert layer.bias is not None
    layer.bias.mul_(torch.tensor([True, False, True]))
    assert module.bias.tolist() == [1.0, 0.0, 3.0]
    assert layer.bias_slots() == {}
    module(torch.ones(2, 1)).sum().backward()
    optimizer.step()
    assert layer.bias_slots()["momentum_buffer"].tolist() == [1.0, 1.0, 1.0]


def test_a_masked_layer_of_a_convolution_keeps_its_shape():
    layer = make_layers()[0]
    layer.weight = nn.Conv2d(2, 4, 3).weight.detach()
    assert storage_of(layer).shape == (4, 2, 3, 3)
