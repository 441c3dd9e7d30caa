"""merge, compare and clean on the command line, on stores of cells that were really trained."""

import json
import os
import shutil
from pathlib import Path

import pytest

from orchestrator.store import Store
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
  recipe: {epochs: 1, batch: 256, lr: LR}
seeds: 2
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two stores: `one` holds the grids slow and fast, `two` a third seed of slow."""
    folder = tmp_path_factory.mktemp("trained")
    for name, lr in (("slow", "0.02"), ("fast", "0.2")):
        (folder / f"{name}.yaml").write_text(GRID.replace("NAME", name).replace("LR", lr))
        run(folder, name, "one")
    run(folder, "slow", "two", "--set", "seeds=3")
    return folder


def run(folder: Path, name: str, store: str, *more: str) -> None:
    asked = ("run", folder / f"{name}.yaml", "--backend", "inline", "--store", folder / store)
    said = sparsesweep(*asked, *more)
    assert said.code == 0, said.err


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "trained"))


def merge(folder: Path, *more: str) -> Said:
    return sparsesweep("merge", folder / "two", "--into", folder / "one", *more)


def test_a_merge_is_shown_done_and_then_nothing_is_left_to_do(folder: Path) -> None:
    said = merge(folder, "--dry-run")
    assert (said.code, said.err) == (0, "")
    first, second, third = said.out.splitlines()
    assert first.startswith(f"{folder / 'two'}: 3 new attempts, 0 known; 1 new cells; 0.0 MB")
    assert second == "1 submission of slow"
    assert third == f"would be merged into {folder / 'one'}"
    assert not (folder / "one" / "grids" / "slow" / "2").exists()
    done = merge(folder)
    assert (done.code, done.out) == (0, f"{first}\n{second}\nmerged into {folder / 'one'}\n")
    assert merge(folder).out.endswith(f"{folder / 'one'} holds all of it already\n")


def test_the_grid_of_the_other_store_is_answered_here(folder: Path) -> None:
    merge(folder)
    shutil.rmtree(folder / "two")
    said = sparsesweep("table", "slow", "--store", folder / "one", "--format", "csv")
    assert said.code == 0, said.err
    status = json.loads(sparsesweep("status", "slow", "--json", "--store", folder / "one").out)
    assert status["counts"] == {"COMPLETED": 3}
    assert (folder / "one" / "code").is_dir()


def test_submissions_of_a_grid_that_runs_here_are_told_and_wait(folder: Path) -> None:
    store = Store.open(folder / "one")
    [pack] = another_run(store, [[make_cell(seed=9)]], grid="slow", number=2)
    beat(store, pack)
    said = merge(folder)
    assert said.code == 0
    assert "left out the submissions of slow: a run of it is at work in " in said.err
    assert said.out.splitlines()[1:] == [f"merged into {folder / 'one'}"]
    assert store.submission_numbers("slow") == [1, 2]
    assert merge(folder).out.endswith(f"{folder / 'one'} holds all else already\n")


def test_the_counts_of_a_merge_as_json(folder: Path) -> None:
    found = json.loads(merge(folder, "--json").out)
    [source] = found["sources"]
    assert (source["attempts_new"], source["attempts_known"], source["cells_new"]) == (3, 0, 1)
    assert source["record_bytes"] > 0
    assert (found["submissions"], found["done"]) == ([{"grid": "slow", "number": 1}], True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("merge", "one", "--into", "one"), "one is named twice"),
        (("merge", "none", "--into", "one"), "there is no store at "),
        (("compare", "slow", "fst"), "did you mean 'fast'?"),
        (("compare", "slow", "fast@7"), "there is no run fast@7 in "),
        (("compare", "slow", "./none"), "there is no store at "),
        (("compare", "slow", "fast", "--grid", "slow"), "slow is no store"),
        (("compare", "slow", "fast", "--vary", "recipe.l"), "did you mean 'recipe.lr'?"),
        (("compare", "slow", "fast", "--format", "txt"), "did you mean 'text'?"),
        (("compare", "slow", "fast", "--value", "accuracy"), "no cell has a measurement"),
        (("clean", "slo"), "did you mean 'slow'?"),
        (("clean", "slow", "--all"), "leave the grid slow out, or --all"),
    ],
)
def test_mistakes_are_told_without_a_traceback(
    trained: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(trained)
    said = sparsesweep("--store", "one", *arguments)
    assert said.code == 2
    assert message in said.err
    assert "Traceback" not in said.err


def test_two_studies_are_compared_by_what_differs_by_design(trained: Path) -> None:
    asked = ("compare", "slow", "fast", "--store", trained / "one", "--format", "json")
    said = sparsesweep(*asked)
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    assert found["varied"] == {"recipe.lr": [["0.02"], ["0.2"]]}
    [group] = found["groups"]
    assert group["difference"]["n"] == 2
    assert group["first"] != group["second"]
    assert json.loads(sparsesweep(*asked, "--vary", "recipe.lr").out) == found


def test_what_two_stores_both_trained_is_equal_to_the_last_bit(trained: Path) -> None:
    said = sparsesweep("compare", trained / "one", trained / "two", "--grid", "slow")
    assert (said.code, said.err) == (0, "")
    assert "note: measured on both sides and equal to the last bit: 2 cells\n" in said.out
    assert "note: 1 cell only in B: " in said.out
    assert "identical" in said.out


def test_broken_bits_end_with_1(folder: Path) -> None:
    import pyarrow as pa

    [path] = (folder / "two").glob("records/_archive/*.zst")
    with pa.input_stream(str(path), compression="zstd") as file:
        lines = file.read().splitlines()
    for line in lines:
        record = json.loads(line)["record"]
        record["metrics"]["test_loss"] += 1e-9
        name = f"{record['cell']}.{record['attempt']}.json"
        place = folder / "two" / "records" / record["cell"][:2] / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps({**record, "curve": False}))
    shutil.rmtree(folder / "two" / "tables")
    said = sparsesweep("compare", folder / "one", folder / "two", "--grid", "slow")
    assert said.code == 1
    assert said.out.count("EQUAL BITS WERE PROMISED and are not there") == 2
    assert "identical" in said.out  # of test_accuracy


def test_logs_of_finished_cells_are_shown_and_freed_by_yes_alone(folder: Path) -> None:
    logs = sorted((folder / "one" / "logs").rglob("*.*"))
    asked = ("clean", "slow", "--store", folder / "one")
    said = sparsesweep(*asked)
    assert said.code == 0
    assert said.out.splitlines()[1].startswith("  logs: 2 files, ")
    assert said.out.endswith("nothing was freed: --yes frees it\n")
    assert sorted((folder / "one" / "logs").rglob("*.*")) == logs
    listed = json.loads(sparsesweep(*asked, "--json").out)
    assert listed["freed"] is False
    done = json.loads(sparsesweep(*asked, "--yes", "--json").out)
    assert (done["files"], done["freed"]) == (listed["files"], True)
    left = sorted((folder / "one" / "logs").rglob("*.*"))
    assert sorted(set(logs) - set(left)) == sorted(map(Path, done["files"]))
    assert len(left) == 2
    table = sparsesweep("table", "slow", "--store", folder / "one")
    assert table.code == 0


def test_a_store_that_may_only_be_read_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # root may write everywhere
    monkeypatch.setattr("os.access", lambda path, mode, **_: mode & os.W_OK == 0)
    said = sparsesweep("clean", "slow", "--store", folder / "one")
    assert said.code == 0, said.err
    assert "you may only read the store at" in said.err
    said = sparsesweep("clean", "slow", "--yes", "--store", folder / "one")
    assert said.code == 2
    assert "cannot write into the store at" in said.err
