"""Probes of a cell: when they are due, what becomes of what they find; and nothing else changes."""

import dataclasses
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from sparse.options import NoOptions, option
from sparse.registry import Entry
from tests.support.cells import component, make_cell, train, train_reported
from trainer.describe import describe
from trainer.engines.solo import SoloEngine
from trainer.feed import Feed
from trainer.probes import PROBES
from trainer.probes.base import Conditions, Probe
from trainer.probes.subject import Subject
from trainer.probing import Probing, canonical
from trainer.workload import load_workload


@dataclass(frozen=True, kw_only=True, slots=True)
class SumOptions:
    every: int = option(2, help="epochs between two measurements", ge=1)
    fails: bool = option(False, help="whether it breaks")


class WeightSum(Probe):
    """Looks at everything that a probe may look at."""

    def due(self, epoch, epochs):
        return epoch % self.options.every == 0 or epoch == epochs

    def measure(self, subject):
        if self.options.fails:
            raise RuntimeError("the probe broke")
        val = subject.bundle.val
        correct = (subject.logits(val.inputs).argmax(1) == val.targets).double().mean()
        gradients = subject.input_gradients(val.inputs[:2], val.targets[:2])
        subject.generator("draw").seed()
        return {
            "weight_sum": sum(float(layer.weight.sum()) for layer in subject.layers),
            "seen_val_accuracy": float(correct),
            "gradient_norm": float(gradients.norm()),
            "was_final": float(subject.final),
        }

    def summarise(self, points):
        return {**points[-1][1], "measured_epochs": float(len(points))}


METRICS = ["weight_sum", "seen_val_accuracy", "gradient_norm", "was_final", "measured_epochs"]


def metric_of(name):
    return {"name": name, "unit": "1", "better": "lower", "help": "a number"}


def register(monkeypatch, name, target, metrics, options=NoOptions):
    entry = Entry(
        kind="probe", name=name, summary="", target=target, options=options, semantics=1,
        traits={"metrics": [metric_of(one) for one in metrics], "needs_pixels": False,
                "storages": ["masked"]},
    )  # fmt: skip
    monkeypatch.setitem(PROBES._entries, name, entry)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    register(monkeypatch, "weight_sum", WeightSum, METRICS, SumOptions)


MODELS = [
    ("mlp", None),
    ("convnet", {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}),
]
ASKED = {"name": "weight_sum"}


def cell_of(model, task, **recipe):
    return make_cell("set", model=model, dataset_options=task, **{"epochs": 5, **recipe})


@pytest.mark.parametrize(("model", "task"), MODELS)
def test_a_probe_measures_when_it_is_due_and_changes_no_bit_of_the_cell(model, task):
    cell = cell_of(model, task)
    plain, probed = train(cell)[cell.id], train(cell, probes={cell.id: [ASKED]})[cell.id]
    assert [found is not None for found in probed.curve["weight_sum"]] == [
        False,
        True,
        False,
        True,
        True,
    ]
    assert probed.curve["was_final"] == [None, 0.0, None, 0.0, 1.0]
    seen = [a for a in probed.curve["seen_val_accuracy"] if a is not None]
    assert seen == [probed.curve["val_accuracy"][epoch] for epoch in (1, 3, 4)]
    assert probed.metrics["measured_epochs"] == 3
    assert probed.metrics["weight_sum"] == probed.curve["weight_sum"][-1]
    assert plain.metrics == {name: probed.metrics[name] for name in plain.metrics}
    assert plain.curve == {name: probed.curve[name] for name in plain.curve}
    assert probed.probes == (canonical(ASKED),)
    assert plain.probes == ()


@pytest.mark.parametrize(("model", "task"), MODELS)
def test_an_interrupted_cell_keeps_what_was_measured_before(model, task, tmp_path: Path):
    cell = cell_of(model, task)
    probes = {cell.id: [ASKED]}
    whole = train(cell, probes=probes)[cell.id]
    polls = iter(range(10_000))
    half = 3 * 6 + 2
    _, report = train_reported(
        cell, probes=probes, checkpoint_folder=tmp_path, should_stop=lambda: next(polls) >= half
    )
    assert report.stopped
    files = sorted(tmp_path.glob("*.pt"))
    rest = train(cell, probes=probes, resume_from=files)[cell.id]
    assert rest.resumed_step > 0
    assert (rest.metrics, rest.curve) == (whole.metrics, whole.curve)
    assert train(cell, resume_from=files)[cell.id].resumed_step > 0
    # A probe that nobody asked for then has missed its epochs: the cell begins again.
    other = {cell.id: [{"name": "weight_sum", "every": 1}]}
    again = train(cell, probes=other, resume_from=files)[cell.id]
    assert (again.resumed_step, again.metrics["measured_epochs"]) == (0, 5)


class Vandal(Probe):
    """Overwrites all that it is given, and draws from global state."""

    def due(self, epoch, epochs):
        return True

    def due_at_start(self):
        return True

    def sees_update(self, step, steps_per_epoch):
        return True

    def after_update(self, subject, step):
        self.measure(subject)

    def measure(self, subject):
        bundle = subject.bundle
        inputs, targets = subject.examples(7, "some")
        for gradient in subject.weight_gradients(inputs, targets).values():
            gradient.zero_()
        for tensor in (inputs, targets, subject.split("val").inputs):
            tensor.zero_()
        for parameter in subject.network().train().parameters():
            parameter.zero_()
        for split in (bundle.train, bundle.val, bundle.test, bundle.clean_test):
            for tensor in (split.inputs, split.targets, split.ids):
                tensor.zero_()
        bundle.extra.clear()
        if bundle.normalise is not None:
            bundle.normalise.scale.fill_(7.0)
        for layer in subject.layers:
            held = [layer.weight, layer.mask, layer.gradient, layer.bias]
            for tensor in [*held, *layer.slots().values(), *layer.bias_slots().values()]:
                if tensor is not None:
                    tensor.fill_(3.0)
        subject.layers.clear()
        subject.module().train().requires_grad_()
        for tensor in subject.module().state_dict().values():
            tensor.zero_()
        torch.manual_seed(subject.epoch)
        torch.rand(5)
        subject.generator("draw").manual_seed(1)
        return {"broken": 1.0}


@pytest.mark.parametrize("recipe", [{}, {"crop": 1}])
@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_a_probe_that_overwrites_all_that_it_is_given_changes_no_bit(model, recipe, monkeypatch):
    register(monkeypatch, "vandal", Vandal, ["broken"])
    shape = {"model_options": {"channels": (4, 8)}} if model == "convnet" else {}
    task = component("synthetic_images", {"examples": 60, "size": 8, "classes": 3})
    cell = replace(make_cell("rigl", model=model, momentum=0.9, **recipe, **shape), dataset=task)
    plain = train(cell)[cell.id]
    probed = train(cell, probes={cell.id: [{"name": "vandal"}, ASKED]})[cell.id]
    assert probed.state == "COMPLETED", probed.error
    assert probed.curve["broken"] == [1.0, 1.0, 1.0]
    assert plain.metrics.items() <= probed.metrics.items()
    assert plain.curve == {name: probed.curve[name] for name in plain.curve}
    assert plain.layers == probed.layers
    # Nor is another probe, or the next cell on the same data, any the wiser.
    assert probed.curve["seen_val_accuracy"][-1] == plain.curve["val_accuracy"][-1]
    assert train(cell)[cell.id].metrics == plain.metrics


class Diary(Probe):
    """Notes when it is called, and keeps it where a checkpoint finds it."""

    def __init__(self, options):
        super().__init__(options)
        self.updates = []

    def due_at_start(self):
        return True

    def measure(self, subject):
        return {"epochs_then": float(subject.epoch)}

    def sees_update(self, step, steps_per_epoch):
        return step <= steps_per_epoch

    def after_update(self, subject, step):
        self.updates.append([step, subject.epoch])

    def curves(self, points):
        return [(epoch, {"epochs_then": 10.0 * epoch}) for epoch in (0, 1, 5)]

    def summarise(self, points):
        measured = [epoch for epoch, _ in points]
        assert measured == [0, 5]
        return {"updates_seen": float(len(self.updates)), "last_seen": float(self.updates[-1][0])}

    def state(self):
        return {"updates": self.updates}

    def load_state(self, state):
        self.updates = list(state["updates"])


def test_a_probe_sees_the_start_and_updates_and_goes_on_where_it_was(monkeypatch, tmp_path):
    register(monkeypatch, "diary", Diary, ["updates_seen", "last_seen"])
    cell = make_cell("set", options={"update_every": 2}, epochs=5)
    probes = {cell.id: [{"name": "diary"}]}
    whole = train(cell, probes=probes)[cell.id]
    assert whole.state == "COMPLETED", whole.error
    assert whole.curve["epochs_then"] == [10.0, None, None, None, 50.0]
    seen = whole.metrics["updates_seen"]
    assert seen > 1
    assert whole.metrics["last_seen"] == 2 * seen
    polls = iter(range(10_000))
    train_reported(
        cell, probes=probes, checkpoint_folder=tmp_path, should_stop=lambda: next(polls) >= 3
    )
    rest = train(cell, probes=probes, resume_from=sorted(tmp_path.glob("*.pt")))[cell.id]
    assert rest.resumed_step > 0
    assert (rest.metrics, rest.curve) == (whole.metrics, whole.curve)


def test_a_probe_of_dense_weights_is_refused_where_there_are_none(monkeypatch):
    conditions = Conditions(cell=cell_of("mlp", None), classes=3, input_shape=(8,), pixels=False)
    monkeypatch.setattr(Conditions, "storage", "csr")
    with pytest.raises(ValueError, match=r"looks at dense weights.*is csr; allowed: masked"):
        Probing([ASKED]).refuse_unfit(conditions)


def test_a_layer_is_shown_as_it_is():
    cell = make_cell("static", momentum=0.9)
    engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
    engine.backward(Feed(engine.workload, [cell.seed]).batch(1), 1)
    engine.optimizer_step(1.0)
    subject = Subject(engine, 0, epoch=1, final=False)
    for shown, live in zip(subject.layers, engine.layers(0), strict=True):
        assert (shown.name, shown.transposed) == (live.name, live.transposed)
        for name in ("weight", "mask", "gradient", "bias"):
            assert torch.equal(getattr(shown, name), getattr(live, name)), name
        for own, other in ((shown.slots(), live.slots()), (shown.bias_slots(), live.bias_slots())):
            assert own.keys() == other.keys() == {"momentum_buffer"}
            assert all(torch.equal(own[name], other[name]) for name in own)


def test_a_probe_that_breaks_fails_its_cell_alone():
    guilty, other = make_cell(seed=0), make_cell(seed=1)
    outcomes = train(guilty, other, probes={guilty.id: [{"name": "weight_sum", "fails": True}]})
    assert outcomes[guilty.id].state == "FAILED"
    assert outcomes[guilty.id].error["phase"] == "probe weight_sum(fails=true)"
    assert outcomes[other.id].state == "COMPLETED"


class Named(Probe):
    """Gives what it registers, or else what the test says."""

    curve, metric = "own", "own"

    def measure(self, subject):
        return {self.curve: 1.0}

    def summarise(self, points):
        return {self.metric: 1.0}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"metric": "test_accuracy"}, "metric test_accuracy is not in its registration"),
        ({"metric": "another"}, "metric another is not in its registration"),
        ({"curve": "val_accuracy"}, "curve val_accuracy is given by something else"),
        ({"curve": "weight_sum"}, "curve weight_sum is given by something else"),
    ],
)
def test_a_name_that_is_not_the_probes_own_fails_its_cell_alone(given, said, monkeypatch):
    register(monkeypatch, "named", type("Renamed", (Named,), given), ["own"])
    guilty, other = make_cell(seed=0), make_cell(seed=1)
    found = train(guilty, other, probes={guilty.id: [ASKED, {"name": "named"}], other.id: [ASKED]})
    assert (found[guilty.id].state, found[guilty.id].metrics) == ("FAILED", {})
    assert found[guilty.id].error["phase"] == "probe named"
    assert found[guilty.id].error["message"] == f"probe named: {said}"
    assert len(found[guilty.id].curve["epoch"]) == 3
    assert found[other.id].state == "COMPLETED"
    assert found[other.id].stack_width == 2


@pytest.mark.parametrize("metric", ["test_accuracy", "clean_test_loss", "weight_sum"])
def test_a_metric_that_something_else_gives_is_refused_before_training(metric, monkeypatch):
    register(monkeypatch, "named", Named, [metric])
    cell = replace(
        make_cell(epochs=1),
        dataset=component("synthetic_images", {"examples": 60, "size": 8, "classes": 3}),
        scenario=component("corrupted", {"corruption": "brightness"}),
    )
    found = train(cell, probes={cell.id: [ASKED, {"name": "named"}]})[cell.id]
    assert (found.state, found.error["phase"]) == ("FAILED", "probe named")
    assert found.error["message"] == f"probe named: metric {metric} is given by something else"
    with pytest.raises(ValueError, match=metric) if metric != "clean_test_loss" else nullcontext():
        describe()


class Picky(Probe):
    """Measures dense cells only, and fails when it sums up."""

    def refuse_unfit(self, conditions):
        if conditions.cell.method.name != "dense":
            raise ValueError("dense cells only")

    def measure(self, subject):
        return {"own": 1.0}

    def summarise(self, points):
        raise KeyError("lost")


def test_a_probe_refuses_a_cell_before_training_and_an_error_at_the_end_is_its_cells(monkeypatch):
    register(monkeypatch, "picky", Picky, ["own"])
    unfit, guilty, other = make_cell("set"), make_cell(seed=0), make_cell(seed=1)
    asked = [{"name": "picky"}]
    found = train(unfit, guilty, other, probes={unfit.id: asked, guilty.id: asked})
    refused = found[unfit.id].error
    assert (refused["phase"], refused["message"]) == (
        "probe picky",
        "probe picky: dense cells only",
    )
    assert found[guilty.id].state == "FAILED"
    assert (found[guilty.id].error["type"], found[guilty.id].error["phase"]) == (
        "KeyError", "probe picky",
    )  # fmt: skip
    assert found[other.id].state == "COMPLETED"


def test_a_probe_of_pixels_is_refused_before_training_on_inputs_that_are_none(monkeypatch):
    entry = PROBES.get("weight_sum")
    taking = dataclasses.replace(entry, traits={**entry.traits, "needs_pixels": True})
    monkeypatch.setitem(PROBES._entries, "weight_sum", taking)
    plain, augmented = make_cell(dataset="digits"), make_cell(dataset="digits", crop=1)
    probes = {plain.id: [ASKED], augmented.id: [ASKED]}
    outcome = train(plain, probes=probes)[plain.id]
    assert (outcome.state, outcome.error["phase"]) == ("FAILED", "probe weight_sum")
    assert "probe weight_sum takes pixels" in outcome.error["message"]
    assert train(augmented, probes=probes)[augmented.id].state == "COMPLETED"


def test_a_probe_of_some_models_refuses_a_cell_of_another(monkeypatch):
    entry = PROBES.get("weight_sum")
    choosy = dataclasses.replace(entry, traits={**entry.traits, "models": {"names": ["lenet5"]}})
    monkeypatch.setitem(PROBES._entries, "weight_sum", choosy)
    cell = make_cell(model_options={"hidden": (8,)}, epochs=1)
    error = train(cell, probes={cell.id: [ASKED]})[cell.id].error
    said = "probe weight_sum does not work on model mlp(hidden=[8]); allowed: lenet5"
    assert (error["phase"], error["message"]) == ("probe weight_sum", said)
    choosy.traits["models"]["names"].append("mlp")
    assert train(cell, probes={cell.id: [ASKED]})[cell.id].state == "COMPLETED"


def test_an_unknown_probe_or_option_fails_the_cell_with_its_name():
    for asked in ({"name": "weightsum"}, {"name": "weight_sum", "evry": 3}):
        cell = make_cell()
        outcome = train(cell, probes={cell.id: [asked]})[cell.id]
        assert outcome.state == "FAILED"
        assert "weight_sum" in outcome.error["message"] or "every" in outcome.error["message"]
