"""Adversarial training from a grid file to robust accuracies in a table."""

import json
from pathlib import Path

import pytest

from tests.support.console import Said, sparsesweep

GRID = """\
name: hardened
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 2, batch: 256}
  scenario: {name: adversarial, steps: 2, epsilon: 8/255}
axes:
  method: [dense, lth]
  density: [0.5]
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    path = tmp_path / "hardened.yaml"
    path.write_text(GRID)
    return path


def run(grid: Path, store: Path, *more: str) -> Said:
    return sparsesweep("run", grid, "--backend", "inline", "--store", store, *more)


def rows(store: Path, asked: str) -> list[dict]:
    return json.loads(sparsesweep("query", asked, "--format", "json", "--store", store).out)


def test_cells_are_measured_under_attack_without_being_asked(grid: Path, store: Path) -> None:
    said = run(grid, store)
    assert said.code == 0, said.err
    found = rows(store, "select metric, probe, count(*) as n from metrics group by all")
    robust = {row["metric"]: row["n"] for row in found if row["probe"] == '{"name":"robust"}'}
    assert robust["robust_test_accuracy"] == 2
    assert {"robust_generalisation_gap", "best_robust_val_accuracy"} <= set(robust)
    assert "fgsm_test_accuracy" not in robust
    table = sparsesweep("table", "hardened", "--value", "robust_test_accuracy", "--store", store)
    assert table.code == 0, table.err
    assert "Robust test accuracy in percent" in table.out


def test_what_is_pruned_afterwards_was_trained_under_attack_too(grid: Path, store: Path) -> None:
    assert run(grid, store).code == 0
    found = rows(store, "select method, scenario, scenario_options, train_flops_ratio from results")
    assert [row["method"] for row in sorted(found, key=lambda row: row["method"])] == [
        "dense",
        "lth",
    ]
    for row in found:
        assert row["scenario"] == "adversarial"
        assert json.loads(row["scenario_options"])["steps"] == 2
    (dense,) = (row for row in found if row["method"] == "dense")
    assert dense["train_flops_ratio"] == pytest.approx((3 + 2 * 2) / 3)


def test_a_grid_may_ask_for_more_than_the_scenario_brings(grid: Path, store: Path) -> None:
    grid.write_text(GRID + "probes: [{name: robust, steps: 3, fgsm: true, epsilon: 1/10}]\n")
    assert run(grid, store).code == 0
    found = rows(store, "select distinct probe from metrics where metric = 'fgsm_test_accuracy'")
    assert json.loads(found[0]["probe"]) == {
        "name": "robust",
        "steps": 3,
        "fgsm": True,
        "epsilon": 0.1,
    }


@pytest.mark.parametrize(
    "written",
    ["", ", epsilon: 8/255", ", epsilon: 8/255, step_size: 2/255", ", step_size: 2/255"],
)
def test_one_attack_is_one_cell_however_it_is_written(
    grid: Path, store: Path, written: str
) -> None:
    assert run(grid, store).code == 0
    grid.write_text(GRID.replace(", epsilon: 8/255", written))
    assert "0 trained" in run(grid, store).out


@pytest.mark.parametrize("rule", ["'<= 8/255'", "8/255", "null"])
def test_a_rule_finds_a_size_that_is_not_written(grid: Path, store: Path, rule: str) -> None:
    exclude = f"exclude: [{{scenario.epsilon: {rule}, method: lth}}]\n"
    grid.write_text(GRID.replace(", epsilon: 8/255", "") + exclude)
    planned = json.loads(sparsesweep("plan", grid, "--json", "--store", store).out)
    assert planned["cells"] == 1


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("dataset: digits", "dataset: wine", "grid.yaml:6: scenario adversarial takes images, and"),
        ("8/255", "8", "is 8; allowed: a number > 0 and < 8 or null; write 8/255"),
        ("8/255", "2", "grid.yaml:6: epsilon is 2.0; it must be <= 1 with norm: linf; write 2/255"),
        ("8/255}", "8/255}\nprobes: [{name: corruptions, severities: [1, 1]}]", "without repetit"),
        (
            "8/255}",
            "8/255}\nprobes: [{name: robust, norm: linf, epsilon: 2}]",
            "epsilon is 2.0; it must be <= 1 with norm: linf; write 2/255 (in robust)",
        ),
        ("8/255", "8/0", "a fraction is two integers, as in 8/255"),
        ("epsilon: 8/255", "mode: eval, track_statistics: true", "track_statistics has no effect"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_runs(
    tmp_path: Path, store: Path, written: str, instead: str, message: str
) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(GRID.replace(written, instead))
    said = run(path, store)
    assert said.code == 2
    assert message in said.err
