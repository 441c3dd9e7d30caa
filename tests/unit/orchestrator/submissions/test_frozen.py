"""Frozen code: what was submitted runs, whatever happens to the working tree afterwards."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.provenance import PACKAGES, ROOT, code_hash
from orchestrator.store.layout import Store, StoreError
from orchestrator.submissions.frozen import freeze

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
