"""What the data of a cell is made from, and names that were registered without options."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from tests.support.cells import component, make_cell, train
from tests.support.registering import registered
from trainer.data import DATASETS
from trainer.loading import load_bundle
from trainer.models import MODELS
from trainer.models.mlp import MLPOptions
from trainer.probes import PROBES
from trainer.probes.base import Probe
from trainer.scenarios import SCENARIOS
from trainer.scenarios.base import Scenario
from trainer.sources import Sources

NEEDS = [
    {"cell": {"scenario": "clean"}, "artifact": "el2n@3", "unless": {"data_ratio": "1"}},
    {"cell": {"scenario": "clean"}, "artifact": None},
]


class Watching(Scenario):
    """Notes what it is shown."""

    seen: ClassVar[list[dict[str, Path]]] = []

    def subset(self, splits, ratio, sources):
        self.seen.append(dict(sources.inputs))
        return super().subset(splits, ratio, sources)

    def transform(self, splits, sources):
        self.seen.append(dict(sources.inputs))
        return super().transform(splits, sources)


class Counting(Probe):
    """Measures that it was asked."""

    def measure(self, subject):
        return {"asked": float(subject.epoch)}


@pytest.fixture
def watching(monkeypatch):
    monkeypatch.setattr(Watching, "seen", [])
    with registered(SCENARIOS, "watching", Watching, summary="", needs=NEEDS):
        yield Watching.seen


def given(cell, **inputs) -> Sources:
    return Sources(dataset=cell.dataset, inputs={n.replace("_", "@"): p for n, p in inputs.items()})


@pytest.mark.parametrize(
    ("ratio", "shown"), [("0.5", [{"el2n@3": Path("scores")}] * 2), ("1", [{}])]
)
def test_a_scenario_is_shown_the_inputs_of_its_own_needs_alone(ratio, shown, watching):
    cell = replace(make_cell(data_ratio=ratio), scenario=component("watching", {}))
    load_bundle(cell, given(cell, el2n_3=Path("scores"), rewind_3=Path("weights")), "cpu")
    assert watching == shown


def test_cells_share_their_data_whatever_their_methods_begin_with(watching):
    cell = replace(make_cell(data_ratio="0.5"), scenario=component("watching", {}))
    first = load_bundle(cell, given(cell, el2n_3=Path("a"), final=Path("b")), "cpu")
    assert load_bundle(cell, given(cell, el2n_3=Path("a"), final=Path("c")), "cpu") is first
    assert load_bundle(cell, given(cell, el2n_3=Path("d"), final=Path("b")), "cpu") is not first


def test_a_cell_of_names_that_were_registered_without_options_is_trained():
    synthetic, mlp = DATASETS.get("synthetic"), MODELS.get("mlp")
    task = synthetic.chosen({"examples": 123, "features": 13, "classes": 3})
    plain = component("plain", {})
    cell = replace(make_cell(), dataset=plain, scenario=plain, model=plain)
    metric = {"name": "asked", "unit": "", "better": "", "help": ""}
    with (
        registered(
            DATASETS, "plain", lambda _, root: synthetic.target(task, root), summary="",
            needs_root=False,
        ),
        registered(SCENARIOS, "plain", Scenario, summary=""),
        registered(
            MODELS, "plain", lambda _, *shape: mlp.target(MLPOptions(hidden=(5,)), *shape),
            summary="", stackable=True,
        ),
        registered(PROBES, "plain", Counting, summary="", metrics=[metric]),
    ):  # fmt: skip
        outcome = train(cell, inputs={}, probes={cell.id: [{"name": "plain"}]})[cell.id]
    assert (outcome.state, outcome.error) == ("COMPLETED", None)
    assert outcome.metrics["asked"] == 3.0
