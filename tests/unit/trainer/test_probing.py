"""Probes of a cell: when they are due, what becomes of what they find; and nothing else changes."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest

from sparse.options import option
from sparse.registry import Entry
from tests.support.cells import make_cell, train, train_reported
from trainer.probes import PROBES
from trainer.probes.base import Probe
from trainer.probing import canonical


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


METRICS = [
    {"name": name, "unit": "1", "better": "lower", "help": "a number"}
    for name in (
        "weight_sum", "seen_val_accuracy", "gradient_norm", "was_final", "measured_epochs",
    )
]  # fmt: skip


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    entry = Entry(
        name="weight_sum", summary="", target=WeightSum, options=SumOptions, semantics=1,
        traits={"metrics": METRICS, "needs_pixels": False},
    )  # fmt: skip
    monkeypatch.setitem(PROBES._entries, "weight_sum", entry)


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


def test_a_probe_that_breaks_fails_its_cell_alone():
    guilty, other = make_cell(seed=0), make_cell(seed=1)
    outcomes = train(guilty, other, probes={guilty.id: [{"name": "weight_sum", "fails": True}]})
    assert outcomes[guilty.id].state == "FAILED"
    assert "weight_sum" in outcomes[guilty.id].error["phase"]
    assert outcomes[other.id].state == "COMPLETED"


def test_a_probe_of_pixels_is_refused_before_training_on_inputs_that_are_none(monkeypatch):
    entry = PROBES.get("weight_sum")
    taking = dataclasses.replace(entry, traits={**entry.traits, "needs_pixels": True})
    monkeypatch.setitem(PROBES._entries, "weight_sum", taking)
    plain, augmented = make_cell(dataset="digits"), make_cell(dataset="digits", crop=1)
    probes = {plain.id: [ASKED], augmented.id: [ASKED]}
    outcome = train(plain, probes=probes)[plain.id]
    assert (outcome.state, outcome.error["phase"]) == ("FAILED", "prepare")
    assert "probe weight_sum takes pixels" in outcome.error["message"]
    assert train(augmented, probes=probes)[augmented.id].state == "COMPLETED"


def test_an_unknown_probe_or_option_fails_the_cell_with_its_name():
    for asked in ({"name": "weightsum"}, {"name": "weight_sum", "evry": 3}):
        cell = make_cell()
        outcome = train(cell, probes={cell.id: [asked]})[cell.id]
        assert outcome.state == "FAILED"
        assert "weight_sum" in outcome.error["message"] or "every" in outcome.error["message"]
