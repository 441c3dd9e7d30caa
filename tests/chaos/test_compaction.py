"""Compaction killed at every step, run twice at once, and raced by writers and readers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestrator.store import Store, compaction, load_index, publish_batch, read_index
from orchestrator.store.compaction import compact
from orchestrator.store.generations import Generation, Part, newest
from orchestrator.store.reading import read_tables
from orchestrator.store.records import Record, hot_paths
from orchestrator.store.schema import TABLES
from tests.support.dying import die_at, in_child
from tests.support.records import curve, failure, record

ROOT = Path(__file__).resolve().parents[2]
FOLDED_BEFORE = [record(1, seed=0, curve=True), failure(2, seed=1)]
HOT = [
    record(3, seed=1, curve=True, metrics={"test_accuracy": 0.5, "odd": 1.0}),
    record(4, seed=0),
]


def publish_all(store: Store, records: list[Record]) -> None:
    publish_batch(store, [(item, curve() if item.curve else None) for item in records])


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with one generation and with hot records on top."""
    store = Store.create(tmp_path_factory.mktemp("before"))
    publish_all(store, FOLDED_BEFORE)
    compact(store)
    publish_all(store, HOT)
    return store


@pytest.fixture(scope="module")
def undisturbed(before: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The same store after a compaction that nothing disturbed."""
    store = copy(before, tmp_path_factory.mktemp("undisturbed"))
    compact(store)
    return store


def copy(store: Store, root: Path) -> Store:
    shutil.copytree(store.root, root, dirs_exist_ok=True)
    return Store.open(root)


def compact_and_die(store: Store, step: int) -> int:
    die_at(step)
    compact(store)
    return 0


def number_of_steps(before: Store, root: Path) -> int:
    store = copy(before, root)

    def count_steps() -> int:
        counted = die_at(-1)
        compact(store)
        return counted()

    return in_child(count_steps)


def answers(store: Store) -> dict[str, list[dict[str, Any]]]:
    return {name: table.to_pylist() for name, table in read_tables(store).tables.items()}


def test_a_compactor_that_dies_before_any_step_loses_nothing_and_doubles_nothing(
    before: Store, undisturbed: Store, tmp_path: Path
) -> None:
    expected = answers(before)
    steps = number_of_steps(before, tmp_path / "counted")
    assert 30 < steps < 150
    for step in range(1, steps + 1):
        store = copy(before, tmp_path / str(step))
        assert in_child(partial(compact_and_die, store, step)) == 9, f"step {step}"
        assert answers(store) == expected, f"after a death at step {step}"
        assert load_index(store).keys() == load_index(before).keys()
        compact(store)
        assert_same_and_tidy(store, undisturbed, f"taken up after a death at step {step}")
        shutil.rmtree(store.root)


def assert_same_and_tidy(store: Store, undisturbed: Store, when: str) -> None:
    for table in TABLES:
        same = store.table_path(table).read_bytes() == undisturbed.table_path(table).read_bytes()
        assert same, f"{table} {when}"
    assert hot_paths(store) == [], when
    assert list(store.curves.glob("*/*.json")) == [], when
    assert archived(store) == {(r.cell, r.attempt) for r in [*FOLDED_BEFORE, *HOT]}, when
    parts = {part.file for part in named_parts(store)}
    present = {p.name for p in store.generations.iterdir() if p.name.count(".") == 3}
    assert {name for name in present if not name.startswith(".")} == parts, when


def named_parts(store: Store) -> Iterator[Part]:
    last = newest(store)
    assert last is not None
    for number in range(max(1, last.number - 1), last.number + 1):
        manifest = (store.generations / f"{number}.json").read_bytes()
        yield from Generation.from_json(manifest).parts.values()


def archived(store: Store) -> set[tuple[str, str]]:
    """The attempts of which the archives hold record and, where it promises one, curve."""
    found = set()
    for path in store.archive.glob("[!.]*.jsonl.zst"):
        with pa.input_stream(str(path), compression="zstd") as stream:
            lines = stream.read().splitlines()
        for line in map(json.loads, lines):
            record = Record.from_json(json.dumps(line["record"]))
            if not record.curve or line["curve"] is not None:
                found.add((record.cell, record.attempt))
    return found


def test_of_two_compactors_at_once_the_loser_folds_what_the_winner_left(
    before: Store, undisturbed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = copy(before, tmp_path / "raced")
    late = record(6, seed=7)
    real_write = compaction.write_parts
    raced = []

    def write_parts_after_the_other_has_won(*args: Any) -> Any:
        if not raced:
            raced.append(True)
            compact(store)
            publish_all(store, [late])
        return real_write(*args)

    monkeypatch.setattr(compaction, "write_parts", write_parts_after_the_other_has_won)
    generation = compact(store)
    assert generation is not None
    assert (generation.number, generation.attempts) == (3, 5)
    rows = pq.read_table(store.table_path("results")).to_pylist()
    assert len({(row["cell"], row["attempt"]) for row in rows}) == len(rows) == 5


def test_a_loser_with_nothing_left_to_fold_discards_its_parts(
    before: Store, undisturbed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = copy(before, tmp_path / "raced")
    real_publish = compaction.publish_generation

    def publish_after_the_other(store: Store, generation: Any) -> bool:
        monkeypatch.setattr(compaction, "publish_generation", real_publish)
        compact(store)
        return real_publish(store, generation)

    monkeypatch.setattr(compaction, "publish_generation", publish_after_the_other)
    assert compact(store) is None
    assert_same_and_tidy(store, undisturbed, "after a lost race")


def test_a_compactor_that_slept_through_generations_publishes_none(
    before: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = copy(before, tmp_path / "slept")
    real_publish = compaction.publish_generation

    def publish_much_later(store: Store, generation: Any) -> bool:
        monkeypatch.setattr(compaction, "publish_generation", real_publish)
        for seed in range(10, 15):
            publish_all(store, [record(seed, seed=seed)])
            compact(store)
        return real_publish(store, generation)

    monkeypatch.setattr(compaction, "publish_generation", publish_much_later)
    assert compact(store) is None
    generation = newest(store)
    assert generation is not None
    assert (generation.number, generation.attempts) == (6, 9)


WRITER = """
import sys
from orchestrator.store import Store, publish
from tests.support.records import curve, record
store, first = Store.open(sys.argv[1]), int(sys.argv[2])
for seed in range(first, first + 60):
    publish(store, record(1, seed=seed, curve=True), curve())
"""
COMPACTOR = """
import sys
from orchestrator.store import Store
from orchestrator.store.compaction import compact
while True:
    compact(Store.open(sys.argv[1]))
"""


def test_writers_compactors_and_readers_at_once_and_kills_in_between(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "busy")
    writers = [start(WRITER, store, str(first)) for first in (0, 60)]
    compactors = [start(COMPACTOR, store) for _ in range(2)]
    seen = 0
    try:
        while any(writer.poll() is None for writer in writers):
            index = read_index(store)
            now = sum(state.attempts for state in index.cells.values())
            assert now >= seen, "a reader lost sight of published records"
            seen = now
            if seen > 40 and len(compactors) == 2:
                compactors.append(start(COMPACTOR, store))
                compactors[0].kill()
    finally:
        for compactor in compactors:
            compactor.kill()
        for process in [*writers, *compactors]:
            process.wait()
    assert [writer.returncode for writer in writers] == [0, 0]
    assert sum(state.attempts for state in load_index(store).values()) == 120
    compact(store)
    rows = pq.read_table(store.table_path("results"), columns=["cell", "answers"]).to_pylist()
    assert len({row["cell"] for row in rows}) == len(rows) == 120
    assert pq.read_table(store.table_path("curves")).num_rows == 360


def start(code: str, store: Store, *args: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", code, str(store.root), *args], env=environment)
