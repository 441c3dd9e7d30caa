"""The index: the state of every cell, without the tables."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.store.index import load_index, read_index
from orchestrator.store.index_part import decode_index, encode_index, entry_of
from orchestrator.store.layout import Store, StoreWarning
from orchestrator.store.records import CollisionError, publish, publish_batch
from tests.support.records import attempt, failure, fields, record


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def test_an_empty_store_has_no_cells(store: Store) -> None:
    index = read_index(store)
    assert (index.cells, index.folded, index.hot, index.damaged) == ({}, 0, 0, ())


def test_a_cell_is_told_by_the_attempt_that_answers(store: Store) -> None:
    one = record(2)
    publish_batch(store, [(failure(1), None), (one, None), (failure(3, seed=1), None)])
    cells = load_index(store)
    state = cells[one.cell]
    assert (state.cell, state.state, state.completed, state.hot) == (
        one.cell, "COMPLETED", True, True,
    )  # fmt: skip
    assert (state.attempts, state.failures) == (2, 1)
    assert state.canonical == {"fields": fields()}
    assert (state.answer.attempt, state.answer.code, state.answer.seconds) == (
        attempt(2), "c0de", 2.5,
    )  # fmt: skip


def test_a_failure_is_told_with_its_signature(store: Store) -> None:
    publish(store, failure())
    [state] = load_index(store).values()
    assert (state.state, state.completed, state.answer.error_signature) == (
        "FAILED", False, "RuntimeError@run.py:12",
    )  # fmt: skip


def test_entries_survive_being_written() -> None:
    entries = [entry_of(record(1, supersedes=("a",))), entry_of(failure(2))]
    data = encode_index(entries, {"00ff": '{"seed":1}'})
    found, canonicals = decode_index(data)
    assert found == entries
    assert canonicals == {"00ff": '{"seed":1}'}


def test_two_cells_of_one_id_are_found_among_hot_records(store: Store) -> None:
    publish(store, record(1, cell="00ff00ff00ff00ff", seed=1))
    publish(store, record(2, cell="00ff00ff00ff00ff", seed=2))
    with pytest.raises(CollisionError, match="carry the id 00ff00ff00ff00ff"):
        load_index(store)


def test_damaged_records_are_counted_and_hide_nothing(store: Store) -> None:
    publish(store, record())
    path = store.record_path("ffff000000000000", "a")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"{")
    with pytest.warns(StoreWarning, match="skipped"):
        index = read_index(store)
    assert list(index.cells) == [record().cell]
    assert index.damaged == (path,)


def test_the_index_is_read_without_loading_pyarrow() -> None:
    code = (
        "import sys, orchestrator.store; print({'pyarrow', 'numpy', 'duckdb'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_completed_attempt_at_a_cell_is_known(store: Store) -> None:
    for second in (1, 2):
        publish(store, record(attempt=attempt(second)))
    [state] = load_index(store).values()
    assert state.completions == (attempt(1), attempt(2))
    assert state.answer.attempt == attempt(1)
