"""The probe further_pruning: curves, what sums them up, and that nothing of the cell moves."""

import pytest
import torch

from sparse.options import build_options
from tests.support.cells import make_cell, train
from trainer.data.bundle import Split
from trainer.engines.solo import SoloEngine
from trainer.evaluate import accuracy_of, constant_accuracy
from trainer.probes.further_pruning import PERCENTS, FurtherPruningOptions, first_at_most
from trainer.probes.pruning_trial import PruningTrial
from trainer.probes.subject import Subject
from trainer.workload import load_workload

TASK = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
BOTH = ("frozen", "recalibrated")
ASKED = {"name": "further_pruning", "draws": 1}


def subject_of(cell):
    engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
    return Subject(engine, 0, epoch=3, final=True)


@pytest.fixture(scope="module")
def measured():
    cell = make_cell("static", "0.3", model="convnet", dataset_options=TASK, epochs=2)
    asked = {"name": "further_pruning", "draws": 2, "recalibration_examples": 20}
    return train(cell, probes={cell.id: [asked]})[cell.id]


def test_nothing_pruned_is_the_accuracy_of_the_cell_to_the_bit(measured):
    for criterion in ("magnitude", "random", "largest"):
        for scope in ("layer", "global"):
            name = f"further_{criterion}_{scope}_frozen_at0"
            assert measured.metrics[name] == measured.metrics["test_accuracy"]


def test_the_mean_of_kept_accuracy_is_that_of_the_curve(measured):
    curve = [measured.metrics[f"further_largest_global_frozen_at{p}"] for p in PERCENTS]
    assert measured.metrics["further_largest_global_frozen_auc"] == pytest.approx(
        sum(curve) / 13 / measured.metrics["test_accuracy"]
    )


def test_every_way_has_all_its_metrics(measured):
    found = {name for name in measured.metrics if name.startswith("further_")}
    halves = {name for name in found if name.endswith("_q50")}
    assert len(found - halves) == 3 * 2 * 2 * (13 + 1)
    tiny, small = (measured.metrics[f"weights_below_{n}"] for n in ("hundredth", "tenth"))
    assert 0 <= tiny <= small < 0.5
    sizes = [measured.metrics[f"weight_size_q{part}"] for part in (10, 50, 90)]
    assert sizes == sorted(sizes)


def test_asked_for_less_it_measures_less():
    cell = make_cell("set", "0.6", epochs=10, lr=0.2)
    asked = {
        "name": "further_pruning",
        "criteria": ["magnitude"],
        "scopes": ["global"],
        "percents": [50, 10],
        "statistics": "frozen",
    }
    found = train(cell, probes={cell.id: [asked]})[cell.id].metrics
    assert {name for name in found if name.startswith("further_")} == {
        f"further_magnitude_global_frozen_{rest}" for rest in ("auc", "q50", "at10", "at50")
    }


def test_a_network_without_batch_norm_is_the_same_with_either_statistics():
    cell = make_cell("set", "0.6", epochs=10, lr=0.2)
    found = train(cell, probes={cell.id: [ASKED]})[cell.id].metrics
    frozen = {name: value for name, value in found.items() if "_frozen_" in name}
    assert len(frozen) == 90
    assert all(found[name.replace("frozen", "recalibrated")] == frozen[name] for name in frozen)


def test_where_the_network_knows_nothing_there_is_no_half_to_lose():
    cell = make_cell("static", "0.3", epochs=1, lr=1e-6)
    found = train(cell, probes={cell.id: [ASKED]})[cell.id].metrics
    assert found["test_accuracy"] <= 0.375
    assert not [name for name in found if name.startswith("further_") and name.endswith("_q50")]


def test_without_any_weight_the_biases_answer_alone():
    subject = subject_of(make_cell("static", "0.3"))
    trial = PruningTrial(subject, BOTH, 10)
    network = subject.network()
    with torch.no_grad():
        for layer in subject.layers:
            dict(network.named_parameters())[f"model.{layer.name}"].zero_()
    test = subject.split("test")
    assert trial.empty == dict.fromkeys(BOTH, accuracy_of(network, test))
    (answer,) = network(test.inputs).argmax(1).unique().tolist()
    assert trial.empty["frozen"] == float((test.targets == answer).double().mean())


@pytest.mark.parametrize("criterion", ["magnitude", "random", "largest"])
def test_a_curve_is_that_of_networks_pruned_by_hand_and_the_network_is_put_right(criterion):
    subject = subject_of(make_cell("static", "0.3"))
    trial = PruningTrial(subject, ("frozen",), 10)
    before = trial.curves(criterion, "global", [0, 30, 60], 2)
    assert trial.curves(criterion, "global", [60], 2)["frozen"] == {60: before["frozen"][60]}
    assert trial.curves(criterion, "global", [0], 1)["frozen"][0] == trial.base["frozen"]
    if criterion == "magnitude":
        network = subject.network()
        values = torch.cat([layer.weight[layer.mask.bool()] for layer in subject.layers])
        limit = values.abs().sort().values[int(0.3 * len(values))]
        with torch.no_grad():
            for layer in subject.layers:
                weight = dict(network.named_parameters())[f"model.{layer.name}"]
                weight.mul_(weight.abs() >= limit)
        assert before["frozen"][30] == accuracy_of(network, subject.split("test"))


def test_the_probe_changes_no_bit_of_the_cell():
    cell = make_cell("set", epochs=2)
    plain = train(cell)[cell.id]
    probed = train(cell, probes={cell.id: [ASKED]})[cell.id]
    assert plain.metrics == {name: probed.metrics[name] for name in plain.metrics}
    assert plain.curve == {name: probed.curve[name] for name in plain.curve}


@pytest.mark.parametrize("name", ["top_kast", "n_m", "str"])
def test_a_method_that_stores_dense_weights_is_pruned_where_it_is_active(name):
    task = {"examples": 123, "features": 12, "classes": 3, "noise": 0.5}
    widths = {"hidden": (16, 32)}
    cell = make_cell(name, epochs=2, dataset_options=task, model_options=widths)
    outcome = train(cell, probes={cell.id: [ASKED]})[cell.id]
    assert outcome.state == "COMPLETED", outcome.error
    # Inactive weights are zero in the network: counted as active they would be tiny ones.
    assert outcome.metrics["weight_size_q10"] > 0
    assert outcome.metrics["weights_below_hundredth"] < 0.1


@pytest.mark.parametrize(
    ("points", "level", "expected"),
    [
        ({0: 1.0, 10: 0.8, 20: 0.2}, 0.5, 15.0),
        ({0: 1.0, 10: 0.5, 20: 0.2}, 0.5, 10.0),
        ({0: 1.0, 10: 0.4, 20: 0.9, 30: 0.1}, 0.7, 5.0),
        ({0: 1.0, 100: 0.9}, 0.5, 100.0),
    ],
)
def test_half_of_the_accuracy_is_gone_where_the_line_comes_down_to_it(points, level, expected):
    assert first_at_most(points, level) == pytest.approx(expected)


def test_the_best_constant_answer_is_the_most_frequent_class():
    targets = torch.tensor([0, 2, 2, 1, 2])
    assert constant_accuracy(Split(inputs=torch.zeros(5, 1), targets=targets, ids=targets)) == 0.6


def test_examples_for_statistics_mean_nothing_where_they_stay():
    with pytest.raises(ValueError, match="no effect with statistics: frozen"):
        build_options(
            FurtherPruningOptions, {"statistics": "frozen", "recalibration_examples": 5}, "probe"
        )


def test_statistics_are_taken_of_two_examples_at_least():
    with pytest.raises(ValueError, match="recalibration_examples is 1; it must be >= 2"):
        build_options(FurtherPruningOptions, {"recalibration_examples": 1}, "probe")
    cell = make_cell(
        "static", model_options={"hidden": (8,), "batch_norm": True}, epochs=1, batch=27
    )
    asked = {**ASKED, "recalibration_examples": 2, "percents": [0]}
    outcome = train(cell, probes={cell.id: [asked]})[cell.id]
    assert outcome.state == "COMPLETED", outcome.error
