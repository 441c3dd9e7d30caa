"""Metrics: what tables know of them is what the trainer says of them."""

import pytest

from orchestrator.answers.measurements import BETTER
from orchestrator.answers.results import RENAMED
from orchestrator.store.schema import TABLES
from trainer.metrics import METRICS, joined
from trainer.probes import PROBES

COLUMNS = {column.name for column in TABLES["results"] if column.origin == "metric"}


def test_the_better_end_of_every_metric_is_the_trainers() -> None:
    said = {RENAMED.get(metric["name"], metric["name"]): metric["better"] for metric in METRICS}
    assert dict(BETTER) == said


def test_every_metric_has_a_column() -> None:
    assert {RENAMED.get(metric["name"], metric["name"]) for metric in METRICS} == COLUMNS


def test_no_probe_gives_a_metric_of_another() -> None:
    names = [metric["name"] for metric in METRICS]
    for name in PROBES.names():
        names += [metric["name"] for metric in PROBES.get(name).traits["metrics"]]
    assert sorted(set(names)) == sorted(names)
    assert not set(names[len(METRICS) :]) & COLUMNS


def test_every_metric_of_a_probe_says_which_end_is_better() -> None:
    for name in PROBES.names():
        for metric in PROBES.get(name).traits["metrics"]:
            assert metric.keys() == {"name", "unit", "better", "help"}, name
            assert metric["better"] in ("higher", "lower"), name


def test_of_two_values_with_one_name_neither_hides_the_other() -> None:
    assert joined({"test_accuracy": 0.5}, {}, {"height": 1.0}) == {
        "test_accuracy": 0.5,
        "height": 1.0,
    }
    with pytest.raises(ValueError, match="given twice: test_accuracy"):
        joined({"test_accuracy": 0.5}, {"height": 1.0}, {"test_accuracy": 0.9})
