"""srigl over whole runs: constant fan-in, kept budgets, units that never return."""

import pytest
import torch
from torch import nn

from sparse import SRigL, attach
from tests.support.toy import ToyContext, ToyLayer, make_layers, run_steps

STEPS = 24


def started(density, **options):
    method = SRigL(density, update_every=2, update_stop=1.0, anneal="constant", **options)
    method.prepare(ToyContext(make_layers(), total_steps=STEPS))
    return method


def rows(layer):
    return layer.mask.flatten(1).sum(1)


@pytest.mark.parametrize("ablate_below", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("density", ["0.02", "0.1", "0.3", "0.7", "0.977", "1"])
def test_all_units_left_have_equally_many_weights_and_the_budget_is_kept(density, ablate_below):
    method = started(density, ablate_below=ablate_below)
    for step in range(1, STEPS + 1):
        run_steps(method, step, step)
        for layer in method.layers:
            counts, budget = rows(layer), method.allocated_counts()[layer.name]
            alive = int(counts.count_nonzero())
            assert set(counts.tolist()) <= {0, int(counts.max())}
            assert alive >= -(-budget // layer.weight[0].numel())
            assert abs(int(counts.sum()) - budget) <= alive / 2 or layer.name == "third"
        assert int(rows(method.layers[-1]).count_nonzero()) == 3


def test_removed_units_never_return_and_are_many_when_all_must_be_salient():
    method = started("0.3", ablate_below=1.0, drop_fraction=0.5)
    before = {layer.name: rows(layer) > 0 for layer in method.layers}
    for step in range(1, STEPS + 1):
        run_steps(method, step, step)
        for layer in method.layers:
            alive = rows(layer) > 0
            assert bool((alive <= before[layer.name]).all())
            before[layer.name] = alive
    assert int(before["first"].sum()) < 12
    assert int(before["second"].sum()) < 9


def test_fewer_weights_than_units_are_one_for_some_units_and_for_each_of_the_last_layer():
    layers = [ToyLayer("hidden", torch.randn(40, 5)), ToyLayer("head", torch.randn(30, 40))]
    method = SRigL("0.02", allocation="uniform")
    method.prepare(ToyContext(layers))
    assert method.allocated_counts() == {"hidden": 4, "head": 24}
    assert method.counts == {"hidden": 4, "head": 30}
    assert sorted(rows(layers[0]).tolist()) == [0.0] * 36 + [1.0] * 4


def test_a_unit_of_a_convolution_is_an_output_channel():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    method = SRigL(0.3, update_every=1, ablate_below=0.9)
    handle = attach(model, optimizer, method, total_steps=12)
    conv = handle.sparsifier.layers[0]
    fan_ins = [int(rows(conv).max())]
    for _ in range(12):
        optimizer.zero_grad()
        model(torch.randn(5, 3, 6, 6)).square().sum().backward()
        optimizer.step()
        fan_ins.append(int(rows(conv).max()))
        assert set(rows(conv).tolist()) <= {0.0, float(fan_ins[-1])}
    assert fan_ins == sorted(fan_ins)
    assert fan_ins[-1] > fan_ins[0]


def test_a_layer_without_gradient_is_named():
    method = started("0.3")
    with pytest.raises(ValueError, match="first has no gradient, which srigl needs"):
        method.after_backward(2)
