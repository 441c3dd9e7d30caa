"""What goes wrong on a cluster with accounts, and with whoever submits: nothing lost or doubled.

The cluster forgets jobs seconds after their end, so that only the accounts can tell what became of
them, and its nodes stay down until they are resumed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.store.index import load_index
from orchestrator.store.layout import Store
from tests.support.console import sparsesweep
from tests.support.slurm_cluster import SlurmCluster, own_cluster
from tests.support.slurm_site import Site

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]

LONG = """\
name: long
base: {dataset: digits, model: {name: mlp, hidden: [128, 128]}, recipe: {epochs: 600}}
axes: {method: [static, rigl], density: [0.2]}
seeds: 2
"""

LONGER = LONG.replace("epochs: 600", "epochs: 1500")

MANY = """\
name: many
base: {dataset: digits, model: {name: mlp, hidden: [16]}, recipe: {epochs: 2}}
axes: {method: [static, set, snip], density: [0.1, 0.2]}
seeds: 4
"""


@pytest.fixture(scope="module")
def forgetful() -> Iterator[SlurmCluster]:
    yield from own_cluster(accounting=True, settings={"MinJobAge": 2, "ReturnToService": 0})


@pytest.fixture
def site(
    tmp_path: Path, forgetful: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    monkeypatch.setenv("SLURM_CONF", forgetful.environment()["SLURM_CONF"])
    yield Site(tmp_path, forgetful)
    forgetful.reset()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The table of a grid that ran in a process of its own, without a scheduler."""

    def table(text: str) -> str:
        folder = tmp_path_factory.mktemp("inline")
        path, store = folder / "grid.yaml", folder / "results"
        path.write_text(text)
        assert sparsesweep("run", path, "--backend", "inline", "--store", store).code == 0
        return sparsesweep("table", "--format", "csv", "--store", store).out

    return table


def forgotten(site: Site) -> None:
    """Wait until the queue knows nothing any more."""
    site.slurm.wait_until(lambda: not site.slurm.squeue(), 60, "the queue to forget")


def attempts(site: Site) -> set[int]:
    """How many attempts at each cell left a record."""
    return {state.attempts for state in load_index(Store.open(site.store)).values()}


def hang_until_killed(worker: int, seconds: float = 200) -> None:
    """Keep a worker from doing anything, as a dead file system does, until SLURM has killed it.

    SLURM wakes a stopped job to hand it a signal, so the worker is stopped again and again.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(worker, signal.SIGSTOP)
        except ProcessLookupError:
            return
        time.sleep(0.001)
    raise TimeoutError(f"the worker still lives after {seconds:g} s")


def running_node(site: Site) -> str:
    return site.slurm.run("squeue", "-h", "-t", "R", "-o", "%N")


def test_the_accounts_tell_that_jobs_were_cancelled(
    site: Site, expected: Callable[[str], str]
) -> None:
    grid = site.grid(LONG)
    site.run(grid, "once", "--slots", "1")
    site.is_training()
    site.slurm.run("scancel", "--user=root")
    forgotten(site)
    assert site.counts() == {"CANCELLED": 4}
    assert "sacct says CANCELLED" in site.why()
    site.run(grid)
    site.all_completed()
    assert (site.table(), attempts(site)) == (expected(LONG), {1})


def test_the_accounts_tell_that_a_node_failed_and_it_is_avoided(
    site: Site, expected: Callable[[str], str]
) -> None:
    grid = site.grid(LONG)
    site.run(grid, "once", "--slots", "1")
    site.is_training()
    node = running_node(site)
    site.slurm.stop_node(node)
    site.slurm.set_node_down(node)
    forgotten(site)
    assert site.counts() == {"NODE_FAIL": 4}
    site.slurm.start_node(node)
    site.slurm.resume_node(node)
    site.run(grid)
    site.is_training()
    assert running_node(site) != node
    site.all_completed()
    assert (site.table(), attempts(site)) == (expected(LONG), {1})


def test_the_accounts_tell_that_a_worker_that_hung_ran_out_of_time(
    site: Site, expected: Callable[[str], str]
) -> None:
    grid = site.grid(LONGER)
    site.run(grid, "brief", "--slots", "1")
    site.is_training()
    [beat] = site.status()["running"]
    hang_until_killed(beat["pid"])
    forgotten(site)
    assert site.counts().keys() - {"COMPLETED"} == {"TIMEOUT"}
    site.run(grid, "main", "--slots", "1")
    site.all_completed()
    assert (site.table(), attempts(site)) == (expected(LONGER), {1})


def test_a_driver_that_dies_while_it_submits_leaves_nothing_unknown(
    site: Site, expected: Callable[[str], str]
) -> None:
    grid = site.grid(MANY)
    command = [
        sys.executable, "-m", "orchestrator.cli", "run", grid, "--backend", "slurm", "--profile",
        "single", "--profile-file", site.profiles, "--store", site.store, "--slots", "8",
    ]  # fmt: skip
    with subprocess.Popen([*map(str, command)], cwd=ROOT, start_new_session=True) as driver:
        end = time.monotonic() + 60
        while not site.slurm.squeue() and time.monotonic() < end:
            time.sleep(0.02)
        os.killpg(driver.pid, signal.SIGKILL)
    handed_over = len(site.slurm.squeue())
    assert 0 < handed_over < 8
    site.run(grid)
    # What was noted but never reached SLURM is believed to be on its way for a minute.
    site.wait(lambda counts: set(counts) <= {"COMPLETED", "LOST"}, 150)
    site.run(grid)
    site.all_completed()
    assert (site.table(), attempts(site)) == (expected(MANY), {1})
