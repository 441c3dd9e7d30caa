"""A grid whose cells need other cells: producers, what they leave, and what becomes of it."""

import json
from pathlib import Path

import pytest

from tests.support.console import Said, sparsesweep

GRID = """\
name: pruned
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 1, batch: 256}
axes:
  method: [omp]
  density: DENSITIES
seeds: 2
"""
REMOVE = "artifacts: {consumed: remove}\n"
LEAVE = "artifacts: {leave: [final]}\n"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    return tmp_path / "pruned.yaml"


def write(grid: Path, densities: str = "[0.5, 0.2]", more: str = "") -> None:
    grid.write_text(GRID.replace("DENSITIES", densities) + more)


def run(grid: Path, store: Path, *more: str) -> Said:
    return sparsesweep("run", grid, "--backend", "inline", "--store", store, *more)


def plan(grid: Path, store: Path) -> dict:
    return json.loads(sparsesweep("plan", grid, "--json", "--store", store).out)


def finals(store: Path) -> list[Path]:
    return sorted((store / "artifacts").rglob("*.final"))


def rows(store: Path, columns: str) -> list[dict]:
    asked = f"select {columns} from results where method = 'omp' order by cell"
    return json.loads(sparsesweep("query", asked, "--format", "json", "--store", store).out)


def test_the_dense_cells_are_added_trained_first_and_shared(grid: Path, store: Path) -> None:
    write(grid)
    planned = plan(grid, store)
    assert (planned["cells"], planned["counts"]["new"]) == (4, 6)
    assert [len(wave["cells"]) for wave in planned["waves"]] == [2, 4]
    assert planned["artifacts"]["missing"] == {"final": 2}
    said = run(grid, store)
    assert said.code == 0, said.err
    assert len(finals(store)) == 2
    assert plan(grid, store)["artifacts"]["here"] == {"final": 2}
    told = sparsesweep("table", grid, "--store", store).out
    assert "omp" in told
    assert "dense" not in told


def test_a_later_grid_uses_what_is_there(grid: Path, store: Path) -> None:
    write(grid)
    run(grid, store)
    write(grid, "[0.5, 0.2, 0.1]")
    assert plan(grid, store)["counts"]["new"] == 2
    said = run(grid, store)
    assert "2 trained" in said.out
    assert {json.loads(row["inputs"])["final"][1] for row in rows(store, "inputs")} == {
        path.name.split(".", 1)[1].rsplit(".", 1)[0] for path in finals(store)
    }


def test_what_is_consumed_is_removed_when_the_grid_says_so(grid: Path, store: Path) -> None:
    write(grid, more=REMOVE)
    run(grid, store)
    assert finals(store) == []


def test_a_removed_artifact_is_made_again_to_the_same_bytes(grid: Path, store: Path) -> None:
    write(grid)
    run(grid, store)
    before = rows(store, "cell, test_accuracy, test_loss")
    [first, _] = finals(store)
    content = first.read_bytes()
    first.unlink()
    write(grid, "[0.5, 0.2, 0.1]")
    shown = sparsesweep("plan", grid, "--store", store).out
    assert "+2 new" in shown
    assert "^1 again" in shown
    assert "has results but no final: trained again, and must come to the same results" in shown
    said = run(grid, store)
    assert "3 trained" in said.out
    [again] = [path for path in finals(store) if path.name[:16] == first.name[:16]]
    assert again.read_bytes() == content
    after = rows(store, "cell, test_accuracy, test_loss")
    assert [row for row in after if row in before] == before


def test_every_cell_leaves_what_the_grid_asks_for(grid: Path, store: Path) -> None:
    write(grid)
    run(grid, store)
    write(grid, more=LEAVE)
    assert plan(grid, store)["counts"]["again"] == 4
    assert run(grid, store).code == 0
    assert len(finals(store)) == 6
    assert plan(grid, store)["counts"]["again"] == 0


def test_a_producer_that_fails_blocks_its_consumers_with_the_reason(
    grid: Path, store: Path
) -> None:
    write(grid)
    said = run(grid, store, "--set", "recipe.lr=1e30")
    assert said.code == 1
    assert "BLOCKED omp density=0.5 seed=0: its producer dense seed=0 failed" in said.err
