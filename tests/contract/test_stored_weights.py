"""What the network computes with, and what is stored: the same, or kept apart by one mechanism."""

import pytest
import torch

from tests.support.methods import follows_weights, frequent, method_names
from tests.support.toy import ToyContext, make_layers, make_method, run_steps

STEPS = 24


def having(**traits):
    return pytest.mark.parametrize("name", method_names(**traits))


def started(name):
    method = make_method(name, **frequent(name, 2))
    method.prepare(ToyContext(make_layers(), total_steps=STEPS))
    return method


@having(stored_weights="masked")
def test_the_forward_weight_is_the_stored_one(name):
    method = started(name)
    layer = method.layers[0]
    assert method.effective_weight(layer) is layer.weight


@having(stored_weights="dense")
def test_the_network_computes_with_forward_weights_and_the_optimizer_with_stored_ones(name):
    method = started(name)
    for step in range(1, STEPS + 1):
        before = {layer.name: layer.weight.clone() for layer in method.layers}
        moved = {layer.name: method.updated_mask(layer) for layer in method.layers}
        run_steps(method, step, step)
        for layer in method.layers:
            shown = layer.visible.weight
            assert torch.equal(shown, method.effective_weight(layer))
            assert not bool(shown[layer.mask == 0].any())
            assert bool(layer.visible.mask.all())
            changed = layer.weight != before[layer.name]
            expected = torch.ones_like(changed) if moved[layer.name] is None else moved[layer.name]
            assert torch.equal(changed, expected != 0)
        assert any(bool((layer.weight != layer.visible.weight).any()) for layer in method.layers)


@pytest.mark.parametrize("name", [name for name in method_names() if follows_weights(name)])
def test_masks_that_follow_the_stored_weights_are_those_of_the_forward_weights(name):
    method = started(name)
    grown = 0
    for step in range(1, STEPS + 1):
        before = {layer.name: layer.mask.clone() for layer in method.layers}
        assert run_steps(method, step, step) == []
        for layer in method.layers:
            assert torch.equal(layer.mask != 0, method.effective_weight(layer) != 0)
            grown += int((layer.mask > before[layer.name]).sum())
    assert grown > 0
