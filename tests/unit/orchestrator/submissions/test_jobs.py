"""Which job carries which pack: told by names that are unique for ever."""

import json

import pytest

from orchestrator.store.layout import Store, StoreError
from orchestrator.submissions.jobs import (
    JobBatch,
    array_name,
    current_places,
    job_ids,
    jobs_folder,
    note_job_id,
    publish_batch,
    read_batch,
    read_batches,
    successor_of,
    token_of,
)

NOW = "2026-11-21T03:00:00.000000Z"


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "results")


FIRST = JobBatch(name="ss-0a1b2c3d-a0", packs=("p0", "p1", "p2"), written_at=NOW)


def test_a_batch_comes_back_as_it_was_published(store):
    batch = JobBatch(name="ss-0a1b2c3d-a1", packs=("p3",), after=(FIRST.name,), written_at=NOW)
    assert publish_batch(store, "digits", 1, FIRST)
    assert publish_batch(store, "digits", 1, batch)
    assert read_batches(store, "digits", 1) == [FIRST, batch]
    assert read_batch(store, "digits", 1, batch.name) == batch


def test_a_submission_that_no_scheduler_carries_has_no_batches(store):
    assert read_batches(store, "digits", 1) == []
    assert job_ids(store, "digits", 1) == {}


def test_only_one_of_two_hand_overs_of_a_pack_succeeds(store):
    successor = successor_of(FIRST, "p1", reason="limit", written_at=NOW)
    assert publish_batch(store, "digits", 1, successor)
    assert not publish_batch(store, "digits", 1, successor)


def test_a_successor_is_named_after_its_pack_and_counts_up():
    second = successor_of(FIRST, "p1", reason="limit", written_at=NOW)
    third = successor_of(second, "p1", reason="preempted", written_at=NOW)
    assert (second.name, second.sequence, second.predecessor) == (
        "ss-0a1b2c3d-p1-1", 1, FIRST.name,
    )  # fmt: skip
    assert (third.name, third.sequence, third.predecessor) == ("ss-0a1b2c3d-p1-2", 2, second.name)
    assert not third.array


def test_a_pack_is_where_it_was_handed_over_last():
    second = successor_of(FIRST, "p1", reason="limit", written_at=NOW)
    third = successor_of(second, "p1", reason="limit", written_at=NOW)
    assert current_places([third, FIRST, second]) == {
        "p0": ("ss-0a1b2c3d-a0", 0),
        "p1": ("ss-0a1b2c3d-p1-2", None),
        "p2": ("ss-0a1b2c3d-a0", 2),
    }


def test_numbers_are_noted_beside_the_batches_and_never_taken_for_one(store):
    publish_batch(store, "digits", 1, FIRST)
    note_job_id(store, "digits", 1, FIRST.name, "4711")
    assert job_ids(store, "digits", 1) == {FIRST.name: "4711"}
    assert read_batches(store, "digits", 1) == [FIRST]


def test_names_tell_stores_grids_and_submissions_apart(store, tmp_path):
    other = Store.create(tmp_path / "other")
    tokens = {
        token_of("digits", 1, NOW, store),
        token_of("digits", 2, NOW, store),
        token_of("wine", 1, NOW, store),
        token_of("digits", 1, NOW, other),
    }
    assert len(tokens) == 4
    assert array_name("0a1b2c3d", 4) == "ss-0a1b2c3d-a4"


def test_a_damaged_batch_is_an_error_that_names_the_file(store):
    publish_batch(store, "digits", 1, FIRST)
    path = store.submission("digits", 1) / "jobs" / f"{FIRST.name}.json"
    path.write_text('{"name": "x"}')
    with pytest.raises(StoreError, match=r"a0\.json is damaged"):
        read_batches(store, "digits", 1)


@pytest.mark.parametrize("name", ["../../victim", "..", "/etc", "ss-2", ""])
def test_a_batch_that_is_named_otherwise_than_its_file_is_damaged(store, name):
    publish_batch(store, "digits", 1, FIRST)
    path = jobs_folder(store, "digits", 1) / f"{FIRST.name}.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "name": name}))
    with pytest.raises(StoreError, match="no such names"):
        read_batches(store, "digits", 1)


def test_a_batch_whose_packs_are_no_names_is_damaged(store):
    publish_batch(store, "digits", 1, FIRST)
    path = jobs_folder(store, "digits", 1) / f"{FIRST.name}.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "packs": ["../p0"]}))
    with pytest.raises(StoreError, match="no such names"):
        read_batches(store, "digits", 1)
