"""A rule for seeds from the file to the table: what is planned, trained, added and told."""

import json
from pathlib import Path

import pytest

from tests.support.console import Said, sparsesweep

GRID = """\
name: few
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 1, batch: 256}
  density: 0.5
axes:
  method: [dense, static]
seeds: {min: 2, max: 4, until: "ci95(train_flops) < 1 FLOPs"}
"""
"""What training costs is the same for every seed: no spread is seen, and nothing is settled."""

WIDE = GRID.replace("ci95(train_flops) < 1 FLOPs", "ci95 < 1000pp")
"""Nothing is as far off as that."""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "results"


def written(store: Path, text: str) -> Path:
    path = store.parent / "few.yaml"
    path.write_text(text)
    return path


def run(store: Path, text: str, *more: str) -> Said:
    grid = written(store, text)
    return sparsesweep("run", grid, "--backend", "inline", "--store", store, *more)


def test_a_plan_tells_what_is_asked_now_and_what_may_come(store: Path) -> None:
    grid = written(store, GRID)
    said = sparsesweep("plan", grid, "--store", store)
    assert "few: 4 cells" in said.out
    assert "2 questions, 2 open; at most 4 more cells later" in said.out
    assert "open with 2 seeds: static density=0.5" in said.out
    plain = json.loads(sparsesweep("plan", grid, "--json", "--store", store).out)
    assert (plain["cells"], plain["seeds"]["most_further"]) == (4, 4)
    assert [question["standing"] for question in plain["seeds"]["questions"]] == ["open", "open"]
    assert not store.exists()


def test_seeds_are_added_to_the_most_where_nothing_settles(store: Path) -> None:
    said = run(store, GRID)
    assert (said.code, "few: 8 of 8 cells have results; 8 trained" in said.out) == (0, True)
    assert "2 questions, 2 exhausted" in said.out
    table = sparsesweep("table", "--store", store).out
    assert "over n = 4 seeds" in table
    assert "seeds added until ci95(train_flops) < 1 FLOPs, at most 4: 4; 0 of 2 settled" in table
    assert "few, run 3: 8 cells" in sparsesweep("status", "--store", store).out


def test_no_seed_is_added_where_all_is_settled(store: Path) -> None:
    said = run(store, WIDE)
    assert "few: 4 of 4 cells have results; 4 trained" in said.out
    assert "2 questions, 2 settled" in said.out
    assert (
        "seeds added until ci95 < 1000pp, at most 4: 2"
        in sparsesweep("table", "--store", store).out
    )


def test_status_tells_of_seeds_that_are_due_and_the_next_run_trains_them(store: Path) -> None:
    assert run(store, GRID, "--set", "seeds=2").code == 0
    planned = sparsesweep("plan", written(store, GRID), "--store", store).out
    assert "+2 new  =4 done" in planned
    submission = store / "grids" / "few" / "1" / "submission.json"
    asked = json.loads(submission.read_text())
    asked["seed_rule"] = {"min": 2, "max": 4, "until": "ci95(train_flops) < 1 FLOPs"}
    submission.write_text(json.dumps(asked))  # as a driver leaves it that died after its wave
    said = sparsesweep("status", "--store", store, "--exit-code")
    assert said.code == 75
    assert "2 cells with further seeds are due: the last job submits them, or a run" in said.out
    assert json.loads(sparsesweep("status", "--json", "--store", store).out)["seeds_due"] == 2
    assert "few: 8 of 8 cells have results; 4 trained" in run(store, GRID).out
    assert sparsesweep("status", "--store", store, "--exit-code").code == 0


def test_mistakes_in_a_rule_end_with_code_2_and_their_line(store: Path) -> None:
    said = run(store, GRID.replace("1 FLOPs", "1 nats"))
    assert said.code == 2
    assert said.err.endswith("few.yaml:9: until bounds train_flops in nats; allowed: FLOPs\n")
    said = run(store, WIDE.replace("1000pp", "1000"))
    assert "few.yaml:9: until is 'ci95 < 1000': the unit is missing; write 1000pp" in said.err
