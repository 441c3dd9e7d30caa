"""Rows: a record's values in typed columns, and nothing lost that has none."""

import json
import math
from datetime import UTC, datetime

from orchestrator.store.rows import curve_columns, fields_of, layer_rows, metric_rows, result_row
from tests.support.records import PROVENANCE, attempt, failure, fields, record


def test_the_columns_of_a_completed_attempt() -> None:
    row = result_row(record(1, supersedes=("a",)))
    expected = {
        "attempt": attempt(1),
        "state": "COMPLETED",
        "method": "rigl",
        "method_options": '{"update_every":100}',
        "density": 0.05,
        "density_text": "0.05",
        "allocation_options": "{}",
        "model_options": '{"hidden":[256,256]}',
        "lr": 0.1,
        "epochs": 20,
        "seed": 0,
        "test_accuracy": 0.9,
        "realised_density": 0.05,
        "started_at": datetime(2026, 11, 20, 12, tzinfo=UTC),
        "seconds": 2.5,
        "plugins": "[]",
        "supersedes": ["a"],
        "curve": False,
        "other": None,
        "schema": 1,
    }
    assert {name: row[name] for name in expected} == expected
    assert json.loads(row["recipe"])["momentum"] == 0.9


def test_a_failure_keeps_what_it_said() -> None:
    row = result_row(failure())
    assert (row["error_type"], row["error_phase"]) == ("RuntimeError", "training")
    assert "test_accuracy" not in row


def test_what_has_no_column_or_does_not_fit_it_is_kept_as_json() -> None:
    odd = record(
        fields=fields(**{"teacher": "big", "seed": "seven"}),
        provenance={**PROVENANCE, "rack": 7, "stack_width": "six", "pack_size": True},
        error={"type": "X", "hint": "reboot"},
    )
    row = result_row(odd)
    assert json.loads(row["other"]) == {
        "error": {"hint": "reboot"},
        "field": {"seed": "seven", "teacher": "big"},
        "provenance": {"pack_size": True, "rack": 7, "stack_width": "six"},
    }
    assert row.get("stack_width") is None


def test_the_fields_of_a_cell_come_back_from_its_row() -> None:
    for flat in (
        fields(),
        fields(**{"recipe.milestones": [0.5, 0.75], "recipe.clip_norm": None, "teacher.x": 1}),
        fields(density=0.05),
    ):
        assert fields_of(result_row(record(fields=flat))) == flat


def test_known_metrics_have_columns_and_all_others_rows() -> None:
    rows = metric_rows(record(metrics={"test_accuracy": 0.9, "robust": 0.4, "odd": math.inf}))
    assert [(row["metric"], row["value"]) for row in rows] == [("robust", 0.4), ("odd", math.inf)]


def test_a_curve_becomes_a_row_per_point() -> None:
    columns = curve_columns(
        record(), {"step": [45.0, 90.0], "val_loss": [None, 0.5], "gamma": [1.0, math.nan]}
    )
    assert columns["point"] == [0, 1]
    assert columns["step"] == [45, 90]
    assert columns["val_loss"] == [None, 0.5]
    assert columns["epoch"] == [None, None]
    assert columns["other"] == ['{"gamma":1.0}', '{"gamma":"nan"}']
    assert columns["cell"] == [record().cell] * 2


def test_a_layer_becomes_a_row_with_its_density() -> None:
    layers = [
        {"layer": "fc1", "shape": [4, 2], "total": 8, "active": 2},
        {"layer": "fc2", "shape": [2], "total": 2, "active": 1, "cell": "?", "norm": 0.5},
    ]
    first, second = layer_rows(record(layers=layers))
    assert (first["position"], first["shape"], first["density"]) == (0, [4, 2], 0.25)
    assert second["cell"] == record().cell
    assert second["other"] == '{"cell":"?","norm":0.5}'
