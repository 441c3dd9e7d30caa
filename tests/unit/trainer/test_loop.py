"""The order of one step, which every reported number depends on."""

import pytest

from tests.support.cells import make_cell
from tests.support.producers import inputs_of
from trainer.cell_run import CellRun
from trainer.engines.stack import StackEngine
from trainer.loop import BlockLoop
from trainer.workload import load_workload


def make_loop(cell):
    workload = load_workload(cell, None, "cpu")
    engine = StackEngine(workload, [cell])
    run = CellRun(cell, 0)
    run.prepare(engine, inputs_of([cell]).get(cell.id, {}))
    return BlockLoop(engine, [run]), engine, run


@pytest.fixture
def journal(monkeypatch):
    """A loop at a step where everything is due, with each event written down."""
    loop, engine, run = make_loop(
        make_cell("rigl", options={"update_every": 6}, clip_norm=1.0, epochs=2)
    )
    events = []

    def log(owner, name, word):
        original = getattr(owner, name)

        def logged(*args, **kwargs):
            events.append(word)
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, logged)

    log(engine, "backward", "backward")
    log(engine, "clip", "clip")
    log(engine, "optimizer_step", "optimizer step")
    log(run.sparsifier, "after_backward", "gradients")
    log(run.sparsifier, "after_step", "topology update")
    log(loop, "_add_curve_points", "evaluation")
    return loop, events


def test_the_documented_order(journal):
    loop, events = journal
    for _ in range(6):
        loop.advance()
    assert events[-6:] == [
        "backward",
        "clip",
        "gradients",
        "optimizer step",
        "evaluation",
        "topology update",
    ]
    assert events[:-6] == ["backward", "clip", "optimizer step"] * 5


def test_the_last_step_is_followed_by_no_topology_update():
    loop, _, run = make_loop(
        make_cell("set", options={"update_every": 1, "update_stop": 1.0}, epochs=1)
    )
    due = [step for step in range(1, 7) if run.sparsifier.wants_update(step)]
    for _ in range(6):
        loop.advance()
    assert loop.step == 6 == loop.engine.workload.total_steps
    assert 6 not in due
    assert run.topology_updates == len(due) == 5


@pytest.mark.parametrize("method", ["static", "snip", "gmp", "set", "rigl"])
def test_inactive_weights_and_slots_are_zero_after_every_step(method):
    options = {} if method in ("static", "snip") else {"update_every": 2}
    loop, engine, _ = make_loop(make_cell(method, options=options))
    for _ in range(18):
        loop.advance()
        for layer in engine.layers(0):
            inactive = layer.mask == 0
            assert not layer.weight[inactive].any()
            assert not any(slot[inactive].any() for slot in layer.slots().values())


def test_cells_of_one_seed_see_the_same_examples_in_the_same_order():
    orders = []
    for method in ("dense", "rigl"):
        loop, _, _ = make_loop(make_cell(method, seed=4))
        orders.append(loop._feed.order(1).tolist())
    loop, _, _ = make_loop(make_cell("dense", seed=5))
    assert orders[0] == orders[1] != loop._feed.order(1).tolist()
