"""What a sparsifier may ask of its run, from either engine."""

import pytest
import torch

from sparse.sparsifier import Sparsifier
from tests.support.cells import make_cell
from trainer.context import CellContext
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.workload import load_workload

CELL = make_cell("static", seed=2)


@pytest.fixture(params=[SoloEngine, StackEngine])
def context(request):
    return CellContext(request.param(load_workload(CELL, None, "cpu"), [CELL]), 0)


def test_both_engines_show_the_same_layers_and_the_same_loss():
    workload = load_workload(CELL, None, "cpu")
    one, other = (CellContext(kind(workload, [CELL]), 0) for kind in (SoloEngine, StackEngine))
    for left, right in zip(one.layers, other.layers, strict=True):
        assert left.name == right.name
        assert torch.equal(left.weight, right.weight)
    (batch,) = one.scoring_batches(1)
    torch.testing.assert_close(one.loss(batch), other.loss(batch))


def test_the_loss_is_twice_differentiable_in_substituted_weights(context):
    weights = {layer.name: layer.weight.clone().requires_grad_() for layer in context.layers}
    (batch,) = context.scoring_batches(1)
    (first, *_) = torch.autograd.grad(
        context.loss(batch, weights), list(weights.values()), create_graph=True
    )
    (second, *_) = torch.autograd.grad(first.square().sum(), list(weights.values()))
    assert second.abs().sum() > 0


def test_scoring_batches_have_an_order_of_their_own_and_never_end(context):
    batches = list(context.scoring_batches(8))
    assert [len(targets) for _, targets in batches[:6]] == [16] * 5 + [1]
    again = list(context.scoring_batches(8))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(batches, again, strict=True))
    assert not torch.equal(batches[0][0], batches[6][0])


def test_generators_are_named(context):
    draws = [torch.rand(3, generator=context.generator(*name)).tolist() for name in NAMES]
    assert draws[0] == draws[3]
    assert len({tuple(draw) for draw in draws}) == 3


NAMES = [("mask", 0), ("grow", 0), ("grow", 1), ("mask", 0)]


class ScaledForward(Sparsifier):
    """Stores dense weights and runs the forward pass on half of each."""

    def effective_weight(self, layer):
        return layer.weight * 0.5


def test_solo_runs_the_forward_pass_on_effective_weights():
    workload = load_workload(CELL, None, "cpu")
    engine = SoloEngine(workload, [CELL])
    inputs = workload.bundle.test.inputs[:4]
    with torch.no_grad():
        for layer in engine.layers(0):
            layer.weight.mul_(0.5)
        expected = engine.logits(inputs)
        for layer in engine.layers(0):
            layer.weight.mul_(2.0)
    sparsifier = ScaledForward(density="1")
    sparsifier.bind(CellContext(engine, 0))
    engine.substitute_weights(sparsifier)
    assert torch.equal(engine.logits(inputs), expected)
    engine.backward(torch.arange(8).unsqueeze(0), 1)
    assert all(layer.gradient.any() for layer in engine.layers(0))
