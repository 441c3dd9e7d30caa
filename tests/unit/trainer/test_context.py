"""What a sparsifier may ask of its run, from either engine."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from sparse.methods.static import Static
from sparse.scoring.saliency import grasp_scores, snip_scores, synflow_scores
from tests.support.cells import batch_at, make_cell
from trainer.artifacts import take_snapshot, to_bytes
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


@pytest.mark.parametrize("density", ["0.1", "0.9"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_bias_changed_in_place_is_seen_by_the_next_step_of_both_engines(optimizer, density):
    # The stack keeps compact copies of the active entries; at density 0.9 it keeps none.
    cell = make_cell("static", density, optimizer=optimizer, schedule="constant")
    workload = load_workload(cell, None, "cpu")
    biases = []
    for kind in (SoloEngine, StackEngine):
        engine = kind(workload, [cell])
        Static(density=density).prepare(CellContext(engine, 0))
        _step(engine, 1)
        layer = engine.layers(0)[0]
        assert all(bool(slot.any()) for slot in layer.bias_slots().values())
        layer.bias[:5] = 7.0
        for slot in layer.bias_slots().values():
            slot[:5] = 0.0
        _step(engine, 2)
        layer = engine.layers(0)[0]
        assert layer.bias.shape == (17,)
        assert torch.equal(layer.bias, engine.weights(0)[layer.name.replace("weight", "bias")])
        assert bool(((layer.bias[:5] - 7.0).abs() < 0.1).all())
        assert not bool((layer.bias[:5] == 7.0).all())
        biases.append({"bias": layer.bias, **layer.bias_slots()})
    assert biases[0].keys() == biases[1].keys()
    for name, value in biases[0].items():
        torch.testing.assert_close(value, biases[1][name])


def test_a_layer_without_bias_says_so():
    task = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
    cell = make_cell("static", model="convnet", dataset_options=task)
    engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
    first, *_, head = engine.layers(0)
    assert (first.bias, first.bias_slots()) == (None, {})
    assert head.bias.shape == (3,)


def _step(engine, step):
    engine.backward(batch_at(engine, torch.arange(16).unsqueeze(0) * step), step)
    engine.optimizer_step(1.0)


def test_the_loss_is_twice_differentiable_in_substituted_weights(context):
    weights = {layer.name: layer.weight.clone().requires_grad_() for layer in context.layers}
    (batch,) = context.scoring_batches(1)
    (first, *_) = torch.autograd.grad(
        context.loss(batch, weights), list(weights.values()), create_graph=True
    )
    (second, *_) = torch.autograd.grad(first.square().sum(), list(weights.values()))
    assert second.abs().sum() > 0


def test_the_temperature_divides_the_logits(context):
    (inputs, targets), *_ = context.scoring_batches(1)
    with torch.no_grad():
        logits = context._engine.logits(inputs)[0]
        found = float(context.loss((inputs, targets), temperature=200.0))
    assert found == pytest.approx(float(cross_entropy(logits / 200, targets)), rel=1e-6)
    assert found != pytest.approx(float(cross_entropy(logits, targets)), rel=1e-6)


def test_the_flow_is_that_of_the_cell_alone_and_leaves_it_alone(context):
    state = context._engine.cell_state(0)["model"]
    weights = {layer.name: 2 * layer.weight.double().abs() for layer in context.layers}
    hidden = torch.ones(13, dtype=torch.float64)
    for index in range(3):
        bias = state[f"layers.{index}.bias"].double().abs()
        hidden = weights[f"layers.{index}.weight"] @ hidden + bias
    torch.testing.assert_close(context.flow(weights), hidden.sum())
    after = context._engine.cell_state(0)["model"]
    assert all(torch.equal(state[name], after[name]) for name in state)


def test_a_row_of_a_stack_scores_to_the_bits_of_the_cell_alone():
    cells = [make_cell("static", seed=seed) for seed in (5, 2)]
    workload = load_workload(CELL, None, "cpu")
    alone = CellContext(SoloEngine(workload, [cells[1]]), 0)
    row = CellContext(StackEngine(workload, cells), 1)
    for score, options in ((snip_scores, (1,)), (grasp_scores, (2, 200.0)), (synflow_scores, ())):
        one, other = score(alone, *options), score(row, *options)
        assert list(one) == list(other) == ["layers.0.weight", "layers.1.weight", "layers.2.weight"]
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert all(bool(scores.any()) for scores in one.values())


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


def test_what_another_cell_left_is_read_by_name(tmp_path):
    workload = load_workload(CELL, None, "cpu")
    other = StackEngine(workload, [make_cell("dense", seed=5)])
    for layer in other.layers(0):
        layer.mask[0] = 0
    (tmp_path / "final").write_bytes(to_bytes(take_snapshot(other, 0)))
    context = CellContext(SoloEngine(workload, [CELL]), 0, {"final": tmp_path / "final"})
    weights, masks = context.artifact("final"), context.artifact_masks("final")
    assert weights.keys() == other.weights(0).keys()
    for layer in other.layers(0):
        assert torch.equal(weights[layer.name], layer.weight)
        assert torch.equal(masks[layer.name], layer.mask.bool())
    with pytest.raises(ValueError, match="it needs the rewind@7 of another cell; given: final"):
        context.artifact("rewind@7")


def test_nothing_of_another_cell_is_there_unless_it_was_given(context):
    with pytest.raises(ValueError, match="it needs the final of another cell; given: none"):
        context.artifact_masks("final")


def test_initial_weights_are_those_of_a_cell_of_the_seed_and_fresh_ones_are_others():
    workload = load_workload(CELL, None, "cpu")
    other_cell = make_cell("static", seed=5)
    for kind in (SoloEngine, StackEngine):
        engine = kind(workload, [CELL])
        context = CellContext(engine, 0)
        own, other = engine.weights(0), kind(workload, [other_cell]).weights(0)
        drawn = [context.fresh_weights("twig", index) for index in (0, 0, 1)]
        for name in own:
            assert torch.equal(context.initial_weights()[name], own[name])
            assert torch.equal(context.initial_weights(5)[name], other[name])
            assert torch.equal(drawn[0][name], drawn[1][name])
            assert not torch.equal(drawn[0][name], drawn[2][name])
            assert not torch.equal(drawn[0][name], own[name])
        context.load_weights(drawn[0])
        assert all(torch.equal(engine.weights(0)[name], drawn[0][name]) for name in own)
        assert all(torch.equal(layer.weight, drawn[0][layer.name]) for layer in context.layers)
