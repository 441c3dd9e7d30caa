"""Training on hard examples from a grid to results: scores, subsets, and their producers."""

import json
from pathlib import Path

import pytest

from tests.support.console import Said, sparsesweep

GRID = """\
name: hard
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 2, batch: 256}
  data_ratio: 0.3
  method: dense
axes:
  scenario:
    - {name: el2n, score_epoch: 1, models: 2}
    - {name: el2n, score_epoch: 1, models: 2, keep: easy}
    - {name: el2n, keep: random}
include:
  - {method: lth, density: 0.5, scenario: {name: el2n, score_epoch: 1, models: 2}}
"""
CLEAN = "scenario = 'clean'"
REMOVE = "artifacts: {consumed: remove}\n"
BASELINE = """\
name: baseline
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 2, batch: 256}
  method: dense
seeds: 3
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    path = tmp_path / "hard.yaml"
    path.write_text(GRID)
    return path


def run(grid: Path, store: Path, *more: str) -> Said:
    return sparsesweep("run", grid, "--backend", "inline", "--store", store, *more)


def plan(grid: Path, store: Path) -> dict:
    return json.loads(sparsesweep("plan", grid, "--json", "--store", store).out)


def rows(store: Path, columns: str, where: str = "true") -> list[dict]:
    asked = f"select {columns} from results where {where} order by method, seed, cell"
    return json.loads(sparsesweep("query", asked, "--format", "json", "--store", store).out)


def left(store: Path, name: str) -> list[Path]:
    return sorted((store / "artifacts").rglob(f"*.{name}"))


def test_producers_are_planned_by_themselves_and_the_waves_chain(grid: Path, store: Path) -> None:
    planned = plan(grid, store)
    # the dense cells of seeds 0 and 1 and the random subset; hard, easy; lth on the hard one
    assert [len(wave["cells"]) for wave in planned["waves"]] == [3, 2, 1]
    assert (planned["cells"], planned["counts"]["new"]) == (4, 6)
    assert planned["artifacts"]["missing"] == {"el2n@1e": 2, "final": 1}
    shown = sparsesweep("plan", grid, "--store", store).out
    assert "4 cells and 2 that they need" in shown
    assert "artifacts: 2 el2n@1e, 1 final to be left" in shown


def test_all_run_on_their_subsets_and_a_second_run_trains_nothing(grid: Path, store: Path) -> None:
    said = run(grid, store)
    assert said.code == 0, said.err
    assert "6 trained" in said.out
    hard = rows(store, "train_loss", "scenario = 'el2n' and data_ratio = 0.3")
    assert len({row["train_loss"] for row in hard}) == 4
    assert "0 trained" in run(grid, store).out


def test_the_lists_of_the_subsets_are_published_and_shared(grid: Path, store: Path) -> None:
    run(grid, store)
    described = [json.loads(path.read_text()) for path in (store / "shared").rglob("*.json")]
    lists = {one["recipe"]["options"]["keep"]: one for one in described}
    assert len(described) == len(lists) == 3
    for keep, one in lists.items():
        [path] = (store / "shared").rglob(one["file"])
        content = json.loads(path.read_text())
        assert len(set(content["ids"])) == 351  # 0.3 of 1169 examples
        assert content["options"]["keep"] == keep
    producers = [one["cell"] for one in lists["hard"]["recipe"]["scores"]]
    assert producers == [one["cell"] for one in rows(store, "seed, cell", CLEAN)]


def test_hard_examples_are_harder_than_random_and_these_than_easy_ones(
    grid: Path, store: Path
) -> None:
    longer = GRID.replace("epochs: 2, batch: 256", "epochs: 8, batch: 32")
    grid.write_text(longer.replace("score_epoch: 1", "score_epoch: 4"))
    assert run(grid, store).code == 0
    columns = "json_extract_string(scenario_options, '$.keep') as keep, train_loss"
    found = rows(store, columns, "scenario = 'el2n' and method = 'dense'")
    losses = {row["keep"]: row["train_loss"] for row in found}
    assert losses["easy"] < losses["random"] < losses["hard"]


def test_a_dense_baseline_is_the_producer_when_it_leaves_its_scores(
    grid: Path, store: Path, tmp_path: Path
) -> None:
    baseline = tmp_path / "baseline.yaml"
    baseline.write_text(BASELINE + "artifacts: {leave: [el2n@1e]}\n")
    assert run(baseline, store).code == 0
    assert len(left(store, "el2n@1e")) == 3
    assert plan(grid, store)["counts"]["new"] == 4
    assert run(grid, store).code == 0
    named = json.loads(rows(store, "inputs", "method = 'lth'")[0]["inputs"])
    assert list(named) == ["el2n@1e#0", "el2n@1e#1", "final"]
    dense = rows(store, "cell", "scenario = 'clean' and seed < 2")
    assert sorted(named[f"el2n@1e#{seed}"][0] for seed in (0, 1)) == [one["cell"] for one in dense]


def test_a_baseline_without_scores_is_trained_again_to_the_same_results(
    grid: Path, store: Path, tmp_path: Path
) -> None:
    baseline = tmp_path / "baseline.yaml"
    baseline.write_text(BASELINE)
    assert run(baseline, store).code == 0
    before = rows(store, "cell, test_accuracy, test_loss", "scenario = 'clean'")
    assert plan(grid, store)["counts"] | {"new": 4, "again": 2} == plan(grid, store)["counts"]
    assert run(grid, store).code == 0
    assert rows(store, "cell, test_accuracy, test_loss", "scenario = 'clean'") == before


def test_scores_that_every_cell_has_read_are_removed_when_the_grid_says_so(
    grid: Path, store: Path
) -> None:
    grid.write_text(GRID + REMOVE)
    assert run(grid, store).code == 0
    assert left(store, "el2n@1e") == left(store, "final") == []
    assert plan(grid, store)["counts"]["new"] == 0


CHAIN = (
    GRID[: GRID.index("  method: dense")]
    + """\
  method: lth
  density: 0.5
  scenario: {name: el2n, score_epoch: 1}
"""
)


@pytest.mark.parametrize("more", [("--set", "probes=generalisation"), ("--stale", "rerun")])
def test_scores_stay_while_cells_that_have_results_are_trained_again(
    grid: Path, store: Path, more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    grid.write_text(CHAIN + REMOVE)
    with monkeypatch.context() as older:
        older.setattr("orchestrator.provenance.code_hash", lambda *_: "older")
        assert run(grid, store).code == 0
    said = run(grid, store, *more)
    assert said.code == 0, said.err
    assert "3 trained" in said.out
    assert left(store, "el2n@1e") == left(store, "final") == []


def test_a_producer_that_fails_blocks_what_needs_its_scores_and_nothing_else(
    grid: Path, store: Path
) -> None:
    said = run(grid, store, "--set", "recipe.lr=1e30")
    assert said.code == 1
    blocked = [line for line in said.err.splitlines() if "BLOCKED" in line]
    assert len(blocked) == 3
    assert all("its producer dense seed=0 failed" in line for line in blocked)


def test_an_epoch_that_no_run_reaches_is_a_mistake_of_the_grid(grid: Path, store: Path) -> None:
    grid.write_text(GRID.replace("score_epoch: 1", "score_epoch: 3"))
    said = run(grid, store)
    assert said.code == 2
    assert "el2n@3e of dense seed=0: its run has 2 epochs" in said.err
    assert not store.exists()


def test_the_whole_of_the_data_is_no_subset(grid: Path, store: Path) -> None:
    grid.write_text(GRID.replace("data_ratio: 0.3", "data_ratio: 1"))
    said = sparsesweep("plan", grid, "--store", store)
    assert said.code == 2
    assert "hard.yaml:6: data_ratio is 1 with scenario el2n" in said.err
    assert "give a data_ratio below 1, or write scenario: clean" in said.err


def test_published_corruptions_of_other_datasets_are_refused_by_the_plan(
    grid: Path, store: Path
) -> None:
    scenario = "scenario: {name: corrupted, test_arrays: published}"
    grid.write_text(BASELINE.replace("method: dense", f"method: dense\n  {scenario}"))
    said = sparsesweep("plan", grid, "--store", store)
    assert said.code == 2
    assert "does not take dataset digits; allowed: cifar10, cifar100" in said.err


def test_options_without_effect_are_mistakes(grid: Path, store: Path) -> None:
    grid.write_text(GRID.replace("keep: random", "keep: random, models: 2"))
    said = sparsesweep("plan", grid, "--store", store)
    assert said.code == 2
    assert "models has no effect with keep: random; leave it out" in said.err
