"""Every epoch and every step draws from a stream of its own, and from the same one each time."""

import torch
from torch import nn

from tests.support.cells import batch_at, make_cell
from tests.support.producers import inputs_of
from trainer.cell_run import CellRun
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.loop import BlockLoop
from trainer.workload import load_workload


def orders_seen(cells, epochs):
    """The examples that each cell is given, epoch by epoch: (epochs, cells, examples)."""
    engine = StackEngine(load_workload(cells[0], None, "cpu"), cells)
    seen, backward = [], engine.backward
    known = engine.workload.bundle.train.inputs

    def noted(batch, step):
        seen.append((batch[0].unsqueeze(2) == known).all(3).int().argmax(2))
        return backward(batch, step)

    engine.backward = noted
    loop = BlockLoop(engine, [CellRun(cell, n) for n, cell in enumerate(cells)])
    inputs = inputs_of(cells)
    for run in loop.runs:
        run.prepare(engine, inputs.get(run.cell.id, {}))
    steps = loop.engine.workload.steps_per_epoch
    for _ in range(epochs * steps):
        loop.advance()
    return torch.stack([torch.cat(seen[at : at + steps], 1) for at in range(0, len(seen), steps)])


def test_every_epoch_shows_all_examples_once_in_an_order_of_its_own():
    orders = orders_seen([make_cell(seed=seed) for seed in (0, 1)], epochs=3)
    assert orders.shape == (3, 2, 81)
    assert torch.equal(orders.sort().values, torch.arange(81).expand(3, 2, 81))
    assert len(orders.flatten(0, 1).unique(dim=0)) == 6
    assert torch.equal(orders[:, 1], orders_seen([make_cell(seed=1)], epochs=3)[:, 0])


def test_random_layers_draw_anew_at_every_step_and_the_same_when_it_is_repeated():
    cell = make_cell("static")
    engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
    engine.network.model = nn.Sequential(nn.Dropout(0.5), engine.model)
    batch = torch.arange(16).unsqueeze(0)
    losses = [float(engine.backward(batch_at(engine, batch), step)[0]) for step in (1, 2, 3, 1)]
    assert len(set(losses)) == 3
    assert losses[0] == losses[3]
