"""The probe zero_shot: what a network recognises before its first step, and nothing later."""

import pytest
import torch

from tests.support.cells import make_cell, result, train
from tests.support.producers import inputs_of
from trainer.cell_run import CellRun
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.recalibrate import recalibrated
from trainer.workload import load_workload

IMAGES = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
ASKED = [{"name": "zero_shot"}]
PLAIN, RECALIBRATED = "zero_shot_accuracy", "zero_shot_accuracy_recalibrated"


def cell_of(model, method="static", **options):
    return make_cell(
        method, "0.5", seed=3, options=options, model=model, dataset_options=IMAGES, epochs=2
    )


def measured(cell, **request):
    return train(cell, probes={cell.id: ASKED}, **request)[cell.id]


def begun(cell, kind):
    """The network of a cell before its first step, and its data."""
    workload = load_workload(cell, None, "cpu")
    engine = kind(workload, [cell])
    CellRun(cell, 0).prepare(engine, inputs_of([cell])[cell.id])
    return engine.module(0), workload.bundle


def share_right(network, split):
    with torch.no_grad():
        return float((network(split.inputs).argmax(1) == split.targets).double().mean())


@pytest.mark.parametrize(("model", "kind"), [("mlp", StackEngine), ("convnet", SoloEngine)])
def test_both_metrics_are_of_the_masked_network_before_its_first_step(model, kind):
    cell = cell_of(model)
    network, bundle = begun(cell, kind)
    metrics = measured(cell).metrics
    assert metrics[PLAIN] == pytest.approx(share_right(network, bundle.test), abs=1e-12)
    own = recalibrated(network, bundle.train.inputs, 16)
    assert metrics[RECALIBRATED] == pytest.approx(share_right(own, bundle.test), abs=1e-12)
    assert (own is network) == (model == "mlp")
    assert (metrics[PLAIN] == metrics[RECALIBRATED]) == (model == "mlp")


def test_what_was_trained_is_worth_something_and_what_was_not_is_worth_chance():
    trained = measured(cell_of("mlp", "retrain", source="static", start="final_weights"))
    drawn = measured(cell_of("mlp", "retrain", source="static", start="reinit"))
    assert trained.metrics[PLAIN] > drawn.metrics[PLAIN] + 0.2
    assert drawn.metrics[PLAIN] < 0.6


def test_a_cell_with_batch_norm_trains_to_the_same_bits_without_it():
    cell = cell_of("convnet")
    with_probe, without = measured(cell), train(cell)[cell.id]
    metrics = {k: v for k, v in with_probe.metrics.items() if k not in (PLAIN, RECALIBRATED)}
    assert metrics == without.metrics
    assert result(with_probe)[2:] == result(without)[2:]
