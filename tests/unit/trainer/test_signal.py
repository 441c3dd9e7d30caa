"""The probe signal: what it measures before the first step, and that it disturbs nothing."""

import pytest
import torch

from tests.support.cells import make_cell, result, train
from trainer.engines.solo import SoloEngine
from trainer.probes.signal import Signal, SignalOptions
from trainer.probes.subject import Subject
from trainer.workload import load_workload

IMAGES = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
ASKED = [{"name": "signal"}]


def found(cell):
    return train(cell, probes={cell.id: ASKED})[cell.id]


def at_start(cell):
    engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
    return engine, Subject(engine, 0, epoch=0, final=False)


def test_it_is_the_deviation_of_all_logits_of_the_first_network():
    engine, subject = at_start(make_cell())
    logits = engine.model(subject.examples(1000, "signal")[0]).detach().double()
    measured = Signal(SignalOptions()).measure(subject)["logit_std_init"]
    assert measured == pytest.approx(float(logits.std()), rel=1e-6)


def test_batch_norm_takes_the_statistics_of_the_batch_and_keeps_its_own():
    engine, subject = at_start(make_cell(model="convnet", dataset_options=IMAGES))
    before = {name: tensor.clone() for name, tensor in engine.model.state_dict().items()}
    probe = Signal(SignalOptions())
    first = probe.measure(subject)
    with torch.no_grad():
        for parameter in engine.model.parameters():
            if parameter.ndim == 4:
                parameter.mul_(3)
    again = Subject(engine, 0, epoch=0, final=False)
    assert probe.measure(again) == pytest.approx(first, rel=1e-3)
    after = engine.model.state_dict()
    names = [name for name in before if "running" in name or "tracked" in name]
    assert names
    assert all(torch.equal(before[name], after[name]) for name in names)


@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_a_cell_has_it_as_a_metric_and_trains_to_the_same_bits(model):
    options = IMAGES if model == "convnet" else None
    cell = make_cell("static", model=model, dataset_options=options, epochs=2)
    with_probe, without = found(cell), train(cell)[cell.id]
    value = with_probe.metrics.pop("logit_std_init")
    assert value > 0
    assert result(with_probe) == result(without)
    assert found(make_cell("static", model=model, dataset_options=options, epochs=1)).metrics[
        "logit_std_init"
    ] == pytest.approx(value)


def test_the_sparse_network_of_a_pair_begins_with_less_unless_units_are_scaled():
    def ratio(init):
        stds = [
            found(
                make_cell(
                    "same_capacity", options={"role": role, "width": 0.1, "init": init}, epochs=1,
                    model_options={"hidden": (400, 400)}, dataset="digits", batch=256,
                )
            ).metrics["logit_std_init"]
            for role in ("sparse", "dense")
        ]  # fmt: skip
        return stds[0] / stds[1]

    # r^(H/2) = 0.1, but for the draws of 40 units.
    assert 0.05 < ratio("matched") < 0.2
    assert 0.6 < ratio("unit_scaled") < 1.6
