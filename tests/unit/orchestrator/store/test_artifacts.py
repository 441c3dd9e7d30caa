"""Artifacts in a store: published before the record that lists them, answered by one rule."""

from pathlib import Path

import pytest

from orchestrator.store.artifacts import answering_artifacts, described, list_artifacts
from orchestrator.store.index import load_index
from orchestrator.store.layout import Store
from orchestrator.worker.recording import Publisher
from tests.support.records import attempt, failure, record


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def test_an_artifact_is_named_by_its_cell_its_attempt_and_what_it_is(store: Store) -> None:
    one = record(1)
    with Publisher(store) as publisher:
        publisher.put(one, None, {"final": b"weights"})
    [artifact] = list_artifacts(store)
    assert (artifact.cell, artifact.attempt, artifact.name) == (one.cell, attempt(1), "final")
    assert artifact.path.read_bytes() == b"weights"
    assert artifact.size == 7
    assert artifact.path == store.root / "artifacts" / one.cell[:2] / (
        f"{one.cell}.{attempt(1)}.final"
    )


def test_the_first_of_several_that_stand_answers(store: Store) -> None:
    with Publisher(store) as publisher:
        publisher.put(record(2), None, {"final": b"second"})
        publisher.put(record(1), None, {"final": b"first"})
    [held] = answering_artifacts(store, load_index(store)).values()
    assert held["final"].attempt == attempt(1)


def test_one_that_was_replaced_does_not_answer(store: Store) -> None:
    with Publisher(store) as publisher:
        publisher.put(record(1), None, {"final": b"first"})
        publisher.put(record(2, supersedes=(attempt(1),)), None)
    assert answering_artifacts(store, load_index(store)) == {}


def test_neither_does_one_without_a_record_of_success(store: Store) -> None:
    with Publisher(store) as publisher:
        publisher.put(failure(1), None, {"final": b"half"})
    assert answering_artifacts(store, load_index(store)) == {}


def test_a_later_attempt_fills_in_what_the_first_lacks(store: Store) -> None:
    with Publisher(store) as publisher:
        publisher.put(record(1), None)
        publisher.put(record(2), None, {"final": b"again"})
    index = load_index(store)
    [held] = answering_artifacts(store, index).values()
    assert held["final"].attempt == attempt(2)
    assert index[record(1).cell].answer.attempt == attempt(1)


def test_a_store_without_artifacts_has_none(store: Store) -> None:
    assert list_artifacts(store) == []


def test_a_record_lists_the_size_and_the_digest() -> None:
    assert described({}) is None
    assert described({"final": b"abc"}) == {
        "final": {
            "bytes": 3,
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        }
    }
