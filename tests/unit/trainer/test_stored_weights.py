"""Stored weights in both engines: evaluations, masks and neighbours of a cell that has them."""

import pytest
import torch

from sparse.sparsifier import Sparsifier
from tests.support.cells import make_cell
from trainer.cell_run import CellRun
from trainer.engines import stacked_optim
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.loop import BlockLoop
from trainer.workload import load_workload


class LargerHalf(Sparsifier):
    """Computes with the weights above the mean size of their layer, and updates only those."""

    stores_dense = True

    def initial_masks(self):
        return {layer.name: layer.weight.abs() > layer.weight.abs().mean() for layer in self.layers}

    def effective_weight(self, layer):
        return layer.weight * layer.mask

    def updated_mask(self, layer):
        return layer.mask

    def learn(self, rate):
        self.set_masks(self.initial_masks())


def make_loop(kind, *cells, storing):
    """A loop over cells; the method of those whose number is in `storing` stores dense weights."""
    workload = load_workload(cells[0], None, "cpu")
    engine = kind(workload, cells)
    runs = [CellRun(cell, n) for n, cell in enumerate(cells)]
    for run in runs:
        if run.n in storing:
            run.sparsifier = LargerHalf(density="1")
        run.prepare(engine, {})
    return BlockLoop(engine, runs)


@pytest.mark.parametrize("kind", [SoloEngine, StackEngine])
def test_a_cell_computes_with_forward_weights_and_keeps_what_is_not_updated(kind):
    loop = make_loop(kind, make_cell("dense", weight_decay=0.1, epochs=1), storing={0})
    layers = loop.runs[0].sparsifier.layers
    for _ in range(6):
        before = [(layer.weight.clone(), layer.mask.bool().clone()) for layer in layers]
        loop.advance()
        shown = loop.engine.weights(0)
        for layer, (weight, mask) in zip(layers, before, strict=True):
            assert torch.equal(layer.weight[~mask], weight[~mask])
            assert bool((layer.weight[mask] != weight[mask]).any())
            assert torch.equal(shown[layer.name], layer.weight * layer.mask)
            assert not any(bool(slot[~mask].any()) for slot in layer.slots().values())
            assert any(bool(slot[mask].any()) for slot in layer.slots().values())
    (density,) = loop.runs[0].curve["density"]
    assert 0.3 < density < 0.7
    assert all(bool(view.mask.all()) for view in loop.engine.layers(0))


def test_neighbours_neither_notice_nor_disturb(monkeypatch):
    divisions = []
    divide = stacked_optim.divide

    def counted(stack):
        divisions.append(len(stack.parameters))
        return divide(stack)

    monkeypatch.setattr(stacked_optim, "divide", counted)
    cells = [make_cell("static", "0.2"), make_cell("dense", seed=1), make_cell("static", "0.7")]
    together = make_loop(StackEngine, *cells, storing={1})
    for _ in range(12):
        together.advance()
    assert divisions == [3], "a step of stored weights makes no work for the rest of the stack"
    for n, cell in enumerate(cells):
        alone = make_loop(StackEngine, cell, storing={0} if n == 1 else set())
        for _ in range(12):
            alone.advance()
        own, other = alone.engine.cell_state(0), together.engine.cell_state(n)
        for part in ("model", "masks"):
            assert all(torch.equal(own[part][name], other[part][name]) for name in own[part])
        assert alone.runs[0].curve == together.runs[n].curve


def test_a_block_without_stored_weights_drives_none():
    loop = make_loop(StackEngine, make_cell("static"), make_cell("dense"), storing=set())
    assert loop._storing == []
