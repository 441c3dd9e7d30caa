"""Live tables: what is read part by part is what reading everything gives."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from orchestrator.store import Store, StoreError, StoreWarning, publish_batch
from orchestrator.store.compaction import compact
from orchestrator.store.generations import newest
from orchestrator.store.live import LiveTable, live_tables, read_rows
from orchestrator.store.reading import read_tables
from orchestrator.store.records import CollisionError, Curve, Record
from orchestrator.store.schema import SORT_KEYS, TABLES, arrow_schema
from tests.support.records import PROVENANCE, curve, failure, record

PROBED = {**PROVENANCE, "probes": [{"probe": {"name": "sharp"}, "metrics": ["sharp"]}]}
METRICS = {"test_accuracy": 0.9, "sharp": 2.0}

FOLDED: list[tuple[Record, Curve | None]] = [
    (record(1, seed=0, curve=True), curve()),
    (failure(2, seed=1), None),
    (record(3, seed=2, metrics={"test_accuracy": 0.7, "odd": 1.0}), None),
    (record(4, seed=3), None),
]
HOT: list[tuple[Record, Curve | None]] = [
    # A probe that was asked for later: the curve of this one answers, the results of the first.
    (record(11, seed=0, curve=True, metrics=METRICS, provenance=PROBED), curve(2)),
    (record(12, seed=1), None),  # after a failure
    (record(13, seed=2, supersedes=(FOLDED[2][0].attempt,), metrics={"odd": 2.0}), None),
    (failure(14, seed=3), None),  # changes nothing
    (record(15, seed=4, curve=True), curve()),
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Four cells that are folded, three of them with hot attempts beside them, and a new one."""
    made = Store.create(tmp_path / "store")
    publish_batch(made, FOLDED)
    compact(made)
    publish_batch(made, HOT)
    return made


def whole(live: LiveTable, name: str) -> pa.Table:
    """All rows that a live table stands for, in the table's order."""
    folded = live.folded.to_table() if live.folded else arrow_schema(name).empty_table()
    kept = folded.filter(pc.invert(pc.is_in(folded["cell"], pa.array(live.replaced, pa.string()))))
    order = [(key, "ascending") for key in SORT_KEYS[name]]
    return pa.concat_tables([kept, live.fresh]).sort_by(order)


@pytest.mark.parametrize("name", TABLES)
def test_a_live_table_is_the_table_that_reading_everything_gives(store: Store, name: str) -> None:
    expected = read_tables(store).tables[name]
    assert whole(live_tables(store, [name])[name], name).to_pylist() == expected.to_pylist()
    together = live_tables(store, list(TABLES))
    assert whole(together[name], name).to_pylist() == expected.to_pylist()


def test_hot_attempts_change_which_attempt_answers(store: Store) -> None:
    table = whole(live_tables(store, ["results"])["results"], "results").to_pylist()
    assert {row["seed"]: row["attempt"] for row in table if row["answers"]} == {
        0: FOLDED[0][0].attempt,
        1: HOT[1][0].attempt,
        2: HOT[2][0].attempt,
        3: FOLDED[3][0].attempt,
        4: HOT[4][0].attempt,
    }
    curves = whole(live_tables(store, ["curves"])["curves"], "curves").to_pylist()
    assert {row["attempt"] for row in curves if row["answers"]} == {
        HOT[0][0].attempt, HOT[4][0].attempt,
    }  # fmt: skip


def test_a_store_without_a_generation_or_without_a_record_is_read_too(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    empty = live_tables(store, list(TABLES))
    assert {name: len(whole(empty[name], name)) for name in TABLES} == dict.fromkeys(TABLES, 0)
    publish_batch(store, HOT)
    found = live_tables(store, ["results"])["results"]
    assert (found.folded, len(found.fresh), len(found.replaced)) == (None, 5, 5)


def test_what_a_compactor_folded_but_did_not_remove_yet_counts_once(store: Store) -> None:
    before = whole(live_tables(store, ["results"])["results"], "results")
    kept = {path: path.read_bytes() for path in store.records.glob("??/*.json")}
    compact(store)
    for path, data in kept.items():
        path.write_bytes(data)
    found = live_tables(store, ["results"])["results"]
    assert (len(found.replaced), len(found.fresh)) == (0, 0)
    assert whole(found, "results").to_pylist() == before.to_pylist()


def test_a_dataset_stays_readable_when_its_part_is_removed(store: Store) -> None:
    live = live_tables(store, ["results"])["results"]
    for path in store.generations.glob("*.parquet"):
        path.unlink()
    assert len(whole(live, "results")) == 9


@pytest.mark.parametrize("name", TABLES)
def test_the_rows_at_some_cells_are_those_of_the_whole(store: Store, name: str) -> None:
    cells = {FOLDED[0][0].cell, FOLDED[3][0].cell, HOT[4][0].cell, "0" * 16}
    expected = [row for row in read_tables(store).tables[name].to_pylist() if row["cell"] in cells]
    found = read_rows(store, {name: None}, cells)[name]
    order = [(key, "ascending") for key in SORT_KEYS[name]]
    assert found.sort_by(order).to_pylist() == expected
    few = read_rows(store, {name: ["cell", "answers"]}, cells)[name]
    assert few.column_names == ["cell", "answers"]
    assert len(few) == len(expected)


def test_a_collision_between_a_hot_and_a_folded_record_is_an_error(store: Store) -> None:
    other = record(21, seed=9, cell=FOLDED[0][0].cell)
    publish_batch(store, [(other, None)])
    with pytest.raises(CollisionError, match="two different cells"):
        live_tables(store, ["layers"])


def test_a_missing_curve_is_warned_about_where_curves_are_asked_for(store: Store) -> None:
    lost = HOT[4][0]
    store.curve_path(lost.cell, lost.attempt).unlink()
    with pytest.warns(StoreWarning, match="is missing"):
        found = live_tables(store, ["curves"])["curves"]
    assert lost.cell not in whole(found, "curves")["cell"].to_pylist()
    assert (
        lost.cell
        in whole(live_tables(store, ["results"])["results"], "results")["cell"].to_pylist()
    )


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:-4] + b"oops"])
def test_a_damaged_part_is_an_error(store: Store, damage: object) -> None:
    generation = newest(store)
    assert generation is not None
    path = store.generations / generation.parts["results"].file
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(StoreError, match="is damaged"):
        live_tables(store, ["results"])


def test_columns_that_the_writer_did_not_know_are_null(store: Store) -> None:
    import pyarrow.parquet as pq

    from orchestrator.store.folding import decode, encode
    from orchestrator.store.generations import publish_generation, read_newest, write_parts

    compact(store)
    found = read_newest(store)
    assert found is not None
    parts = encode(decode(found[1]))
    sink = pa.BufferOutputStream()
    pq.write_table(pq.read_table(pa.BufferReader(parts["results"])).drop(["memory_mb"]), sink)
    parts["results"] = bytes(sink.getvalue())
    publish_generation(store, write_parts(store, found[0].number + 1, 9, parts))
    live = live_tables(store, ["results"])["results"]
    assert live.folded is not None
    assert live.folded.to_table()["memory_mb"].null_count == 9
    cell = random.Random(0).choice(FOLDED)[0].cell
    assert read_rows(store, {"results": None}, [cell])["results"]["memory_mb"].null_count > 0
