"""What a person's own package brings, trained by workers of Ray."""

import json
from pathlib import Path

import pytest

from tests.support.chips import write_chips
from tests.support.environments import EXAMPLES, Environment

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(240)]

GRID = """\
name: ours
base:
  dataset: chips
  model: {name: separable, channels: [4, 8]}
  scenario: label_noise
  recipe: {epochs: 2, batch: 16}
axes: {method: [static, set], density: [0.5]}
seeds: 2
probes: [weight_norms]
"""


def test_workers_train_what_the_package_brings_and_record_its_version(tmp_path: Path) -> None:
    environment = Environment(tmp_path / "environment")
    environment.install(EXAMPLES / "ourlab")
    (tmp_path / "ours.yaml").write_text(GRID)
    options = ("--backend", "ray", "--slots", "2", "--data-root", write_chips(tmp_path / "data"))
    said = environment.sparsesweep(tmp_path, "run", "ours.yaml", *options)
    assert "4 of 4 cells have results" in said
    columns = "backend, plugins, dataset, model, scenario, metric"
    query = f"SELECT DISTINCT {columns} FROM results JOIN metrics USING (cell)"
    [row] = json.loads(environment.sparsesweep(tmp_path, "query", query, "--format", "json"))
    assert row == {
        "backend": "ray", "plugins": '["ourlab 1.0"]', "dataset": "chips", "model": "separable",
        "scenario": "label_noise", "metric": "weight_norm",
    }  # fmt: skip
