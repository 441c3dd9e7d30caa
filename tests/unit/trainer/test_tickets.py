"""Methods that begin with other cells, in the trainer: whose weights they have at first.

The artifacts are those of cells trained for this; nothing here is compared with itself.
"""

import pytest
import torch

from tests.support.cells import make_cell
from tests.support.producers import inputs_of, left_by
from trainer.artifacts import read_snapshot
from trainer.cell_run import CellRun
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.workload import load_workload

IMAGES = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
NETWORKS = [("mlp", StackEngine), ("convnet", SoloEngine)]


def cell_of(method, density, model, **options):
    return make_cell(
        method, density, seed=3, options=options, model=model, dataset_options=IMAGES, epochs=2
    )


def begun(cell, kind):
    """The cell's weights and masks before its first step, and those of its seed."""
    engine = kind(load_workload(cell, None, "cpu"), [cell])
    init = engine.weights(0)
    CellRun(cell, 0).prepare(engine, inputs_of([cell])[cell.id])
    masks = {layer.name: layer.mask.bool() for layer in engine.layers(0)}
    return engine.weights(0), masks, init


def left(model, name):
    """What the dense cell leaves."""
    return read_snapshot(left_by(cell_of("dense", None, model), name)).weights


def masked(weights, masks):
    return {name: w * masks[name] if name in masks else w for name, w in weights.items()}


def equal(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("model", "kind"), NETWORKS)
@pytest.mark.parametrize("method", ["lth", "imp"])
def test_guard_a_ticket_is_the_initial_network_under_the_mask_of_the_trained_one(
    method, model, kind
):
    found, masks, init = begun(cell_of(method, "0.8", model), kind)
    assert equal(found, masked(init, masks))
    final = left(model, "final")
    assert not equal(found, masked(final, masks))
    smallest = min(float(final[name][mask].abs().min()) for name, mask in masks.items())
    pruned = [
        float(final[name][~mask].abs().max()) for name, mask in masks.items() if not mask.all()
    ]
    assert pruned
    assert max(pruned) <= smallest


@pytest.mark.parametrize(("model", "kind"), NETWORKS)
@pytest.mark.parametrize("method", ["omp", "pretrained"])
def test_guard_what_begins_with_trained_weights_does_not_begin_with_the_initial_ones(
    method, model, kind
):
    found, masks, init = begun(cell_of(method, "0.3", model), kind)
    assert equal(found, masked(left(model, "final"), masks))
    assert not equal(found, masked(init, masks))


@pytest.mark.parametrize(("model", "kind"), NETWORKS)
def test_a_ticket_rewound_to_a_step_has_the_weights_of_that_step(model, kind):
    found, masks, init = begun(cell_of("imp", "0.64", model, rewind_step=4), kind)
    assert equal(found, masked(left(model, "rewind@4"), masks))
    assert not equal(found, masked(init, masks))
    assert not equal(found, masked(left(model, "final"), masks))


@pytest.mark.parametrize(("model", "kind"), NETWORKS)
@pytest.mark.parametrize("rewind", ["weights", "learning_rate"])
def test_each_round_prunes_what_the_round_before_left_active(rewind, model, kind):
    before = cell_of("imp", "0.8", model, **({} if rewind == "weights" else {"rewind": rewind}))
    cell = cell_of("imp", "0.64", model, **before.method.as_dict())
    found, masks, init = begun(cell, kind)
    last = read_snapshot(left_by(before, "final"))
    assert equal(found, masked(init if rewind == "weights" else last.weights, masks))
    assert all(bool((masks[name] <= last.masks[name]).all()) for name in masks)
    total = sum(mask.numel() for mask in masks.values())
    assert sum(int(mask.sum()) for mask in last.masks.values()) == int(0.8 * total + 0.5)
    assert sum(int(mask.sum()) for mask in masks.values()) == int(0.64 * total + 0.5)
