"""Frozen code: what was submitted runs, whatever happens to the working tree afterwards."""

import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.provenance import PACKAGES, ROOT, code_hash
from orchestrator.store.layout import Store, StoreError
from orchestrator.submissions.frozen import check_kept, copy_kept, freeze

ASK = "import sparse.schedule as s; print(s.__file__, getattr(s, 'EDITED', False))"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree of this code."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / "tree" / package, ignore=shutil.ignore_patterns("*.pyc")
        )
    return tmp_path / "tree"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def ask(folder: Path, cwd: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, cwd=cwd, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_an_edit_after_the_submission_changes_nothing_that_runs(store: Store, tree: Path) -> None:
    frozen = freeze(store, tree)
    with (tree / "sparse" / "schedule.py").open("a") as file:
        file.write("\nEDITED = True\n")
    assert ask(tree, tree) == f"{tree}/sparse/schedule.py True"
    assert ask(frozen, tree) == f"{frozen}/sparse/schedule.py False"


def test_the_copy_has_the_hash_it_is_named_after_and_all_data(store: Store) -> None:
    frozen = freeze(store)
    assert frozen == store.code_folder(code_hash())
    assert code_hash(frozen) == code_hash()
    assert (frozen / "grids" / "studies" / "digits.yaml").is_file()


def test_the_same_code_is_copied_once(store: Store) -> None:
    first = freeze(store)
    before = first.stat().st_ino
    assert freeze(store).stat().st_ino == before
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_a_copy_that_was_changed_is_refused(store: Store, tree: Path) -> None:
    frozen = freeze(store, tree)
    (frozen / "trainer" / "extra.py").write_text("x = 1\n")
    code_hash.cache_clear()
    with pytest.raises(StoreError, match="was changed: its files have the hash"):
        freeze(store, tree)


@pytest.mark.parametrize(
    "name", ["sitecustomize.py", "sparse/schedule.cpython-311-x86_64-linux-gnu.so", "trainer/x.pyc"]
)
def test_what_python_would_load_beside_the_code_is_refused(store: Store, name: str) -> None:
    frozen = freeze(store)
    (frozen / name).write_bytes(b"")
    with pytest.raises(StoreError, match=f"{Path(name).name} is no part of kept code"):
        freeze(store)


@pytest.mark.parametrize("name", ["sparse/more", "sparse", "grids/studies/more.yaml"])
def test_symbolic_links_in_kept_code_are_refused(store: Store, tmp_path: Path, name: str) -> None:
    frozen = freeze(store)
    if (frozen / name).exists():
        (frozen / name).rename(tmp_path / "moved")
    (frozen / name).symlink_to(tmp_path / "moved")
    with pytest.raises(StoreError, match="is no part of kept code"):
        check_kept(frozen)


def test_bytecode_that_python_would_prefer_to_the_code_is_removed(
    store: Store, tmp_path: Path
) -> None:
    frozen = freeze(store)
    cache = frozen / "sparse" / "__pycache__"
    cache.mkdir()
    (tmp_path / "other.py").write_text("EDITED = True")
    py_compile.compile(
        str(tmp_path / "other.py"),
        cfile=str(cache / f"schedule.{sys.implementation.cache_tag}.pyc"),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )  # fmt: skip
    with pytest.raises(StoreError, match="__pycache__ is no part"):
        check_kept(frozen)
    freeze(store)
    assert not cache.exists()
    assert ask(frozen, tmp_path) == f"{frozen}/sparse/schedule.py False"


def test_data_of_kept_code_that_are_not_those_of_the_program_are_refused(store: Store) -> None:
    frozen = freeze(store)
    (frozen / "grids" / "studies" / "digits.yaml").write_text("name: other\n")
    with pytest.raises(StoreError, match=r"grids/studies/digits.yaml is not that of"):
        freeze(store)


def test_a_copy_of_kept_code_is_its_python_files_alone(store: Store, tmp_path: Path) -> None:
    frozen = freeze(store)
    copy_kept(frozen, tmp_path / "copy")
    copied = {path for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert {path.suffix for path in copied} == {".py"}
    assert ask(tmp_path / "copy", tmp_path) == f"{tmp_path}/copy/sparse/schedule.py False"
