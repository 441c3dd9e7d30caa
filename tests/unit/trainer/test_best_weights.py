"""The weights of the best epoch are kept aside, and shown only to be measured."""

import pytest
import torch

from tests.support.cells import make_cell, train
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.workload import load_workload

IMAGES = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}


@pytest.fixture(params=["solo", "stack"])
def engine(request):
    if request.param == "solo":
        cells = [make_cell(model="convnet", dataset_options=IMAGES)]
        return SoloEngine(load_workload(cells[0], None, "cpu"), cells)
    cells = [make_cell(seed=seed) for seed in (0, 1)]
    return StackEngine(load_workload(cells[0], None, "cpu"), cells)


def spoil(engine):
    for tensor in engine.live():
        tensor.add_(1)


def test_what_was_kept_is_shown_and_then_gone_again(engine):
    best = engine.keeper()
    first = engine.weights(0)
    best.keep([0])
    spoil(engine)
    spoilt = engine.weights(0)
    with best.shown():
        assert all(torch.equal(engine.weights(0)[name], first[name]) for name in first)
    assert all(torch.equal(engine.weights(0)[name], spoilt[name]) for name in first)


def test_a_cell_is_kept_without_the_others():
    cells = [make_cell(seed=seed) for seed in (0, 1)]
    engine = StackEngine(load_workload(cells[0], None, "cpu"), cells)
    best = engine.keeper()
    best.keep([0, 1])
    other = engine.weights(0)
    spoil(engine)
    best.keep([1])
    one = engine.weights(1)
    with best.shown():
        assert all(torch.equal(engine.weights(0)[name], other[name]) for name in other)
        assert all(torch.equal(engine.weights(1)[name], one[name]) for name in one)


def test_a_state_goes_through_a_checkpoint(engine):
    best = engine.keeper()
    assert best.state(0) is None
    best.keep([0])
    state, first = best.state(0), engine.weights(0)
    spoil(engine)
    other = engine.keeper()
    other.load_state(0, state)
    with other.shown():
        assert all(torch.equal(engine.weights(0)[name], first[name]) for name in first)


def test_the_test_accuracy_of_the_best_epoch_is_that_of_a_run_that_ends_there():
    # At a constant rate a shorter run is the beginning of a longer one.
    task = {"examples": 300, "features": 13, "classes": 3, "noise": 3.0}
    recipe = {"lr": 0.5, "schedule": "constant", "epochs": 6, "dataset_options": task}
    found = []
    for seed in range(6):
        cell = make_cell(seed=seed, **recipe)
        metrics = train(cell)[cell.id].metrics
        shorter = make_cell(seed=seed, **{**recipe, "epochs": int(metrics["best_val_epoch"])})
        ended = train(shorter)[shorter.id].metrics["test_accuracy"]
        assert metrics["test_accuracy_at_best_val"] == ended
        difference = metrics["test_accuracy_at_best_val"] - metrics["test_accuracy"]
        assert metrics["best_final_difference"] == difference
        found.append(difference)
    assert any(found), "in no run did the last epoch differ from the best"
