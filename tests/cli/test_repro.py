"""repro: cells trained again, really, from their code, and compared with their records."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.provenance import PACKAGES
from orchestrator.store import Store, load_index
from tests.support.console import Said, sparsesweep

ROOT = Path(__file__).resolve().parents[2]
GRID = """\
name: small
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  density: 0.5
  recipe: {epochs: 2, batch: 256}
axes: {method: [rigl, omp]}
seeds: 1
artifacts: {leave: [final]}
probes: [effective]
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a rigl cell, an omp cell and the dense cell that this one begins with."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.yaml").write_text(GRID)
    said = sparsesweep(
        "run", folder / "small.yaml", "--backend", "inline", "--store", folder / "results"
    )
    assert said.code == 0, said.err
    return folder / "results"


@pytest.fixture
def store(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "results"))


def cell(store: Path, method: str) -> str:
    asked = f"select cell from results where method = '{method}'"
    said = sparsesweep("query", asked, "--format", "json", "--store", store)
    [row] = json.loads(said.out)
    return str(row["cell"])


def repro(store: Path, name: str, *more: object) -> Said:
    return sparsesweep("repro", name, "--store", store, *more)


def files(store: Path) -> dict[str, tuple[int, int]]:
    paths = (path for path in store.rglob("*"))
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in paths}


def test_a_cell_comes_to_the_same_bits_and_the_store_is_not_touched(store: Path) -> None:
    before = files(store)
    said = repro(store, cell(store, "rigl")[:8])
    assert said.code == 0, said.err
    first, *_, last = said.out.splitlines()
    assert first.startswith(f"{cell(store, 'rigl')} rigl density=0.5 seed=0: attempt ")
    assert "equal bits are promised" in said.out
    assert last.startswith("identical: all ")
    assert files(store) == before


def tamper(store: Path, name: str) -> None:
    """Change what was recorded of a cell, in the archive into which its record was folded."""
    import pyarrow as pa

    [path] = store.glob("records/_archive/*.zst")
    with pa.input_stream(str(path), compression="zstd") as file:
        entries = [json.loads(line) for line in file.read().splitlines()]
    for record in (entry["record"] for entry in entries if entry["record"]["cell"] == name):
        record["metrics"]["test_accuracy"] = 0.125
    lines = [
        f'{{"record":{json.dumps(entry["record"])},"curve":{json.dumps(entry["curve"])}}}\n'
        for entry in entries
    ]
    path.write_bytes(pa.compress("".join(lines).encode(), codec="zstd", asbytes=True))


def test_another_number_where_equal_bits_are_promised_ends_with_1(store: Path) -> None:
    name = cell(store, "rigl")
    tamper(store, name)
    said = repro(store, name)
    assert said.code == 1
    assert "NOT REPRODUCED: 1 of " in said.out
    assert "  test_accuracy: 0.125 then, 0." in said.out


def test_what_a_cell_begins_with_is_copied_and_all_that_it_holds_is_compared(store: Path) -> None:
    said = repro(store, cell(store, "omp"), "--json")
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    assert (found["same"], found["exact"], found["made_again"]) == (True, True, [])
    assert (found["differing"], found["only_then"], found["only_now"]) == ([], [], [])
    asked = f"select count(*) as n from metrics where cell = '{found['cell']}'"
    counted = sparsesweep("query", asked, "--format", "json", "--store", store).out
    [row] = json.loads(counted)
    assert row["n"] > 0
    # 20 final metrics or more, those of the probe, 2 layers, 8 columns of the curve, 1 artifact
    assert found["compared"] > 20 + row["n"] + 2 + 8


@pytest.mark.slow
def test_what_a_cell_begins_with_is_made_again_where_it_was_removed(
    store: Path, tmp_path: Path
) -> None:
    [path] = store.glob(f"artifacts/*/{cell(store, 'dense')}.*.final")
    path.unlink()
    kept = tmp_path / "kept"
    said = repro(store, cell(store, "omp"), "--keep", kept)
    assert (said.code, said.err) == (0, "")
    assert f"begins with final of {cell(store, 'dense')}, made again" in said.out
    assert "identical: all " in said.out
    assert sorted(load_index(Store.open(kept))) == sorted(
        [cell(store, "dense"), cell(store, "omp")]
    )
    assert not path.exists()


def test_a_copy_that_is_not_what_was_left_is_refused(store: Path) -> None:
    [path] = store.glob(f"artifacts/*/{cell(store, 'dense')}.*.final")
    path.write_bytes(b"other weights")
    said = repro(store, cell(store, "omp"))
    assert said.code == 2
    assert said.err == f"{path} is damaged: its SHA-256 is not the one that was recorded\n"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose cell was trained by a program that measures calibration in 14 bins."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    changed = folder / "trainer" / "evaluate.py"
    text = changed.read_text()
    changed.write_text(text.replace("CALIBRATION_BINS = 15", "CALIBRATION_BINS = 14"))
    assert changed.read_text() != text
    (folder / "small.yaml").write_text(GRID.replace("[rigl, omp]", "[rigl]"))
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", "run", "small.yaml", "--backend", "inline"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "results"


def test_the_code_that_made_a_cell_makes_it_again(elsewhere: Path) -> None:
    said = repro(elsewhere, cell(elsewhere, "rigl"), "--trust-code")
    assert said.code == 0, said.err
    [kept] = (elsewhere / "code").iterdir()
    assert f"  code: {kept.name}, from {kept}" in said.out
    assert "identical: all " in said.out


def test_code_of_a_store_is_not_executed_before_that_is_said(elsewhere: Path) -> None:
    said = repro(elsewhere, cell(elsewhere, "rigl"))
    [kept] = (elsewhere / "code").iterdir()
    assert (said.code, said.out) == (2, "")
    assert f"repro would execute it from {kept}" in said.err
    assert "say --trust-code" in said.err


@pytest.mark.parametrize("name", ["sitecustomize.py", "trainer/deadline.so", "sparse/more.pyc"])
def test_what_lies_beside_kept_code_is_never_executed(
    elsewhere: Path, tmp_path: Path, name: str
) -> None:
    store = Path(shutil.copytree(elsewhere, tmp_path / "results"))
    [kept] = (store / "code").iterdir()
    (kept / name).write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    said = repro(store, cell(store, "rigl"), "--trust-code")
    assert said.code == 2
    assert f"{name} is no part of kept code" in said.err
    assert not (tmp_path / "executed").exists()


@pytest.mark.slow
def test_the_present_code_comes_to_other_numbers_which_breaks_no_promise(elsewhere: Path) -> None:
    said = repro(elsewhere, cell(elsewhere, "rigl"), "--with-present-code")
    assert said.code == 0, said.err
    [kept] = (elsewhere / "code").iterdir()
    assert f"  code: {kept.name} then, " in said.out
    assert "no equal bits are promised: what decides them is not the same" in said.out
    assert "other numbers: 1 of " in said.out
    assert "  test_calibration_error: 0." in said.out


def test_code_that_was_not_kept_or_was_changed_is_told(elsewhere: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(elsewhere, tmp_path / "results"))
    [kept] = (store / "code").iterdir()
    (kept / "sparse" / "more.py").write_text("")
    said = repro(store, cell(store, "rigl"))
    assert said.code == 2
    assert f"{kept} was changed: its files have the hash " in said.err
    shutil.rmtree(kept)
    said = repro(store, cell(store, "rigl"))
    assert said.code == 2
    assert f"the code {kept.name} of this record was not kept in {store}" in said.err
    assert "--with-present-code trains the cell with that" in said.err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("zzz", "no cell that was trained in STORE has an id that begins with 'zzz'"),
        ("", "no cell that was trained in STORE has an id that begins with ''"),
    ],
)
def test_a_cell_that_is_not_there_is_a_mistake(trained: Path, name: str, message: str) -> None:
    said = repro(trained, name)
    assert (said.code, said.err.splitlines()) == (2, [message.replace("STORE", str(trained))])


def test_a_cell_without_results_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "name: bad\nbase: {dataset: wine, model: convnet, method: static, density: 0.5}\nseeds: 1\n"
    )
    store = tmp_path / "results"
    sparsesweep("run", tmp_path / "bad.yaml", "--backend", "inline", "--store", store)
    [name] = load_index(Store.open(store))
    said = repro(store, name)
    assert said.code == 2
    assert said.err.startswith(f"cell {name} has no results, it is FAILED: ")


def test_a_folder_that_is_not_empty_is_not_kept_into(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").touch()
    said = repro(trained, cell(trained, "rigl"), "--keep", tmp_path / "full")
    assert said.code == 2
    assert f"{tmp_path / 'full'} is not empty" in said.err
