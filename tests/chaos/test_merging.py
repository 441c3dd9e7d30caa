"""Merging killed at every step, and while either store is written to."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from orchestrator.keeping.merging import merge, plan_merge
from orchestrator.provenance import PACKAGES
from orchestrator.store import Store, load_index, publish, publish_batch
from orchestrator.store.artifacts import publish_artifacts
from orchestrator.store.compaction import compact
from orchestrator.store.records import Record
from orchestrator.store.schema import TABLES
from orchestrator.store.shared import StoredFiles
from orchestrator.store.written import read_written
from orchestrator.submissions.frozen import freeze
from orchestrator.submissions.submission import publish_submission
from tests.support.cells import make_cell
from tests.support.dying import die_at, in_child
from tests.support.records import curve, failure, record
from tests.support.runs import a_submission

ROOT = Path(__file__).resolve().parents[2]
OURS = [record(1, seed=0, curve=True), failure(2, seed=1)]
THEIRS = [record(3, seed=1, curve=True, metrics={"odd": 1.0}), record(4, seed=2, curve=True)]
THEIRS_HOT = [record(5, seed=0), failure(6, seed=3)]


def publish_all(store: Store, records: list[Record]) -> None:
    publish_batch(store, [(item, curve() if item.curve else None) for item in records])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with folded and hot records, an artifact, a shared file, code and a submission."""
    store = Store.create(tmp_path_factory.mktemp("source"))
    freeze(store, a_program(tmp_path_factory.mktemp("program")))
    StoredFiles(store).file({"kind": "noise"}, lambda path: path.write_bytes(b"noise") and None)
    publish_all(store, THEIRS)
    compact(store)
    publish_all(store, THEIRS_HOT)
    publish_artifacts(store, [(THEIRS[0].cell, THEIRS[0].attempt, {"final": b"weights"})])
    publish_submission(store, a_submission("digits", 1, [make_cell(seed=7)]))
    return store


def a_program(root: Path) -> Path:
    """The shortest program that can be kept."""
    for package in PACKAGES:
        (root / package).mkdir()
        (root / package / "__init__.py").write_text(f'"""{package}."""\n')
    return root


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of its own, with a submission of the same grid's name that is younger."""
    store = Store.create(tmp_path_factory.mktemp("target"))
    publish_all(store, OURS)
    publish_submission(store, a_submission("digits", 1, [make_cell(seed=8)]))
    return store


def copy(store: Store, root: Path) -> Store:
    shutil.copytree(store.root, root, dirs_exist_ok=True)
    return Store.open(root)


def merged(source: Store, into: Path) -> int:
    merge(plan_merge([source.root], into, artifacts=True))
    return 0


def killed_at(step: int, action: Callable[[], int]) -> int:
    die_at(step)
    return action()


def number_of_steps(source: Store, into: Path) -> int:
    def count() -> int:
        counted = die_at(-1)
        merged(source, into)
        return counted()

    return in_child(count)


def contents(store: Store) -> dict[str, bytes]:
    """All that a person or a program can see: no temporary files, and not how often was folded."""
    paths = [path.relative_to(store.root) for path in store.root.rglob("*") if path.is_file()]
    files = {
        path.as_posix(): (store.root / path).read_bytes()
        for path in paths
        if not any(part.startswith(".") for part in path.parts)
    }
    kept = ("tables/_gen/", "records/_archive/")
    seen = {name: data for name, data in files.items() if not name.startswith(kept)}
    names = {(c, e.attempt) for c, state in load_index(store).items() for e in state.entries}
    records = {
        "/".join(written.name): written.text + (written.curve or b"")
        for written in read_written(store, names)
    }
    return seen | records


@pytest.mark.parametrize("every", [13, pytest.param(1, marks=pytest.mark.slow)])
def test_a_merge_that_dies_before_any_step_is_taken_up_by_the_next(
    source: Store,
    target: Store,
    tmp_path: Path,
    every: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestrator.store.adopting._AT_ONCE", 1)  # two generations, not one
    whole = copy(target, tmp_path / "whole")
    merged(source, whole.root)
    expected = contents(whole)
    assert len(load_index(whole)) == 4
    steps = number_of_steps(source, copy(target, tmp_path / "counted").root)
    assert 60 < steps < 250
    for step in range(1, steps + 1, every):
        store = copy(target, tmp_path / str(step))
        assert in_child(partial(killed_at, step, partial(merged, source, store.root))) == 9
        merged(source, store.root)
        assert contents(store) == expected, f"taken up after a death at step {step}"
        shutil.rmtree(store.root)


def test_the_tables_are_those_of_a_store_that_held_everything_from_the_start(
    source: Store, target: Store, tmp_path: Path
) -> None:
    other = copy(target, tmp_path / "other")
    merged(source, other.root)
    at_once = Store.create(tmp_path / "at_once")
    publish_all(at_once, [*OURS, *THEIRS, *THEIRS_HOT])
    compact(at_once)
    for table in TABLES:
        assert other.table_path(table).read_bytes() == at_once.table_path(table).read_bytes()


def test_two_merges_into_one_store_at_once_lose_nothing(tmp_path: Path) -> None:
    target = Store.create(tmp_path / "target")
    sources = [Store.create(tmp_path / name) for name in ("one", "two", "three")]
    every = [record(1, seed=seed, curve=True) for seed in range(30)]
    for place, store in enumerate(sources):
        publish_all(store, every[place * 10 : place * 10 + 15])  # some are in two of them
        compact(store)
    mergers = [start(MERGER, target, str(store.root)) for store in sources]
    assert [merger.wait() for merger in mergers] == [0, 0, 0]
    at_once = Store.create(tmp_path / "at_once")
    publish_all(at_once, every)
    compact(at_once)
    for table in TABLES:
        assert target.table_path(table).read_bytes() == at_once.table_path(table).read_bytes()
    assert len(list(read_written(target, [(item.cell, item.attempt) for item in every]))) == 30


MERGER = """
import sys
from pathlib import Path
from orchestrator.keeping.merging import merge, plan_merge
merge(plan_merge([Path(sys.argv[2])], Path(sys.argv[1])))
"""


def test_the_source_is_not_touched(source: Store, tmp_path: Path) -> None:
    def state() -> dict[str, tuple[int, int]]:
        paths = sorted(source.root.rglob("*"))
        return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in paths}

    before = state()
    merged(source, tmp_path / "into")
    assert state() == before


WRITER = """
import sys
from orchestrator.provenance import PACKAGES
from orchestrator.store import Store, publish
from orchestrator.store.compaction import compact
from tests.support.records import curve, record
store, first = Store.open(sys.argv[1]), int(sys.argv[2])
for seed in range(first, first + 60):
    publish(store, record(1, seed=seed, curve=True), curve())
    if seed % 7 == 0:
        compact(store)
"""


def test_both_stores_are_written_to_and_folded_meanwhile(tmp_path: Path) -> None:
    source, target = Store.create(tmp_path / "source"), Store.create(tmp_path / "target")
    writers = [start(WRITER, source, "0"), start(WRITER, target, "60")]
    try:
        while any(writer.poll() is None for writer in writers):
            merged(source, target.root)
    finally:
        for writer in writers:
            writer.wait()
    assert [writer.returncode for writer in writers] == [0, 0]
    merged(source, target.root)
    assert sum(state.attempts for state in load_index(target).values()) == 120
    assert sum(state.attempts for state in load_index(source).values()) == 60
    at_once = Store.create(tmp_path / "at_once")
    for seed in range(120):
        publish(at_once, record(1, seed=seed, curve=True), curve())
    compact(at_once)
    for table in TABLES:
        assert target.table_path(table).read_bytes() == at_once.table_path(table).read_bytes()


def start(code: str, store: Store, *args: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", code, str(store.root), *args], env=environment)


def test_the_younger_submission_stays_the_last(
    source: Store, target: Store, tmp_path: Path
) -> None:
    store = copy(target, tmp_path / "numbered")
    merged(source, store.root)
    seeds = [
        json.loads((store.submission("digits", number) / "submission.json").read_bytes())["cells"]
        for number in store.submission_numbers("digits")
    ]
    assert [cells["canonical"][0]["seed"] for cells in seeds] == [8, 7, 8]
