"""why and cancel on the command line, for grids that no scheduler carries."""

import json
from pathlib import Path

import pytest

from orchestrator.store.layout import Store
from tests.support.cells import make_cell
from tests.support.console import Said, sparsesweep
from tests.support.runs import another_run, beat

GRID = """\
name: NAME
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  method: static
  density: 0.5
  recipe: {epochs: 1, batch: 256}
seeds: 2
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "results"


def run(tmp_path: Path, store: Path, *more: str, name: str = "small") -> Said:
    path = tmp_path / f"{name}.yaml"
    path.write_text(GRID.replace("NAME", name))
    return sparsesweep("run", path, "--backend", "inline", "--store", store, *more)


def cells(store: Path) -> list[str]:
    said = sparsesweep("status", "--json", "--store", store).out
    return sorted(json.loads(said)["states"])


def test_why_tells_all_the_evidence_of_a_cell(tmp_path: Path, store: Path) -> None:
    run(tmp_path, store)
    [first, _] = cells(store)
    said = sparsesweep("why", first[:8], "--store", store)
    assert said.code == 0
    assert said.out.startswith(f"{first} static density=0.5 seed=")
    assert ": COMPLETED" in said.out
    assert "asked for by small, run 1" in said.out
    assert "1 attempts ended, 0 of them without results" in said.out
    assert "carried by inline: nobody else can be asked" in said.out
    assert "worker: finished" in said.out


def test_why_of_a_cell_that_an_earlier_run_trained_tells_of_that_run(
    tmp_path: Path, store: Path
) -> None:
    run(tmp_path, store)
    [first, _] = cells(store)
    run(tmp_path, store, "--set", "seeds=3")
    said = sparsesweep("why", first, "--store", store).out
    assert "asked for by small, run 2" in said
    assert "in no pack of that run; last in one of run 1" in said
    assert "not begun" not in said
    assert "worker: finished" in said


def test_why_of_a_failed_cell_names_the_error(tmp_path: Path, store: Path) -> None:
    run(tmp_path, store, "--set", "model=convnet", "--set", "dataset=wine")
    [first, _] = cells(store)
    said = sparsesweep("why", first, "--json", "--store", store)
    found = json.loads(said.out)
    assert (found["cell"], found["state"]) == (first, "FAILED")
    assert any(line.startswith("error: ") for line in found["lines"])
    assert found["log"]


def test_why_of_what_was_never_asked_for_is_a_mistake(tmp_path: Path, store: Path) -> None:
    run(tmp_path, store)
    said = sparsesweep("why", "zzz", "--store", store)
    assert (said.code, said.err) == (
        2, "no cell that was submitted has an id that begins with zzz\n",
    )  # fmt: skip


def test_a_grid_whose_name_looks_like_a_cell_is_cancelled_as_a_grid(
    tmp_path: Path, store: Path
) -> None:
    run(tmp_path, store, name="cafe")
    said = sparsesweep("cancel", "cafe", "--store", store)
    assert said.code == 0, said.err
    assert said.out.startswith("cafe: 0 submissions told to stop, 0 jobs ended")


def test_a_run_that_somebody_waits_for_is_told_to_stop(tmp_path: Path, store: Path) -> None:
    run(tmp_path, store)
    opened, other = Store.open(store), "other"
    [pack] = another_run(opened, [[make_cell(seed=5)]], grid=other)
    beat(opened, pack)
    said = sparsesweep("cancel", other, "--store", store)
    assert said.out.startswith(f"{other}: 1 submissions told to stop")
    assert (store / "grids" / other / "1" / "stop").exists()


def test_a_cell_that_nobody_trains_cannot_be_cancelled(tmp_path: Path, store: Path) -> None:
    run(tmp_path, store)
    [first, _] = cells(store)
    said = sparsesweep("cancel", first, "--store", store)
    assert said.code == 2
    assert f"no cell waiting or running in {store} has an id that begins with {first}" in said.err
