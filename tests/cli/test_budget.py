"""Forecasts and budgets on the command line, with cells that are really trained."""

import json
from pathlib import Path

import pytest

from tests.support.console import Said, sparsesweep

GRID = """\
name: short
base: {dataset: digits, model: {name: mlp, hidden: [8]}, method: set, density: 0.5}
axes: {recipe.epochs: [1]}
"""


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    path = tmp_path / "short.yaml"
    path.write_text(GRID)
    return path


def command(verb: str, grid: Path, seeds: int, *more: object) -> Said:
    backend = ("--backend", "inline") if verb == "run" else ()
    store = ("--store", grid.parent / "results")
    return sparsesweep(verb, grid, *store, "--set", f"seeds={seeds}", *backend, *more)


def test_a_plan_says_what_it_costs_as_soon_as_anything_was_measured(grid: Path) -> None:
    assert "cost: unknown until some of their kind have run" in command("plan", grid, 2).out
    assert json.loads(command("plan", grid, 2, "--json").out)["forecast"]["device_hours"] is None
    assert command("run", grid, 2).code == 0
    said = command("plan", grid, 4).out
    assert "device-seconds, done in about" in said
    assert "with 90 % between" in said
    plain = json.loads(command("plan", grid, 4, "--json").out)["forecast"]
    assert (plain["cells"], plain["unknown"], plain["level"]) == (2, 0, 0.9)
    assert 0 < plain["device_hours"]["low"] < plain["device_hours"]["high"]
    assert "cost:" not in command("plan", grid, 2).out


def test_a_forecast_is_checked_against_what_then_happened(grid: Path) -> None:
    command("run", grid, 1)
    command("run", grid, 2)
    store = ("--store", grid.parent / "results")
    for verb in ("cost", "status"):
        said = sparsesweep(verb, *store).out
        [line] = [line for line in said.splitlines() if "forecast" in line]
        assert "run 2: forecast" in line
        assert "device-seconds for 1 cells" in line
        assert "; took " in line
        assert "for 1 attempts" in line


def test_a_run_that_may_exceed_its_budget_is_refused_before_anything_is_written(
    grid: Path,
) -> None:
    assert command("run", grid, 1).code == 0
    for verb in ("run", "plan"):
        said = command(verb, grid, 3, "--max-device-hours", "1e-9")
        assert said.code == 2
        assert "--max-device-hours 1e-09: the forecast is" in said.err
        assert "0 of them would fit" in said.err
    assert not (grid.parent / "results" / "grids" / "short" / "2").exists()


def test_gpu_hours_of_a_run_without_gpus_are_refused(grid: Path) -> None:
    said = command("run", grid, 1, "--max-gpu-hours", "1")
    assert said.code == 2
    assert "this run asks for no GPUs" in said.err
    assert not (grid.parent / "results").exists()


@pytest.mark.parametrize("backend", ["inline", pytest.param("ray", marks=[pytest.mark.ray])])
def test_a_run_stops_where_its_budget_ends_and_the_next_goes_on(grid: Path, backend: str) -> None:
    # A thousandth of a second: nothing was measured, so it begins, and its start is too dear.
    store = ("--store", grid.parent / "results")
    run = ("run", grid, *store, "--set", "seeds=3", "--backend", backend)
    said = sparsesweep(*run, "--max-device-hours", "3e-7")
    assert said.code == 1
    assert "HALTED, the rest was not begun: the budget of 3e-07 device-hours" in said.err
    status = sparsesweep("status", *store)
    assert "has no room for more" in status.out
    assert sparsesweep(*run, "--max-device-hours", "1").code == 0
    assert sparsesweep(*run).out.startswith("short: 3 of 3 cells have results; 0 trained")
