"""A grid from its file to its table, on the command line: run, again, edited, failing."""

import json
import shlex
from pathlib import Path

import pytest

from tests.support.console import Said, sparsesweep

GRID = """\
name: small
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 1, batch: 256}
axes:
  method: [static, set]
  density: [0.1, 0.5]
seeds: 2
"""

EVERY_METHOD = """\
name: every
base:
  dataset: digits
  model: {name: mlp, hidden: [16]}
  recipe: {epochs: 3, batch: 128}
  method.update_every: 3
axes:
  method: [dense, static, snip, gmp, set, rigl]
  density: [0.1, 0.5]
seeds: 2
"""

UNTRAINABLE = ["--set", "model=convnet", "--set", "dataset=wine"]
"""A model of images on a table: every cell fails, and in the same way."""


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(GRID)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "results"


def run(grid: Path, store: Path, *more: str) -> Said:
    return sparsesweep("run", grid, "--backend", "inline", "--store", store, *more)


def plan(grid: Path, store: Path, *more: str) -> dict:
    return json.loads(sparsesweep("plan", grid, "--json", "--store", store, *more).out)


def test_a_plan_counts_and_writes_nothing(grid: Path, store: Path) -> None:
    planned = plan(grid, store, "--slots", "2")
    assert planned["counts"]["new"] == planned["cells"] == 8
    assert [(len(wave["cells"]), wave["packs"]) for wave in planned["waves"]] == [(8, 2)]
    assert not store.exists()


def test_a_plan_says_that_a_large_unknown_grid_begins_with_a_pilot(grid: Path, store: Path) -> None:
    large = ["--set", "seeds=300", "--slots", "2"]
    [wave] = plan(grid, store, *large)["waves"]
    assert (len(wave["cells"]), wave["packs"], wave["pilot"], wave["seconds"]) == (
        1200,
        2,
        32,
        None,
    )
    said = sparsesweep("plan", grid, "--store", store, *large).out
    assert "wave 1: 1200 cells on 2 slots, unknown how long: first a pilot of 32 cells, " in said
    assert "1168 others are then packed" in said


def test_run_trains_all_and_the_second_run_nothing(grid: Path, store: Path) -> None:
    first, second = run(grid, store), run(grid, store)
    assert (first.code, second.code) == (0, 0)
    assert "8 of 8 cells have results; 8 trained" in first.out
    assert "8 of 8 cells have results; 0 trained" in second.out
    assert [path.name for path in (store / "grids" / "small").iterdir()] == ["1"]
    assert (store / "tables" / "results.parquet").exists()


def test_an_edited_grid_trains_only_what_is_new(grid: Path, store: Path) -> None:
    run(grid, store)
    grid.write_text(GRID.replace("seeds: 2", "seeds: 3"))
    assert plan(grid, store)["counts"] == {
        "new": 4, "done": 8, "failed": 0, "other code": 0, "again": 0, "running": 0, "blocked": 0,
    }  # fmt: skip
    assert "12 of 12 cells have results; 4 trained" in run(grid, store).out


def test_status_table_and_query_answer_for_the_last_grid(grid: Path, store: Path) -> None:
    run(grid, store)
    status = json.loads(sparsesweep("status", "--json", "--store", store).out)
    assert (status["grid"], status["counts"]) == ("small", {"COMPLETED": 8})
    table = sparsesweep("table", "--store", store, "--format", "csv")
    assert "static" in table.out
    counted = sparsesweep("query", "select count(*) n from results", "--format", "json",
                          "--store", store)  # fmt: skip
    assert json.loads(counted.out) == [{"n": 8}]


def test_the_store_may_be_given_before_the_command(grid: Path, store: Path) -> None:
    run(grid, store)
    assert sparsesweep("--store", store, "status").code == 0


def test_a_failed_cell_is_told_kept_and_retried_only_when_asked(grid: Path, store: Path) -> None:
    bad = [*UNTRAINABLE, "--set", "method=static", "--set", "density=0.5"]
    first = run(grid, store, *bad)
    assert first.code == 1
    assert "FAILED" in first.err
    assert "sparsesweep logs " in first.err
    again = shlex.join(["sparsesweep", "retry", str(grid), "--store", str(store)])
    assert f"try again: {again}\n" in first.err
    told = sparsesweep("status", "--store", store).out
    [line] = [line for line in told.splitlines() if "read why" in line]
    words = shlex.split(line.partition(": ")[2])
    assert words[1:2] + words[3:] == ["logs", "--store", str(store)]
    assert sparsesweep(*words[1:]).code == 0
    again = run(grid, store, *bad)
    assert again.code == 1
    assert "0 trained" in again.out
    retried = sparsesweep("retry", grid, "--backend", "inline", "--store", store, *bad)
    assert retried.code == 1
    assert "0 trained" not in retried.out
    code = sparsesweep("status", "--exit-code", "--store", store).code
    assert code == 1


def test_when_all_fail_alike_the_rest_is_not_begun_and_the_line_is_named(
    grid: Path, store: Path
) -> None:
    said = run(grid, store, *UNTRAINABLE)
    assert said.code == 1
    assert "3 trained" in said.out
    assert "HALTED, the rest was not begun: 3 cells failed alike at" in said.err
    assert "convnet.py:" in said.err


def test_a_loss_that_stopped_being_finite_is_never_retried(grid: Path, store: Path) -> None:
    bad = ["--set", "recipe.lr=1e30", "--set", "method=static,dense"]
    told = run(grid, store, *bad).err
    assert "INVALID would be so again: change the recipe or the method" in told
    assert "sparsesweep retry" not in told
    asked = ["retry", grid, "--backend", "inline", "--store", store, *bad]
    assert "0 trained" in sparsesweep(*asked).out
    refused = sparsesweep(*asked, "--class", "INVALID")
    assert refused.code == 2
    assert "unknown class of failures (--class) 'INVALID'" in refused.err


def test_logs_takes_a_grid_or_the_first_digits_of_a_cell(grid: Path, store: Path) -> None:
    run(grid, store)
    [cell, *_] = json.loads(sparsesweep("status", "--json", "--store", store).out)["states"]
    by_cell = sparsesweep("logs", cell[:12], "--store", store)
    assert (by_cell.code, cell in by_cell.out) == (0, True)
    assert "COMPLETED" in sparsesweep("logs", "small", "--store", store).out


@pytest.mark.parametrize("command", ["plan", "run"])
def test_two_grids_of_one_name_from_different_files_are_refused(
    command: str, grid: Path, store: Path, tmp_path: Path
) -> None:
    run(grid, store)
    before = sorted(store.rglob("*"))
    other = tmp_path / "other.yaml"
    other.write_text(GRID.replace("seeds: 2", "seeds: 1"))
    told = sparsesweep(command, other, "--store", store)
    assert told.code == 2
    assert str(grid) in told.err
    assert str(other) in told.err
    assert "--store" in told.err
    assert sorted(store.rglob("*")) == before


def test_a_grid_that_was_moved_is_the_same_grid(grid: Path, store: Path, tmp_path: Path) -> None:
    run(grid, store)
    moved = grid.rename(tmp_path / "moved.yaml")
    assert run(moved, store).code == 0


@pytest.mark.ray
@pytest.mark.slow
def test_the_ray_backend_gives_the_same_bits_as_inline(grid: Path, tmp_path: Path) -> None:
    grid.write_text(EVERY_METHOD)
    sql = (
        "select cell, method, test_accuracy, test_loss, topology_updates from results order by cell"
    )
    answers = []
    for backend in ("inline", "ray"):
        store = tmp_path / backend
        done = sparsesweep("run", grid, "--backend", backend, "--store", store)
        assert done.code == 0
        answers.append(sparsesweep("query", sql, "--format", "json", "--store", store).out)
    assert answers[0] == answers[1]
    rows = json.loads(answers[0])
    assert {row["method"] for row in rows} == {"dense", "static", "snip", "gmp", "set", "rigl"}
    moving = [row["topology_updates"] for row in rows if row["method"] in ("gmp", "set", "rigl")]
    assert min(moving) >= 3
