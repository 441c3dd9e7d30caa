"""At density 1 every sparse method trains the dense network: the same bits in curve and metrics."""

import pytest

from sparse.methods import METHODS
from tests.support.cells import make_cell, train
from tests.support.methods import frequent, sparse_names

TASK = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}


def outcome_of(method, model, **recipe):
    cell = make_cell(
        method, "1", seed=7, options=frequent(method), model=model, dataset_options=TASK, **recipe
    )
    return train(cell)[cell.id]


@pytest.mark.parametrize("recipe", [{}, {"optimizer": "adam", "lr": 0.01}], ids=["sgd", "adam"])
@pytest.mark.parametrize(("model", "engine"), [("mlp", "stack"), ("convnet", "solo")])
@pytest.mark.parametrize("name", sparse_names())
def test_curve_and_metrics_are_those_of_dense(name, model, engine, recipe):
    dense, sparse = (outcome_of(method, model, epochs=2, **recipe) for method in ("dense", name))
    assert dense.state == sparse.state == "COMPLETED"
    assert dense.engine == engine
    assert sparse.curve == dense.curve
    assert {key: sparse.metrics[key] for key in dense.metrics} == dense.metrics
    extra = {key: sparse.metrics[key] for key in sparse.metrics.keys() - dense.metrics.keys()}
    assert extra in ({}, {"explored_rate": 1.0})
    assert sparse.layers == dense.layers
    assert sparse.topology_updates > 0 or not METHODS.get(name).traits["dynamic"]
