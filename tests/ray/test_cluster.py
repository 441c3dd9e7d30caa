"""A grid on a Ray cluster of several nodes: the table is that of a run in this process."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console import sparsesweep
from tests.support.ray_nodes import RayNodes, missing

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]

QUICK = """\
name: quick
base: {dataset: digits, model: {name: mlp, hidden: [32]}, recipe: {epochs: 3}}
axes: {method: [omp, set], density: [0.1, 0.2]}
seeds: 2
"""

LONG = """\
name: long
base: {dataset: digits, model: {name: mlp, hidden: [128, 128]}, recipe: {epochs: 800}}
axes: {method: [static, rigl], density: [0.2]}
seeds: 2
"""


@pytest.fixture
def cluster() -> Iterator[RayNodes]:
    reason = missing()
    if reason is not None:
        ci = os.environ.get("CI", "").lower() == "true"
        (pytest.fail if ci else pytest.skip)(reason)
    with RayNodes(workers=2) as nodes:
        yield nodes


def table_of(text: str, folder: Path) -> str:
    """The table of a grid that ran in this process."""
    path, store = folder / "inline.yaml", folder / "inline"
    path.write_text(text)
    assert sparsesweep("run", path, "--backend", "inline", "--store", store).code == 0
    return sparsesweep("table", "--format", "csv", "--store", store).out


def test_it_can_be_reached_from_nowhere(cluster: RayNodes) -> None:
    assert cluster.interfaces() == {"lo"}


def test_the_table_equals_that_of_a_run_without_ray(cluster: RayNodes, tmp_path: Path) -> None:
    grid, store = tmp_path / "quick.yaml", tmp_path / "results"
    grid.write_text(QUICK)
    options = ("--backend", "ray", "--address", cluster.address, "--store", store)
    code, said = cluster.run("run", grid, *options)
    assert code == 0, said + cluster.logs()
    assert "8 of 8 cells have results; 10 trained" in said
    assert sparsesweep("table", "--format", "csv", "--store", store).out == table_of(
        QUICK, tmp_path
    )
    assert len(list((store / "code").iterdir())) == 1
    grid.write_text(QUICK.replace("seeds: 2", "seeds: 3"))
    code, said = cluster.run("run", grid, "--store", store)
    assert code == 0, said
    assert f"Ray cluster {cluster.address}, as in the last run of quick" in said


def test_a_node_that_is_killed_costs_time_only(cluster: RayNodes, tmp_path: Path) -> None:
    grid, store = tmp_path / "long.yaml", tmp_path / "results"
    grid.write_text(LONG)
    options = ("--backend", "ray", "--address", cluster.address, "--store", store)
    with cluster.popen("run", grid, *options) as run:
        at_work(store, workers=2)
        cluster.kill_node("n2")
        said, _ = run.communicate(timeout=200)
    assert run.returncode == 0, said + cluster.logs()
    assert "4 of 4 cells have results" in said
    assert sparsesweep("table", "--format", "csv", "--store", store).out == table_of(LONG, tmp_path)
    assert len(list(store.glob("logs/*/*.log"))) == 3


def at_work(store: Path, *, workers: int) -> None:
    """Wait until so many workers have told of steps that they took."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        beats = [json.loads(path.read_text()) for path in store.glob("logs/*/*.heartbeat.json")]
        if sum(beat["step"] > 0 for beat in beats) >= workers:
            return
        time.sleep(0.2)
    raise TimeoutError(f"fewer than {workers} workers were heard")
