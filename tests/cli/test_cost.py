"""sparsesweep cost: what a grid took, as text, CSV and JSON."""

import csv
import json
from pathlib import Path

from orchestrator.store.layout import Store
from orchestrator.submissions.submission import publish_submission
from tests.support.console import sparsesweep
from tests.support.grids import a_cell, publish_results
from tests.support.runs import a_submission


def a_store(folder: Path) -> Path:
    """Two cells of an hour each, of which one told its energy."""
    store = Store.create(folder / "results")
    cells = [a_cell("set"), a_cell("rigl")]
    publish_results(store, cells[:1], seconds=3600.0, device_seconds=1800.0, energy_j=3.6e6)
    publish_results(store, cells[1:], seconds=3600.0, device_seconds=1800.0)
    publish_submission(store, a_submission("digits", 1, cells))
    return store.root


def test_the_ledger_is_a_table_for_people(tmp_path: Path) -> None:
    said = sparsesweep("cost", "--store", a_store(tmp_path))
    lines = said.out.splitlines()
    assert lines[0].startswith("digits: 2 of 2 cells were trained")
    assert lines[1].split() == [
        "attempts", "device-hours", "share", "GPU-hours", "worker-hours", "core-hours", "kWh"
    ]  # fmt: skip
    assert lines[2].split() == ["all", "2", "2", "100", "%", "0", "2", "1", "1"]
    assert "method rigl" in said.out
    assert "not told" in said.out
    assert "CO2" not in said.out


def test_emissions_are_told_only_with_an_intensity(tmp_path: Path) -> None:
    said = sparsesweep("cost", "--store", a_store(tmp_path), "--carbon", "0.4")
    assert "kg CO2e" in said.out
    assert said.out.splitlines()[2].split()[-1] == "0.4"


def test_scripts_get_csv_and_json(tmp_path: Path) -> None:
    root = a_store(tmp_path)
    plain = json.loads(sparsesweep("cost", "--store", root, "--format", "json").out)
    assert plain["total"]["device_hours"] == 2.0
    rows = list(
        csv.DictReader(sparsesweep("cost", "--store", root, "--format", "csv").out.splitlines())
    )
    assert (rows[0]["part"], rows[0]["worker_hours"]) == ("all", "2.0")
    assert {row["name"] for row in rows if row["part"] == "method"} == {"set", "rigl"}


def test_a_file_is_written_and_a_wrong_format_refused(tmp_path: Path) -> None:
    root, file = a_store(tmp_path), tmp_path / "cost.csv"
    assert sparsesweep("cost", "--store", root, "--format", "csv", "-o", file).code == 0
    assert file.read_text().startswith("part,name,attempts,")
    said = sparsesweep("cost", "--store", root, "--format", "jsn")
    assert said.code == 2
    assert "did you mean 'json'" in said.err
