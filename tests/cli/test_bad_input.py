"""A person's mistake: one clear message, exit code 2, nothing written."""

import json
from pathlib import Path

import pytest

from orchestrator.store import Store, publish_batch
from tests.support.console import sparsesweep
from tests.support.records import record

GRID = """\
name: small
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 1}
axes:
  method: [static, set]
  density: [0.1]
seeds: 1
"""


UNEQUAL = "zip:\n  - recipe.lr: [0.1, 0.2]\n    recipe.weight_decay: [0.5]\nseeds: 1"
NOTHING_REMOVED = "exclude:\n  - {density: 0.7}\nseeds: 1"
NOTHING_LEFT = "exclude:\n  - {density: 0.1}\nseeds: 1"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "results"


def grid(folder: Path, old: str = "", new: str = "") -> Path:
    assert old in GRID
    path = folder / "small.yaml"
    path.write_text(GRID.replace(old, new) if old else GRID)
    return path


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("[static, set]", "[static, sett]", 7, "did you mean 'set'?"),
        ("dataset: digits", "dataset: digit", 3, "did you mean 'digits'?"),
        ("  method: [static, set]", "  metod: [static, set]", 7, "did you mean 'method'?"),
        ("seeds: 1", "seedz: 1", 9, "did you mean 'seeds'?"),
        ("[0.1]", "[0]", 8, "density is 0; allowed: a number > 0 and <= 1"),
        ("[0.1]", "[1.5]", 8, "density is 1.5; allowed: a number > 0 and <= 1"),
        ("[0.1]", "[many]", 8, "density is 'many'; allowed: a number > 0 and <= 1"),
        ("density: [0.1]", "sparsity: [0.9]", 8, "density"),
        ("[0.1]", "[]", 8, "empty"),
        ("seeds: 1", "seeds: 1\nseeds: 2", 10, "seeds"),
        ("seeds: 1", UNEQUAL, 10, "zip needs lists of one length: recipe.lr has 2"),
        ("seeds: 1", NOTHING_REMOVED, 10, "this entry of exclude removes nothing"),
        ("seeds: 1", NOTHING_LEFT, 9, "exclude removes every cell of the grid"),
    ],
)
def test_a_mistake_in_the_grid_is_told_with_its_line(
    old: str, new: str, line: int, said: str, tmp_path: Path, store: Path
) -> None:
    path = grid(tmp_path, old, new)
    for command in ("plan", "run"):
        told = sparsesweep(command, path, "--store", store)
        assert told.code == 2
        assert f"{path}:{line}:" in told.err
        assert said in told.err
        assert told.out == ""
    assert not store.exists()


def test_all_mistakes_are_told_at_once(tmp_path: Path, store: Path) -> None:
    path = grid(tmp_path, "[static, set]\n  density: [0.1]", "[static, sett]\n  density: [2]")
    told = sparsesweep("run", path, "--store", store)
    assert told.code == 2
    assert len([line for line in told.err.splitlines() if line.startswith(f"{path}:")]) == 2
    assert not store.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "digitz"], "did you mean 'digits'?"),
        (["run", "digits_ci", "--set", "recipe.epoch=5"], "did you mean"),
        (["run", "digits_ci", "--backend", "rai"], "did you mean 'ray'?"),
        (["run", "digits_ci", "--backend", "inline", "--address", "auto"], "--address"),
        (["run", "digits_ci", "--stale", "rerum"], "did you mean 'rerun'?"),
        (["run", "digits_ci", "--data-root", "/nowhere"], "/nowhere"),
        (["retry", "digits_ci", "--class", "FAILD"], "did you mean 'FAILED'?"),
        (["run", "digits_ci", "--slots", "0"], "--slots"),
        (["run", "digits_ci", "--backend", "inline", "--slots", "2"], "--slots is 2; allowed"),
        (["methods", "rigle"], "did you mean 'rigl'?"),
        (["run", "x.yaml"], "no grid file 'x.yaml'"),
    ],
)
def test_a_mistake_on_the_command_line_is_told(
    arguments: list[str], said: str, store: Path
) -> None:
    more = [] if arguments[0] == "methods" else ["--store", str(store)]
    told = sparsesweep(*arguments, *more)
    assert told.code == 2
    assert said in told.err
    assert "Traceback" not in told.err
    assert not store.exists()


@pytest.mark.parametrize("command", [["status"], ["table"], ["logs", "abc"], ["query", "select 1"]])
def test_asking_a_store_that_is_not_there(command: list[str], store: Path) -> None:
    told = sparsesweep(*command, "--store", store)
    assert told.code == 2
    assert f"there is no store at {store}" in told.err
    assert not store.exists()


@pytest.mark.parametrize(
    "command", [["run", "digits_ci"], ["plan", "digits_ci"], ["status"], ["table"]]
)
def test_a_store_of_another_schema_version_is_left_alone(command: list[str], store: Path) -> None:
    store.mkdir()
    (store / "store.json").write_text(json.dumps({"schema": 99}))
    told = sparsesweep(*command, "--store", store)
    assert told.code == 2
    assert "schema version 99" in told.err
    assert told.out == ""
    assert [path.name for path in store.iterdir()] == ["store.json"]


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = sparsesweep(
        "run", "digits_ci", "--backend", "inline", "--store", tmp_path / "file" / "s"
    )
    assert told.code == 2
    assert "cannot make a store" in told.err


def test_a_folder_that_is_no_store_is_left_alone(store: Path) -> None:
    store.mkdir()
    (store / "thesis.tex").write_text("")
    told = sparsesweep("run", "digits_ci", "--store", store)
    assert told.code == 2
    assert [path.name for path in store.iterdir()] == ["thesis.tex"]


def test_a_store_that_cannot_take_a_submission_is_told(store: Path) -> None:
    Store.create(store)
    (store / "grids").write_text("")
    told = sparsesweep("run", "digits_ci", "--backend", "inline", "--store", store)
    assert told.code == 2
    assert told.err == f"cannot read {store}/grids/digits_ci: Not a directory\n"


def test_two_different_cells_with_one_id_are_told(tmp_path: Path, store: Path) -> None:
    path = grid(tmp_path)
    planned = json.loads(sparsesweep("plan", path, "--json", "--store", store).out)
    [cell, *_] = planned["waves"][0]["cells"]
    publish_batch(Store.create(store), [(record(cell=cell), None)])
    told = sparsesweep("plan", path, "--store", store)
    assert told.code == 2
    assert told.err.startswith(f"two different cells carry the id {cell}: ")
    assert len(told.err.splitlines()) == 1
