"""Folding and compaction: the same records are the same bytes, and one attempt answers."""

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from orchestrator.store.compaction import compact, compact_if_due
from orchestrator.store.generations import newest
from orchestrator.store.index import read_index
from orchestrator.store.layout import Store, StoreError, StoreWarning
from orchestrator.store.reading import read_tables
from orchestrator.store.records import (
    CollisionError,
    Record,
    hot_paths,
    publish,
    publish_batch,
    scan_hot,
)
from orchestrator.store.schema import TABLES
from tests.support.records import attempt, curve, failure, record

RECORDS = [
    *[record(n, seed=n, curve=True, metrics={"test_accuracy": 0.5, "odd": 1.0}) for n in range(6)],
    record(7, seed=1, after=0.5, metrics={"test_accuracy": 0.4, "odd": 3.0, "pgd": 0.2}),
    record(8, seed=2, supersedes=(attempt(2),)),
    failure(9, seed=3),
    failure(10, seed=20),
    failure(11, seed=20),
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def put(store: Store, records: list[Record]) -> None:
    publish_batch(store, [(item, curve() if item.curve else None) for item in records])


def rows(store: Store, table: str) -> list[dict[str, Any]]:
    return read_tables(store).tables[table].to_pylist()


def answering(store: Store) -> set[tuple[int, str]]:
    return {(row["seed"], row["attempt"]) for row in rows(store, "results") if row["answers"]}


def test_the_same_records_are_the_same_bytes_in_any_order_and_any_number_of_generations(
    tmp_path: Path,
) -> None:
    def tables(name: str, order: list[Record], step: int) -> dict[str, bytes]:
        store = Store.create(tmp_path / name)
        for start in range(0, len(order), step):
            put(store, order[start : start + step])
            compact(store)
        parts = newest(store)
        assert parts is not None
        assert parts.number == -(-len(order) // step)
        index = store.generations / parts.parts["index"].file
        paths = {table: store.table_path(table) for table in TABLES} | {"index": index}
        return {name: path.read_bytes() for name, path in paths.items()}

    expected = tables("at once", RECORDS, len(RECORDS))
    for step in (1, 3):
        shuffled = random.Random(step).sample(RECORDS, len(RECORDS))
        assert tables(f"by {step}", shuffled, step) == expected


def test_one_attempt_answers_for_a_cell_hot_or_folded(store: Store) -> None:
    expected = {
        (0, attempt(0)),
        (1, attempt(7)),  # finished first, although it began later
        (2, attempt(8)),  # supersedes attempt 2
        (3, attempt(3)),  # the later failure does not count
        (4, attempt(4)),
        (5, attempt(5)),
        (20, attempt(11)),  # nothing completed: the newest failure
    }
    put(store, RECORDS)
    assert answering(store) == expected
    compact(store)
    assert answering(store) == expected
    index = read_index(store)
    assert {state.answer.attempt for state in index.cells.values()} == {a for _, a in expected}
    assert (index.hot, index.folded) == (0, len(RECORDS))


def test_every_output_is_answered_for_itself(store: Store) -> None:
    put(store, RECORDS)
    cell = record(seed=1).cell
    found = [row for row in rows(store, "metrics") if row["cell"] == cell]
    assert [(row["attempt"], row["metric"], row["answers"]) for row in found] == [
        (attempt(1), "odd", False),
        (attempt(7), "odd", True),
        (attempt(7), "pgd", True),
    ]
    put(store, [record(30, seed=1, metrics={"pgd": 0.9, "fgsm": 0.8})])
    later = [row for row in rows(store, "metrics") if row["attempt"] == attempt(30)]
    assert [(row["metric"], row["answers"]) for row in later] == [("fgsm", True), ("pgd", False)]


def test_curves_and_layers_say_whether_their_attempt_answers(store: Store) -> None:
    put(store, RECORDS)
    compact(store)
    points = [row for row in rows(store, "curves") if row["cell"] == record(seed=1).cell]
    assert [row["answers"] for row in points] == [False] * 3
    assert [row["step"] for row in points] == [45, 90, 135]
    assert sum(row["answers"] for row in rows(store, "layers")) == 6


def test_compaction_leaves_only_tables_and_archives(store: Store) -> None:
    put(store, RECORDS)
    generation = compact(store)
    assert generation is not None
    assert (generation.number, generation.attempts) == (1, len(RECORDS))
    assert hot_paths(store) == []
    assert list(store.curves.glob("*/*")) == []
    assert compact(store) is None
    assert [path.name.split("-")[0] for path in store.archive.iterdir()] == ["1"]


def test_the_tables_open_in_plain_pandas_and_duckdb(store: Store) -> None:
    put(store, RECORDS)
    compact(store)
    path = store.table_path("results")
    frame = pd.read_parquet(path)
    assert frame.loc[frame.answers & (frame.state == "COMPLETED"), "test_accuracy"].tolist() == [
        0.5, 0.4, 0.9, 0.5, 0.5, 0.5,
    ]  # fmt: skip
    sql = f"SELECT count(*), max(density) FROM '{path}' WHERE answers"
    assert duckdb.connect().execute(sql).fetchall() == [(7, 0.05)]
    assert pq.read_schema(path).metadata[b"sparsesweep.schema_version"] == b"1"


def test_folding_waits_until_it_is_worth_it(store: Store) -> None:
    put(store, RECORDS)
    assert compact(store, minimum=len(RECORDS) + 1) is None
    assert compact_if_due(store) is None
    assert newest(store) is None
    put(store, [record(1, seed=seed) for seed in range(100, 400)])
    assert compact_if_due(store) is not None


def test_two_cells_of_one_id_stop_compaction_and_reading_whether_folded_or_not(
    store: Store,
) -> None:
    put(store, [record(1, cell="00ff00ff00ff00ff", seed=1)])
    compact(store)
    put(store, [record(2, cell="00ff00ff00ff00ff", seed=2)])
    for way in (compact, read_tables, read_index):
        with pytest.raises(CollisionError, match=r'carry the id 00ff00ff00ff00ff: .*"seed":1'):
            way(store)


def test_a_damaged_record_is_left_alone_and_hides_nothing(store: Store) -> None:
    put(store, RECORDS)
    damaged = store.record_path("ffff000000000000", "a")
    damaged.parent.mkdir(exist_ok=True)
    damaged.write_bytes(RECORDS[0].to_json()[:50])
    with pytest.warns(StoreWarning, match="skipped"):
        compact(store)
    with pytest.warns(StoreWarning, match="skipped"):
        reading = read_tables(store)
    assert (reading.damaged, len(reading.tables["results"])) == ((damaged,), len(RECORDS))
    assert hot_paths(store) == [damaged]


def test_a_record_whose_curve_cannot_be_seen_yet_stays_hot(store: Store) -> None:
    late = record(1, curve=True)
    publish(store, late, curve())
    path = store.curve_path(late.cell, late.attempt)
    path.rename(path.with_name("hidden"))
    assert compact(store) is None
    with pytest.warns(StoreWarning, match=f"the curve {path} is missing"):
        assert len(rows(store, "results")) == 1
    path.with_name("hidden").rename(path)
    assert compact(store) is not None
    assert len(rows(store, "curves")) == 3


def test_a_damaged_curve_costs_only_itself(store: Store) -> None:
    publish(store, record(1, curve=True), curve())
    store.curve_path(record().cell, attempt(1)).write_bytes(b'{"epoch":[1.0')
    with pytest.warns(StoreWarning, match="skipped .*curves"):
        compact(store)
    assert (len(rows(store, "results")), len(rows(store, "curves"))) == (1, 0)


def test_a_table_that_was_changed_on_the_disk_is_not_believed(store: Store) -> None:
    put(store, RECORDS)
    generation = compact(store)
    assert generation is not None
    part = store.generations / generation.parts["results"].file
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    with pytest.raises(StoreError, match=r"results\.parquet is damaged"):
        read_tables(store)


def test_a_damaged_convenience_copy_is_rebuilt(store: Store) -> None:
    put(store, RECORDS)
    compact(store)
    whole = store.table_path("results").read_bytes()
    store.table_path("results").write_bytes(b"")
    assert compact(store) is None
    assert store.table_path("results").read_bytes() == whole


def test_a_store_that_cannot_be_written_is_still_read_in_full(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, RECORDS)
    monkeypatch.setattr(Store, "writable", property(lambda self: False))
    put_many = [record(1, seed=seed) for seed in range(100, 400)]
    put(store, put_many)
    assert compact_if_due(store) is None
    assert len(rows(store, "results")) == len(RECORDS) + 300


def test_a_full_disk_costs_a_warning_and_no_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, [record(1, seed=seed) for seed in range(300)])

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(StoreError, match=r"cannot compact the store at .*: .*No space left"):
        compact(store)
    with pytest.warns(StoreWarning, match="No space left"):
        assert compact_if_due(store) is None
    assert len(scan_hot(store).records) == 300


def test_the_index_of_folded_records_is_read_without_loading_pyarrow(store: Store) -> None:
    put(store, RECORDS)
    compact(store)
    code = (
        "import sys; from orchestrator.store import Store, load_index;"
        f"print(len(load_index(Store.open({str(store.root)!r}))),"
        " {'pyarrow', 'numpy', 'duckdb', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "7 set()"
