"""Lottery tickets from a grid to results: chains of cells that share a dense one."""

import json
from pathlib import Path

import pytest

from tests.support.console import Said, sparsesweep

GRID = """\
name: tickets
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 1, batch: 256}
include:
  - {method: {name: imp, rewind_step: 2}, density: 0.64}
  - {method: {name: imp, rewind_step: 2}, density: 0.5}
  - {method: lth, density: 0.5}
  - {method: omp, density: 0.5}
"""
REMOVE = "artifacts: {consumed: remove}\n"
DEEPER = "  - {method: {name: imp, rewind_step: 2}, density: 0.4}\n"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.yaml"
    path.write_text(GRID)
    return path


def run(grid: Path, store: Path, *more: str) -> Said:
    return sparsesweep("run", grid, "--backend", "inline", "--store", store, *more)


def plan(grid: Path, store: Path) -> dict:
    return json.loads(sparsesweep("plan", grid, "--json", "--store", store).out)


def rows(store: Path, columns: str) -> list[dict]:
    asked = f"select {columns} from results order by finished_at, method, density"
    return json.loads(sparsesweep("query", asked, "--format", "json", "--store", store).out)


def left(store: Path) -> dict[str, list[Path]]:
    """The artifacts of a store by name."""
    found: dict[str, list[Path]] = {}
    for path in sorted((store / "artifacts").rglob("*.*")):
        found.setdefault(path.name.rpartition(".")[2], []).append(path)
    return found


def test_all_tickets_of_a_seed_share_their_producers(grid: Path, store: Path) -> None:
    planned = plan(grid, store)
    # dense; imp 0.8, lth, omp; imp 0.64; imp 0.512; imp 0.5
    assert [len(wave["cells"]) for wave in planned["waves"]] == [1, 3, 1, 1, 1]
    assert (planned["cells"], planned["counts"]["new"]) == (4, 7)
    assert planned["artifacts"]["missing"] == {"final": 4, "rewind@2": 1}
    said = run(grid, store)
    assert said.code == 0, said.err
    trained = {(row["method"], float(row["density"])) for row in rows(store, "method, density")}
    assert trained == {
        ("dense", 1.0), ("imp", 0.8), ("imp", 0.64), ("imp", 0.512), ("imp", 0.5), ("lth", 0.5),
        ("omp", 0.5),
    }  # fmt: skip
    assert {name: len(paths) for name, paths in left(store).items()} == {"final": 4, "rewind@2": 1}
    told = sparsesweep("table", grid, "--store", store).out
    assert "imp" in told
    assert "dense" not in told


def test_what_will_be_left_is_told_with_its_size(grid: Path, store: Path) -> None:
    run(grid, store)
    [rewound] = left(store)["rewind@2"]
    grid.write_text(GRID + DEEPER)  # 0.4 follows 0.4096, which follows 0.512
    artifacts = plan(grid, store)["artifacts"]
    assert artifacts["here"] == {"final": 4, "rewind@2": 1}
    assert artifacts["missing"] == {"final": 1}
    assert artifacts["missing_bytes"] == pytest.approx(rewound.stat().st_size, rel=0.01)


def test_records_say_whose_weights_a_round_began_with(grid: Path, store: Path) -> None:
    run(grid, store)
    found = rows(store, "cell, method, density, inputs")
    made = {row["cell"]: f"{row['method']} {float(row['density'])}" for row in found}
    began = {
        made[row["cell"]]: {n: made[cell] for n, (cell, _) in json.loads(row["inputs"]).items()}
        for row in found
        if row["method"] == "imp"
    }
    assert began == {
        "imp 0.8": {"final": "dense 1.0", "rewind@2": "dense 1.0"},
        "imp 0.64": {"final": "imp 0.8", "rewind@2": "dense 1.0"},
        "imp 0.512": {"final": "imp 0.64", "rewind@2": "dense 1.0"},
        "imp 0.5": {"final": "imp 0.512", "rewind@2": "dense 1.0"},
    }


def test_a_round_is_removed_as_soon_as_the_next_has_results(grid: Path, store: Path) -> None:
    grid.write_text(GRID + REMOVE)
    said = run(grid, store)
    assert said.code == 0, said.err
    assert left(store) == {}
    assert plan(grid, store)["counts"]["new"] == 0


def test_removed_rounds_are_trained_again_to_the_same_results(grid: Path, store: Path) -> None:
    grid.write_text(GRID + REMOVE)
    run(grid, store)
    before = rows(store, "cell, test_accuracy, test_loss")
    grid.write_text(GRID + DEEPER + REMOVE)
    counts = plan(grid, store)["counts"]
    # 0.4096 and 0.4 are new; dense, 0.8, 0.64 and 0.512 have results, but nobody kept their weights
    assert (counts["new"], counts["again"]) == (2, 4)
    said = run(grid, store)
    assert said.code == 0, said.err
    after = rows(store, "cell, test_accuracy, test_loss")
    assert [row for row in after if row in before] == before
    assert len(after) == len(before) + 2
    assert left(store) == {}


@pytest.mark.parametrize("step", [6, 500])
def test_a_step_that_its_run_does_not_reach_is_a_mistake_of_the_grid(
    grid: Path, store: Path, step: int
) -> None:
    said = run(grid, store, "--set", f"method.rewind_step={step}")
    assert said.code == 2
    assert f"rewind@{step} of dense seed=0: its run has 5 steps" in said.err
    assert not store.exists()
