"""A grid through a real SLURM: the table is the one of a run in this process, whatever happens."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.console import sparsesweep
from tests.support.slurm_cluster import SlurmCluster
from tests.support.slurm_site import Site

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(240)]

QUICK = """\
name: quick
base: {dataset: digits, model: {name: mlp, hidden: [32]}, recipe: {epochs: 4}}
axes: {method: [dense, set, snip], density: [0.1, 0.5]}
seeds: 2
"""

LONG = """\
name: long
base: {dataset: digits, model: {name: mlp, hidden: [128, 128]}, recipe: {epochs: 1000}}
axes: {method: [static, rigl], density: [0.2]}
seeds: 2
"""

PRUNED = """\
name: pruned
base: {dataset: digits, model: {name: mlp, hidden: [128, 128]}, recipe: {epochs: 1500}}
axes: {method: [omp], density: [0.2, 0.1]}
seeds: 2
artifacts: {consumed: remove}
"""

LONGER = LONG.replace("epochs: 1000", "epochs: 4500")
"""More than a minute of one worker."""


@pytest.fixture
def site(tmp_path: Path, slurm: SlurmCluster) -> Site:
    return Site(tmp_path, slurm)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The table of a grid that ran in a process of its own, without a scheduler."""
    tables: dict[str, str] = {}

    def table(text: str) -> str:
        if text not in tables:
            folder = tmp_path_factory.mktemp("inline")
            path, store = folder / "grid.yaml", folder / "results"
            path.write_text(text)
            assert sparsesweep("run", path, "--backend", "inline", "--store", store).code == 0
            tables[text] = sparsesweep("table", "--format", "csv", "--store", store).out
        return tables[text]

    return table


def test_the_table_equals_that_of_a_run_without_slurm(
    site: Site, expected: Callable[[str], str]
) -> None:
    grid = site.grid(QUICK)
    said = site.run(grid, "main")
    assert "10 cells in 4 packs handed to slurm" in said.out
    site.all_completed()
    assert site.table() == expected(QUICK)


def test_a_second_run_uses_the_same_profile_and_submits_nothing(site: Site) -> None:
    grid = site.grid(QUICK)
    site.run(grid, "main")
    again = site.run(grid)
    assert "backend slurm, as in the last run of quick" in again.err
    assert "profile main, as in the last run of quick" in again.err
    assert "10 cells are being trained by another run: left to it" in again.err
    assert "nothing to submit" in again.out
    site.all_completed()
    assert "nothing to submit" in site.run(grid).out


def test_an_edited_grid_submits_only_what_is_new(site: Site) -> None:
    site.run(site.grid(QUICK), "main")
    said = site.run(site.grid(QUICK.replace("[0.1, 0.5]", "[0.1, 0.2, 0.5]")))
    assert "4 cells in" in said.out
    site.all_completed()


def test_canaries_go_ahead_and_the_others_follow(
    site: Site, expected: Callable[[str], str]
) -> None:
    said = site.run(site.grid(QUICK), "main", "--canary")
    assert "10 cells in" in said.out
    first, *others = site.batches(1)
    assert len(first["packs"]) == 3
    assert all(batch["after"] == [first["name"]] for batch in others)
    site.all_completed()
    assert site.table() == expected(QUICK)


def test_a_canary_that_fails_keeps_the_others_from_being_trained(site: Site) -> None:
    text = QUICK.replace("digits", "wine").replace("{name: mlp, hidden: [32]}", "convnet")
    site.run(site.grid(text), "main", "--canary")
    assert site.wait(lambda counts: "BLOCKED" in counts and "RUNNING" not in counts) == {
        "FAILED": 3,
        "BLOCKED": 7,
    }


def test_what_left_the_grid_is_cancelled_when_asked(site: Site) -> None:
    site.run(site.grid(QUICK), "held", "--slots", "1")
    grid = site.grid(QUICK.replace("[0.1, 0.5]", "[0.1]"))
    planned = sparsesweep("plan", grid, "--store", site.store, "--profile-file", site.profiles)
    assert "-4 removed" in planned.out
    assert "4 of the removed cells wait or run: run --prune ends them" in planned.out
    assert "4 removed cells cancelled, 0 jobs ended" in site.run(grid, None, "--prune").err
    [job] = [name for name, state in site.slurm.squeue().items() if state == "PENDING"]
    site.slurm.run("scontrol", "release", job)
    site.all_completed()
    trained = sparsesweep("query", "SELECT count(*) AS n FROM results", "--format", "json",
                          "--store", site.store)  # fmt: skip
    assert json.loads(trained.out)[0]["n"] == 6


@pytest.mark.timeout(480)
def test_a_pack_goes_on_in_a_job_of_its_own_making_when_its_time_is_up(
    site: Site, expected: Callable[[str], str]
) -> None:
    grid = site.grid(LONGER)
    site.run(grid, "short")
    site.all_completed(seconds=330)
    jobs = {path.name for path in (site.store / "grids/long/1/jobs").glob("*-1.json")}
    assert len(jobs) == 1, site.logs()
    assert site.table() == expected(LONGER)


def test_cancel_ends_the_jobs_and_the_next_run_goes_on(
    site: Site, expected: Callable[[str], str]
) -> None:
    grid = site.grid(LONG)
    site.run(grid, "once")
    site.is_training()
    said = sparsesweep("cancel", "long", "--store", site.store)
    assert "1 submissions told to stop, 1 jobs ended; 4 cells were waiting or running" in said.out
    assert site.wait(lambda counts: "RUNNING" not in counts) == {"CANCELLED": 4}
    assert not list((site.store / "grids/long/1/jobs").glob("*-1.json"))
    site.run(grid)
    site.all_completed()
    assert site.table() == expected(LONG)


def test_scancel_makes_no_successor(site: Site) -> None:
    site.run(site.grid(LONG), "main", "--slots", "1")
    site.is_training()
    site.slurm.run("scancel", "--user=root")
    assert site.wait(lambda counts: "RUNNING" not in counts) == {"CANCELLED": 4}
    assert not list((site.store / "grids/long/1/jobs").glob("*-1.json")), site.logs()


def test_a_displaced_pack_hands_over(site: Site, expected: Callable[[str], str]) -> None:
    site.run(site.grid(LONG), "main", "--slots", "1")
    site.is_training()
    site.displace()
    site.all_completed()
    batches = [json.loads(p.read_text()) for p in site.store.glob("grids/long/1/jobs/*-1.json")]
    assert [batch["reason"] for batch in batches] == ["signal"], site.logs()
    assert site.table() == expected(LONG)


@pytest.mark.timeout(360)
def test_what_needs_other_cells_goes_on_behind_them_though_they_are_displaced_twice(
    site: Site, expected: Callable[[str], str]
) -> None:
    said = site.run(site.grid(PRUNED), "main", "--slots", "1")
    assert "6 cells in 2 packs" in said.out
    for handed_over in (1, 2):
        site.is_training()
        site.displace()
        site.wait(lambda _, n=handed_over: len(site.reasons("pruned", "signal")) == n)
    site.all_completed(180)
    assert site.reasons("pruned", "producer") == ["producer", "producer"], site.logs()
    assert site.table() == expected(PRUNED)
    assert not list((site.store / "artifacts").rglob("*.final"))


def test_a_killed_node_costs_time_only(site: Site, expected: Callable[[str], str]) -> None:
    site.run(site.grid(LONG), "main", "--slots", "1")
    site.is_training()
    running = site.slurm.run("squeue", "-h", "-t", "R", "-o", "%N")
    site.slurm.stop_node(running)
    site.slurm.set_node_down(running)
    assert site.wait(lambda counts: "RUNNING" not in counts) == {"PENDING": 4}
    # SLURM brings a job back two minutes later; a test does not wait for that.
    site.slurm.run("scontrol", "update", "jobid=" + _one_job(site.slurm), "starttime=now")
    site.all_completed()
    assert site.table() == expected(LONG)


def test_a_restarted_controller_changes_nothing(
    site: Site, expected: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    site.run(site.grid(LONG), "main", "--slots", "2")
    site.is_training()
    site.slurm.stop_controller()
    assert site.counts() == {"RUNNING": 4}
    assert "SLURM cannot be asked: " in caplog.text
    site.slurm.start_controller()
    site.all_completed()
    assert site.table() == expected(LONG)


def _one_job(slurm: SlurmCluster) -> str:
    [job] = {name.partition("_")[0] for name, state in slurm.squeue().items() if state == "PENDING"}
    return job
