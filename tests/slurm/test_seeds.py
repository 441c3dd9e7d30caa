"""A rule for seeds through a real SLURM: its jobs ask for further seeds, and nobody calls run."""

import json
import time
from pathlib import Path

import pytest

from tests.support.console import sparsesweep
from tests.support.slurm_cluster import SlurmCluster
from tests.support.slurm_site import Site

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(300)]

FEW = """\
name: few
base: {dataset: digits, model: {name: mlp, hidden: [8]}, recipe: {epochs: 1, batch: 256}}
axes: {method: [dense, static, set], density: [0.5]}
seeds: {min: 2, max: 4, until: "ci95(train_flops) < 1 FLOPs"}
"""
"""What training costs has no spread, so that nothing settles: the rule asks for all four seeds."""

PRUNED = """\
name: few
base: {dataset: digits, model: {name: mlp, hidden: [8]}, recipe: {epochs: 1, batch: 256}}
axes: {method: [omp], density: [0.5]}
seeds: {min: 2, max: 4, until: "ci95(train_flops) < 1 FLOPs"}
"""
"""The same with producers: they come along, seed by seed."""


@pytest.fixture
def site(tmp_path: Path, slurm: SlurmCluster) -> Site:
    return Site(tmp_path, slurm)


def due(site: Site) -> int:
    return int(str(site.status()["seeds_due"]))


def submissions(site: Site) -> dict[int, list[str]]:
    """The cells of every submission."""
    paths = site.store.glob("grids/few/*/submission.json")
    found = [json.loads(path.read_text()) for path in paths]
    return {one["number"]: one["cells"]["ids"] for one in sorted(found, key=lambda o: o["number"])}


def trained(site: Site) -> int:
    """How many attempts there were at all cells."""
    text = "SELECT count(*) AS n FROM attempts"
    said = sparsesweep("query", text, "--format", "json", "--store", site.store)
    return int(json.loads(said.out)[0]["n"])


def test_the_job_that_ends_last_submits_what_the_rule_asks_for_until_all_is_closed(
    site: Site,
) -> None:
    site.run(site.grid(FEW), "main")
    site.wait(lambda counts: counts == {"COMPLETED": 12}, 200)
    asked = submissions(site)
    assert {number: len(cells) for number, cells in asked.items()} == {1: 6, 2: 9, 3: 12}
    assert set(asked[1]) < set(asked[2]) < set(asked[3])
    assert (trained(site), due(site)) == (12, 0)
    code = {json.loads(p.read_text())["source"] for p in site.store.glob("grids/few/*/sub*.json")}
    assert code == {str(site.folder / "few.yaml")}
    assert "nothing to submit" in site.run(site.folder / "few.yaml").out


def test_producers_come_along_with_the_seeds(site: Site) -> None:
    site.run(site.grid(PRUNED), "main")
    site.wait(lambda counts: counts == {"COMPLETED": 4}, 200)
    assert trained(site) == 8


def test_where_jobs_submit_nothing_the_next_run_does(site: Site) -> None:
    grid = site.grid(FEW)
    site.run(grid, "once")
    site.all_completed()
    assert site.wait(lambda _: due(site) > 0) == {"COMPLETED": 6}
    said = sparsesweep("status", "--store", site.store, "--exit-code")
    assert (said.code, "3 cells with further seeds are due" in said.out) == (75, True)
    assert "3 cells in" in site.run(grid, "main").out
    site.wait(lambda counts: counts == {"COMPLETED": 12}, 200)
    assert trained(site) == 12


def test_a_job_that_is_killed_as_its_last_cell_ends_costs_a_run_and_no_cell_twice(
    site: Site,
) -> None:
    grid = site.grid(FEW)
    site.run(grid, "main", "--slots", "1")
    [job] = working(site)  # those of earlier tests may be listed still
    while len(list(site.store.glob("records/*/*.json"))) < 6:
        time.sleep(0.01)
    site.slurm.run("scancel", "--signal=KILL", "--full", job)  # before it submits, or while it does
    site.slurm.wait_until(lambda: not working(site), 120, "the jobs to end")
    site.run(grid)
    site.wait(lambda counts: counts == {"COMPLETED": 12}, 200)
    assert (trained(site), due(site)) == (12, 0)
    asked = submissions(site)
    assert set(asked[1]) < set(asked[max(asked)])


def working(site: Site) -> set[str]:
    """The jobs that have not ended."""
    ended = ("COMPLETED", "FAILED", "CANCELLED")
    return {job for job, state in site.slurm.squeue().items() if state not in ended}
