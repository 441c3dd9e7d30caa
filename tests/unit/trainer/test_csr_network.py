"""The network of a truly sparse cell: its first weights, its best ones, and what it refuses."""

import pytest
import torch
from torch.nn import functional as F

from sparse.csr.linear import SparseLinear
from sparse.csr.mlp import SparseMLP
from sparse.storage import storage_of
from tests.support.cells import make_cell
from trainer.cell_run import CellRun
from trainer.engines import legal_engines
from trainer.engines.auto import Choice, choose
from trainer.engines.best import BestWeights
from trainer.engines.csr import CsrEngine
from trainer.engines.csr_best import BestNetwork
from trainer.engines.csr_network import CHUNK, FirstWeights, csr_perceptron
from trainer.engines.stack import StackEngine
from trainer.models.activations import FIXED
from trainer.models.mlp import MLP
from trainer.workload import load_workload

NONE = torch.empty(0, dtype=torch.int64)


def started(**more):
    cell = make_cell("set", "0.3", storage="csr", **more)
    engine = CsrEngine(load_workload(cell, None, "cpu"), [cell])
    CellRun(cell, 0).prepare(engine, {})
    return engine


def test_the_network_has_the_shapes_of_the_dense_one_and_no_weight():
    cell = make_cell("static", "0.3", storage="csr", model_options={"hidden": (7, 5)})
    network = csr_perceptron(load_workload(cell, None, "cpu"))
    assert [layer.shape for layer in network.layers] == [(7, 13), (5, 7), (3, 5)]
    assert sum(len(layer.values) for layer in network.layers) == 0
    assert len(network.activations) == 2


@pytest.mark.parametrize("batch", [6, 70])  # one part, and three
@pytest.mark.parametrize("activation", FIXED)
def test_the_network_computes_what_the_dense_one_does(activation, batch):
    torch.manual_seed(0)
    options = {"hidden": (9, 8, 7), "activation": activation}
    cell = make_cell("static", "0.3", storage="csr", model_options=options)
    dense = load_workload(cell, None, "cpu").build_model(0)
    assert isinstance(dense, MLP)
    layers = [
        SparseLinear.from_dense(layer.weight, torch.ones_like(layer.weight), layer.bias)
        for layer in dense.layers
    ]
    network = SparseMLP(layers, list(csr_perceptron(load_workload(cell, None, "cpu")).activations))
    inputs = torch.randn(batch, 13)
    assert torch.allclose(network(inputs), dense(inputs), atol=1e-6)
    targets = torch.arange(batch) % 3
    for built in (network, dense):
        F.cross_entropy(built(inputs), targets).backward()
    for layer, linear in zip(network.layers, dense.layers, strict=True):
        assert torch.allclose(layer.values.grad, linear.weight.grad.flatten(), atol=1e-6)


@pytest.mark.parametrize("outputs", [1, 3, 40])
def test_rows_are_drawn_in_chunks_that_change_no_bit(outputs):
    inputs = CHUNK // 2 - 7  # two rows in a chunk, and one left over
    layer = SparseLinear(NONE, torch.empty(0), (outputs, inputs), torch.zeros(outputs))
    cell_seed = 9
    with torch.random.fork_rng():
        generator = FirstWeights([layer], cell_seed)._generator
        torch.set_rng_state(generator.get_state())
        linear = torch.nn.Linear(inputs, outputs)
    positions = torch.randperm(outputs * inputs)[:200].sort().values
    values = FirstWeights([layer], cell_seed).of(0, positions)
    assert torch.equal(values, linear.weight.detach().flatten()[positions])
    assert torch.equal(layer.bias.detach(), linear.bias.detach())


def test_layers_begin_in_their_order():
    layers = [SparseLinear(NONE, torch.empty(0), (3, 2), torch.zeros(3)) for _ in range(2)]
    first = FirstWeights(layers, 0)
    with pytest.raises(ValueError, match="layer 1 begins, but layer 0 is the next to begin"):
        first.of(1, NONE)


def test_what_was_kept_is_shown_with_its_places_and_then_gone_again():
    engine = started()
    best = engine.keeper()
    assert isinstance(best, BestNetwork)
    best.keep([0])
    first = engine.weights(0)
    layer = engine.layers(0)[0]
    active = layer.module.positions()
    grown = storage_of(layer).others(active).draw(3, torch.Generator().manual_seed(0))
    layer.exchange(active[:2], grown)
    moved = engine.weights(0)
    best.keep([])
    with best.shown():
        assert_same(engine.weights(0), first)
    assert_same(engine.weights(0), moved)
    state = best.state(0)
    other = engine.keeper()
    assert other.state(0) is None
    other.load_state(0, state)
    with other.shown():
        assert_same(engine.weights(0), first)


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name].to_dense(), other[name].to_dense()), name
    assert one["layers.0.weight"].col_indices().tolist() == (
        other["layers.0.weight"].col_indices().tolist()
    )


def test_masked_cells_keep_whole_tensors():
    cell = make_cell("set", "0.3")
    engine = StackEngine(load_workload(cell, None, "cpu"), [cell])
    assert isinstance(engine.keeper(), BestWeights)


def test_optimizer_slots_stay_with_their_weights_while_another_network_is_shown():
    engine = started()
    inputs, targets = engine.workload.bundle.train.inputs, engine.workload.bundle.train.targets
    engine.backward((inputs[None, :8], targets[None, :8]), 1)
    engine.optimizer_step(1.0)
    slots = {layer.name: dict(layer.slots()) for layer in engine.layers(0)}
    best = engine.keeper()
    best.keep([0])
    with best.shown():
        pass
    for layer in engine.layers(0):
        kept = slots[layer.name]["momentum_buffer"]
        assert torch.equal(layer.slots()["momentum_buffer"], kept)
        assert kept.shape == layer.module.values.shape
        assert kept.abs().sum() > 0


@pytest.mark.parametrize("tier", ["exact", "fast"])
def test_there_is_one_engine_for_it(tier):
    cell = make_cell("set", "0.3", storage="csr", tier=tier)
    workload = load_workload(cell, None, "cpu")
    assert legal_engines(workload, cell) == ("csr",)
    assert choose(workload, [cell, cell]) == Choice(engine="csr", width=1)


@pytest.mark.parametrize("wrong", ["dense", "another shape"])
def test_weights_that_do_not_fit_are_refused(wrong):
    engine = started()
    weights = dict(engine.weights(0))
    tensor = weights["layers.0.weight"]
    weights["layers.0.weight"] = (
        tensor.to_dense() if wrong == "dense" else weights["layers.1.weight"]
    )
    with pytest.raises(RuntimeError, match=r"layers.0.weight is .*, not a csr tensor of"):
        engine.load_weights(0, weights)


def test_scores_and_clipping_are_refused():
    engine = started()
    with pytest.raises(ValueError, match="scores of weights need dense ones"):
        engine.flow(0, {})
    with pytest.raises(ValueError, match="clip_norm counts gradients of inactive weights"):
        engine.clip(1.0)
