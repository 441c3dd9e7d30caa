"""A package that adds a method: installed beside sparsesweep, and named in a grid."""

import json
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.support.console import sparsesweep
from tests.support.environments import EXAMPLES, ROOT, Environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

EXAMPLE = EXAMPLES / "rewire"

GRID = """\
name: mine
base: {dataset: digits, model: {name: mlp, hidden: [32]}, recipe: {epochs: 2}}
axes:
  method: [static, {name: rewire, share: 0.2, update_every: 5}]
  density: [0.1, 0.3]
seeds: 2
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the example's package installed."""
    environment = Environment(tmp_path_factory.mktemp("environment"))
    environment.install(EXAMPLE)
    return environment


def test_a_method_of_an_installed_package_is_listed_trained_and_recorded(
    environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(GRID)
    assert "swap random active weights" in environment.sparsesweep(tmp_path, "methods")
    described = environment.sparsesweep(tmp_path, "methods", "rewire")
    assert "share of a layer's active weights" in described
    environment.sparsesweep(tmp_path, "run", "mine.yaml", "--backend", "inline")
    table = environment.sparsesweep(tmp_path, "table", "mine.yaml", "--format", "csv")
    assert table.count("rewire") == 2
    results = pyarrow.parquet.read_table(tmp_path / "results" / "tables" / "results.parquet")
    rewired = [row for row in results.to_pylist() if row["method"] == "rewire"]
    assert len(rewired) == 4
    for row in rewired:
        assert row["state"] == "COMPLETED"
        assert row["explored_rate"] > row["realised_density"]
        assert json.loads(row["plugins"]) == ["sparsesweep-rewire 1.0"]


def test_without_the_package_the_name_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(GRID)
    said = sparsesweep("plan", tmp_path / "mine.yaml")
    assert said.code == 2
    assert "unknown method 'rewire'" in said.err


def test_the_example_is_short_and_shown_whole_in_the_guide() -> None:
    text = (EXAMPLE / "rewire.py").read_text()
    assert len([line for line in text.splitlines() if line.strip()]) <= 45
    assert text in (ROOT / "CONTRIBUTING.md").read_text()
