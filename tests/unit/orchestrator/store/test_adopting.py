"""Adopting: records of elsewhere become part of the tables, in few files and with nothing lost."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.store import Store, compaction, load_index, publish, publish_batch
from orchestrator.store.adopting import adopt
from orchestrator.store.compaction import compact
from orchestrator.store.generations import newest
from orchestrator.store.layout import StoreWarning
from orchestrator.store.reading import read_tables
from orchestrator.store.records import CollisionError, Record, encode_curve, hot_paths
from orchestrator.store.written import Written, read_written
from tests.support.records import curve, failure, record

RECORDS = [record(1, seed=seed, curve=True) for seed in range(6)] + [failure(2, seed=9)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def written(item: Record) -> Written:
    text = encode_curve(curve()) if item.curve else None
    return Written(record=item, text=item.to_json(), curve=text)


def from_the_start(root: Path, *records: Record) -> Store:
    """A store to which these were published as workers do, then folded."""
    store = Store.create(root)
    publish_batch(store, [(item, curve() if item.curve else None) for item in records])
    compact(store)
    return store


def same_answers(store: Store, other: Store) -> bool:
    tables = read_tables(other).tables
    return all(table.equals(tables[name]) for name, table in read_tables(store).tables.items())


def test_adopted_records_are_folded_and_never_hot(store: Store, tmp_path: Path) -> None:
    adopt(store, map(written, RECORDS))
    assert hot_paths(store) == []
    assert len(list(store.archive.iterdir())) == 1
    assert same_answers(store, from_the_start(tmp_path / "other", *RECORDS))


def test_ever_more_records_take_no_more_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, waits = os.fsync, list[int]()
    monkeypatch.setattr(os, "fsync", lambda handle: waits.append(handle) or real(handle))
    counts = []
    for count in (1, 300):
        store = Store.create(tmp_path / str(count))
        waits.clear()
        adopt(store, (written(record(1, seed=seed, curve=True)) for seed in range(count)))
        counts.append(len(waits))
    assert counts[0] == counts[1] < 30


def test_they_can_be_read_again_as_they_were_written(store: Store) -> None:
    adopt(store, map(written, RECORDS))
    names = [(item.cell, item.attempt) for item in RECORDS]
    again = {one.name: one for one in read_written(store, names)}
    assert [again[name] for name in names] == [written(item) for item in RECORDS]


def test_in_many_parts_the_answers_are_the_same(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.store.adopting._due", lambda store: 1)
    adopt(store, map(written, RECORDS))
    generation = newest(store)
    assert generation is not None
    assert (generation.number, generation.attempts) == (7, 7)
    assert same_answers(store, from_the_start(tmp_path / "other", *RECORDS))


def test_no_more_records_are_taken_in_than_are_folded_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.store.adopting._due", lambda store: 1)

    def watched() -> Iterator[Written]:
        for count, item in enumerate(RECORDS):
            assert len(load_index(store)) == count
            yield written(item)

    adopt(store, watched())


def test_what_the_store_holds_already_is_left_alone(store: Store) -> None:
    adopt(store, map(written, RECORDS))
    adopt(store, map(written, RECORDS))
    generation = newest(store)
    assert generation is not None
    assert (generation.number, generation.attempts) == (1, 7)


def test_what_is_hot_meanwhile_counts_once_and_is_folded_too(store: Store, tmp_path: Path) -> None:
    publish_batch(store, [(item, curve()) for item in RECORDS[:2]])
    publish(store, record(3, seed=20))
    adopt(store, map(written, RECORDS))
    compact(store)
    assert hot_paths(store) == []
    other = from_the_start(tmp_path / "other", *RECORDS, record(3, seed=20))
    assert same_answers(store, other)


def test_who_loses_the_race_for_a_generation_folds_on_top_of_the_winner(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = record(3, seed=20)
    real_publish = compaction.publish_generation

    def publish_after_the_other(store: Store, generation: Any) -> bool:
        monkeypatch.setattr(compaction, "publish_generation", real_publish)
        publish(store, late)
        compact(store)
        return real_publish(store, generation)

    monkeypatch.setattr(compaction, "publish_generation", publish_after_the_other)
    adopt(store, map(written, RECORDS))
    assert same_answers(store, from_the_start(tmp_path / "other", *RECORDS, late))
    generation = newest(store)
    assert generation is not None
    assert (generation.number, generation.attempts) == (2, 8)


def test_one_id_for_two_cells_changes_no_table(store: Store) -> None:
    adopt(store, [written(RECORDS[0])])
    other = record(5, seed=0, canonical={"fields": {"other": 1}}, cell=RECORDS[0].cell)
    with pytest.raises(CollisionError, match=RECORDS[0].cell):
        adopt(store, [written(other)])
    assert len(load_index(store)[RECORDS[0].cell].entries) == 1


def test_a_curve_that_cannot_be_read_is_told_and_counts_as_none(store: Store) -> None:
    item = RECORDS[0]
    broken = Written(record=item, text=item.to_json(), curve=b"[1, 2\n")
    with pytest.warns(StoreWarning, match=f"skipped the curve of cell {item.cell}"):
        adopt(store, [broken])
    assert read_tables(store).tables["curves"].num_rows == 0
    assert len(load_index(store)) == 1
