"""At density 1 every sparse method trains the dense network: the same bits in curve and metrics.

A method that starts from the weights of another cell keeps all of them; one that prunes units, and
so falls below its density, keeps all weights between those that live.
"""

import math

import pytest
import torch

from sparse.methods import METHODS
from tests.support.cells import make_cell, train
from tests.support.methods import (
    follows_weights,
    frequent,
    method_names,
    sparse_names,
    starts_from,
)
from tests.support.producers import inputs_of
from trainer.artifacts import read_snapshot
from trainer.cell_run import CellRun
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.workload import load_workload

TASK = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}


PRUNING_UNITS = method_names(density="bounded", dynamic=True)
SAME_AS_DENSE = [
    name for name in sparse_names() if not starts_from(name) and name not in PRUNING_UNITS
]


def outcome_of(method, model, **recipe):
    cell = make_cell(
        method, "1", seed=7, options=frequent(method), model=model, dataset_options=TASK, **recipe
    )
    return train(cell)[cell.id]


@pytest.mark.parametrize("recipe", [{}, {"optimizer": "adam", "lr": 0.01}], ids=["sgd", "adam"])
@pytest.mark.parametrize(("model", "engine"), [("mlp", "stack"), ("convnet", "solo")])
@pytest.mark.parametrize("name", SAME_AS_DENSE)
def test_curve_and_metrics_are_those_of_dense(name, model, engine, recipe):
    dense, sparse = (outcome_of(method, model, epochs=2, **recipe) for method in ("dense", name))
    assert dense.state == sparse.state == "COMPLETED"
    assert dense.engine == engine
    assert sparse.curve == dense.curve
    # Scoring, dense gradients and their running means are paid for, whatever they decide.
    costs = {"train_flops", "train_flops_ratio", "peak_training_mb"}
    assert all(sparse.metrics[key] >= dense.metrics[key] for key in costs)
    shared = dense.metrics.keys() - costs
    assert {key: sparse.metrics[key] for key in shared} == {k: dense.metrics[k] for k in shared}
    extra = {key: sparse.metrics[key] for key in sparse.metrics.keys() - dense.metrics.keys()}
    assert set(extra.values()) <= {1.0}
    assert extra.keys() <= {"explored_rate", "alive_neurons"}
    assert sparse.layers == dense.layers
    updates = METHODS.get(name).traits["dynamic"] and not follows_weights(name)
    assert (sparse.topology_updates > 0) or not updates


@pytest.mark.parametrize("model", ["mlp", "convnet"])
@pytest.mark.parametrize("name", PRUNING_UNITS)
def test_all_weights_between_living_units_are_kept(name, model):
    outcome = outcome_of(name, model, epochs=2)
    alive, shapes = outcome.metrics["alive_neurons"], [x["shape"] for x in outcome.layers]
    hidden = [shape[0] for shape in shapes[:-1]]
    left = [units // 2 for units in hidden]  # floor(units / 2 + 1/2) are pruned
    assert alive == sum(left) / sum(hidden) < 0.6
    for layer, outputs, inputs in zip(outcome.layers, [*left, 3], [None, *left], strict=True):
        out, into, *sides = layer["shape"]
        assert layer["active"] == outputs * (inputs or into) * math.prod(sides)
        assert layer["total"] == out * into * math.prod(sides)


@pytest.mark.parametrize(("model", "kind"), [("mlp", StackEngine), ("convnet", SoloEngine)])
@pytest.mark.parametrize("name", [name for name in sparse_names() if starts_from(name)])
def test_the_network_that_a_method_starts_from_is_kept_whole(name, model, kind):
    cell = make_cell(name, "1", seed=7, model=model, dataset_options=TASK, epochs=2)
    inputs = inputs_of([cell])[cell.id]
    engine = kind(load_workload(cell, None, "cpu"), [cell])
    CellRun(cell, 0).prepare(engine, inputs)
    given = read_snapshot(inputs[starts_from(name)]).weights
    found = engine.weights(0)
    assert found.keys() == given.keys()
    assert all(torch.equal(found[key], given[key]) for key in given)
    assert all(bool(layer.mask.all()) for layer in engine.layers(0))
