"""Metrics: what tables know of them is what the trainer says of them."""

from orchestrator.answers.results import RENAMED
from orchestrator.answers.tables import BETTER
from orchestrator.store.schema import TABLES
from trainer.metrics import METRICS

COLUMNS = {column.name for column in TABLES["results"] if column.origin == "metric"}


def test_the_better_end_of_every_metric_is_the_trainers() -> None:
    said = {RENAMED.get(metric["name"], metric["name"]): metric["better"] for metric in METRICS}
    assert dict(BETTER) == said


def test_every_metric_has_a_column() -> None:
    assert {RENAMED.get(metric["name"], metric["name"]) for metric in METRICS} == COLUMNS
