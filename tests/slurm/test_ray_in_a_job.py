"""The example in docs/examples: a Ray cluster inside a job, and nothing left of it afterwards."""

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console import sparsesweep
from tests.support.daemons import processes_with
from tests.support.slurm_cluster import SlurmCluster, own_cluster
from tests.support.slurm_config import NODES

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "docs" / "examples" / "ray_on_slurm.sbatch"

GRID = """\
name: quick
base: {dataset: digits, model: {name: mlp, hidden: [32]}, recipe: {epochs: 3}}
axes: {method: [omp, set], density: [0.1, 0.2]}
seeds: 2
"""

LONG = """\
name: long
base: {dataset: digits, model: {name: mlp, hidden: [128, 128]}, recipe: {epochs: 100000}}
axes: {method: [static], density: [0.2]}
seeds: 2
"""

pytestmark = [pytest.mark.slurm, pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def slurm() -> Iterator[SlurmCluster]:
    """A cluster whose jobs have numbers of their own, and so ports and folders.

    And its nodes have addresses of their own: of 127.0.0.1 Ray makes this machine's public one.
    """
    first = 1000 + secrets.randbelow(20_000)
    for cluster in own_cluster(accounting=False, settings={"FirstJobId": first}):
        for node, address in zip(NODES, ("127.0.0.2", "127.0.0.3"), strict=True):
            cluster.run("scontrol", "update", f"nodename={node}", f"nodeaddr={address}")
        yield cluster


class Job:
    """The script, submitted for a grid with one CPU on each of two nodes."""

    def __init__(self, slurm: SlurmCluster, folder: Path, grid: str) -> None:
        path = folder / "grid.yaml"
        path.write_text(grid)
        self.slurm, self.store, self.output = slurm, folder / "results", folder / "out"
        found = f"PATH={Path(sys.executable).parent}:{os.environ['PATH']},PYTHONPATH={ROOT}"
        self.id = slurm.run(
            "sbatch", "--parsable", "--cpus-per-task=1", f"--output={self.output}",
            f"--export=ALL,{found}", str(SCRIPT), str(path), "--store", str(self.store), cwd=folder,
        )  # fmt: skip

    def state(self) -> str:
        return self.slurm.squeue()[self.id]

    def said(self) -> str:
        return self.output.read_text() if self.output.exists() else ""

    def wait_for(self, *states: str, seconds: float = 180) -> None:
        ended = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT"}
        self.slurm.wait_until(lambda: self.state() in ended | set(states), seconds, f"{states}")
        assert self.state() in states, self.said()

    def processes(self) -> set[int]:
        """What runs with this job's folder for Ray in its environment."""
        return processes_with(f"RAY_FOLDER=/tmp/ray-{self.id}")

    def leaves_nothing(self) -> bool:
        return not self.processes() and not Path(f"/tmp/ray-{self.id}").exists()


def test_the_table_is_that_of_a_run_without_ray_and_nothing_is_left(
    slurm: SlurmCluster, tmp_path: Path
) -> None:
    job = Job(slurm, tmp_path, GRID)
    job.wait_for("COMPLETED")
    assert "8 of 8 cells have results; 10 trained" in job.said()
    inline = tmp_path / "inline"
    done = sparsesweep("run", tmp_path / "grid.yaml", "--backend", "inline", "--store", inline)
    assert done.code == 0, done.err
    tables = [sparsesweep("table", "--format", "csv", "--store", s) for s in (job.store, inline)]
    assert tables[0].out == tables[1].out
    assert job.leaves_nothing()


def test_a_job_that_is_told_to_end_saves_its_work_and_leaves_nothing(
    slurm: SlurmCluster, tmp_path: Path
) -> None:
    job = Job(slurm, tmp_path, LONG)
    slurm.wait_until(lambda: list(job.store.glob("logs/*/*.heartbeat.json")), 120, "work")
    slurm.run("scancel", "--batch", "--signal=TERM", job.id)
    job.wait_for("FAILED", seconds=90)  # as sparsesweep ends when it is told to stop, with 130
    assert list(job.store.glob("checkpoints/*/*")) != []
    assert job.leaves_nothing()


def test_a_ray_of_a_neighbour_is_not_stopped(slurm: SlurmCluster, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    long, short = Job(slurm, folders[0], LONG), Job(slurm, folders[1], GRID)
    slurm.wait_until(lambda: list(long.store.glob("logs/*/*.heartbeat.json")), 120, "work")
    short.wait_for("COMPLETED")
    assert short.leaves_nothing()
    assert long.state() == "RUNNING"
    assert long.processes() != set()
    slurm.run("scancel", "--batch", "--signal=TERM", long.id)
    long.wait_for("FAILED", seconds=90)
    assert long.leaves_nothing()
