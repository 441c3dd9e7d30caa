"""A package that adds a method: installed beside sparsesweep, and named in a grid."""

import json
import os
import site
import subprocess
import sys
import venv
from pathlib import Path

import pyarrow.parquet
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "rewire"

GRID = """\
name: mine
base: {dataset: digits, model: {name: mlp, hidden: [32]}, recipe: {epochs: 2}}
axes:
  method: [static, {name: rewire, share: 0.2, update_every: 5}]
  density: [0.1, 0.3]
seeds: 2
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the packages of this one, and the example's."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    places = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    (Path(places) / "shared.pth").write_text("\n".join(site.getsitepackages()))
    source = folder / "source"
    source.mkdir()
    for file in EXAMPLE.iterdir():
        if file.is_file():
            (source / file.name).write_bytes(file.read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
         "--no-build-isolation", "--disable-pip-version-check", "--target", places, source],
        check=True,
    )  # fmt: skip
    return python


def sparsesweep(python: Path, folder: Path, *arguments: str) -> str:
    """What the command line says in that environment."""
    cache = {"XDG_CACHE_HOME": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [python, "-m", "orchestrator.cli", *arguments],
        cwd=folder, env={**os.environ, **cache}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_method_of_an_installed_package_is_listed_trained_and_recorded(
    python: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(GRID)
    assert "swap random active weights" in sparsesweep(python, tmp_path, "methods")
    assert "share of a layer's active weights" in sparsesweep(python, tmp_path, "methods", "rewire")
    sparsesweep(python, tmp_path, "run", "mine.yaml", "--backend", "inline")
    table = sparsesweep(python, tmp_path, "table", "mine.yaml", "--format", "csv")
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
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", "plan", "mine.yaml"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "unknown method 'rewire'" in done.stderr


def test_the_example_is_short_and_shown_whole_in_the_guide() -> None:
    text = (EXAMPLE / "rewire.py").read_text()
    assert len([line for line in text.splitlines() if line.strip()]) <= 45
    assert text in (ROOT / "CONTRIBUTING.md").read_text()
