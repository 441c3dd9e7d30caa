"""The probes of units and of the generalisation gap: literal degrees, and curves of real cells."""

from itertools import pairwise

import pytest
import torch

from sparse.options import build_options
from sparse.structured.chain import degrees
from tests.support.cells import make_cell, train
from tests.support.toy import ToyLayer
from trainer.probes.neurons import Neurons, NeuronsOptions, counted

NEURONS, GAP = {"name": "neurons"}, {"name": "generalisation", "every": 1}
IMAGES = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}

# Rows are units: the second hears nothing, the third says nothing.
FIRST = torch.tensor([[1, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0]])
SECOND = torch.tensor([[1, 1, 0], [1, 0, 0]])


class ToySubject:
    def __init__(self, *masks):
        self.layers = [ToyLayer(str(n), mask.float(), mask) for n, mask in enumerate(masks)]

    def unit_degrees(self):
        return [degrees(layer, following) for layer, following in pairwise(self.layers)]


def test_degrees_of_a_literal_network():
    [(incoming, outgoing)] = ToySubject(FIRST, SECOND).unit_degrees()
    assert (incoming.tolist(), outgoing.tolist()) == ([3, 0, 1], [2, 1, 0])
    assert counted(incoming, outgoing) == {
        "connected_units": 1.0,
        "connected_share": pytest.approx(1 / 3),
        "zero_in_units": 1.0,
        "zero_out_units": 1.0,
        "max_in_degree": 3.0,
        "mean_in_degree": pytest.approx(4 / 3),
        "mean_out_degree": 1.0,
    }


def test_a_flattened_channel_is_read_at_all_its_places():
    kernel = torch.ones(2, 1, 3, 3)
    head = torch.tensor([[1, 1, 0, 1, 0, 0, 0, 0]])
    [(incoming, outgoing)] = ToySubject(kernel, head).unit_degrees()
    assert (incoming.tolist(), outgoing.tolist()) == ([9, 9], [3, 0])


def test_every_hidden_layer_has_curves_and_all_together_have_metrics():
    third = torch.tensor([[1, 0]])
    probe = Neurons(build_options(NeuronsOptions, {}, "test"))
    found = probe.measure(ToySubject(FIRST, SECOND, third))
    assert (found["connected_units_1"], found["connected_units_2"]) == (1, 1)
    assert found["connected_units"] == 2
    assert found["connected_share"] == 2 / 5
    assert (found["max_in_degree_1"], found["max_in_degree_2"]) == (3, 2)
    last = probe.summarise([(1, found)])
    assert last["zero_out_units"] == 2
    assert not any(name[-1].isdigit() for name in last)


def test_a_network_without_hidden_units_has_none_of_it():
    probe = Neurons(build_options(NeuronsOptions, {}, "test"))
    assert probe.measure(ToySubject(FIRST)) == {}
    assert probe.summarise([(1, {})]) == {}


@pytest.mark.parametrize(
    ("model", "options", "task"),
    [("mlp", {"hidden": (40, 40)}, None), ("convnet", {"channels": (8, 8)}, IMAGES)],
)
def test_pruned_units_of_set_np_are_not_connected(model, options, task):
    cell = make_cell(
        "set_np", "0.3", model=model, model_options=options, dataset_options=task,
        options={"update_every": 4}, epochs=3,
    )  # fmt: skip
    outcome = train(cell, probes={cell.id: [NEURONS]})[cell.id]
    assert outcome.state == "COMPLETED", outcome.error
    connected, metrics = outcome.curve["connected_share"], outcome.metrics
    assert len(connected) == 3
    assert connected[-1] == metrics["connected_share"] <= metrics["alive_neurons"] == 0.5
    assert connected[0] > connected[-1]
    width = sum(options.get("hidden") or options["channels"])
    assert outcome.curve["zero_in_units"][-1] >= width / 2
    assert outcome.curve["zero_in_units_1"][-1] >= width / 4


def test_what_is_no_chain_is_refused_before_training():
    cell = make_cell("set", model="wrn_22_2", dataset_options=IMAGES, model_options={}, epochs=1)
    outcome = train(cell, probes={cell.id: [NEURONS]})[cell.id]
    assert outcome.state == "FAILED"
    assert outcome.error["phase"] == "probe neurons"
    assert outcome.error["message"].startswith("probe neurons does not work on model wrn_22_2;")


def test_a_perceptron_with_skip_connections_is_no_chain():
    cell = make_cell("set", model_options={"hidden": (8, 8), "skip": True}, epochs=1)
    outcome = train(cell, probes={cell.id: [NEURONS]})[cell.id]
    assert outcome.state == "FAILED"
    assert outcome.error["message"] == (
        "probe neurons does not work on model mlp(hidden=[8, 8], skip=true);"
        " allowed: the trait chain"
    )


@pytest.mark.parametrize(
    ("probe", "curve"), [(NEURONS, "connected_units"), (GAP, "epoch_test_accuracy")]
)
def test_only_the_end_is_measured_with_every_0(probe, curve):
    cell = make_cell("static")
    outcome = train(cell, probes={cell.id: [{**probe, "every": 0}]})[cell.id]
    assert [value is not None for value in outcome.curve[curve]] == [False, False, True]


def test_the_gap_over_epochs_ends_at_the_metric_and_the_highest_test_accuracy_is_biased():
    cell = make_cell("set", epochs=6, lr=0.2)
    outcome = train(cell, probes={cell.id: [GAP]})[cell.id]
    assert outcome.state == "COMPLETED", outcome.error
    metrics, curve = outcome.metrics, outcome.curve
    assert curve["epoch_generalisation_gap"][-1] == metrics["generalisation_gap"]
    assert curve["epoch_test_accuracy"][-1] == metrics["test_accuracy"]
    assert curve["epoch_train_accuracy"][-1] == metrics["train_accuracy"]
    assert len(curve["epoch_test_accuracy"]) == 6
    assert metrics["test_max_accuracy"] == max(curve["epoch_test_accuracy"])
    assert metrics["test_max_optimism"] == metrics["test_max_accuracy"] - metrics["test_accuracy"]
    assert metrics["largest_generalisation_gap"] == max(curve["epoch_generalisation_gap"])
