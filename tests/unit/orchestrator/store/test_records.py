"""Records: what is published is read back, whole or not at all."""

import json
import math
from pathlib import Path

import pytest

from orchestrator.store.layout import Store, StoreError, StoreWarning
from orchestrator.store.records import (
    Record,
    check_same_cell,
    new_attempt,
    publish,
    publish_batch,
    read_curve,
    read_hot,
    scan_hot,
    timestamp,
)
from tests.support.records import curve, failure, record


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def test_what_is_published_is_read_back(store: Store) -> None:
    one, two = record(seed=1), failure(seed=2)
    assert publish(store, one)
    assert publish(store, two)
    assert read_hot(store) == sorted([one, two], key=lambda item: item.cell)


def test_a_record_is_published_once(store: Store) -> None:
    assert publish_batch(store, [(record(), None), (record(), None)]) == [True, False]
    assert publish_batch(store, []) == []
    assert not publish(store, record(metrics={"test_accuracy": 0.1}))
    [found] = read_hot(store)
    assert found.metrics["test_accuracy"] == 0.9


def test_a_curve_comes_with_its_record(store: Store) -> None:
    one = record(curve=True)
    publish(store, one, curve(2))
    assert read_curve(store, one.cell, one.attempt) == {
        "epoch": [1.0, 2.0],
        "step": [45.0, 90.0],
        "train_loss": [1.0, 0.5],
        "val_accuracy": [None, 0.9],
        "lr": [0.1, 0.1],
    }


def test_a_record_tells_the_truth_about_its_curve(store: Store) -> None:
    with pytest.raises(ValueError, match="says curve=True, but no curve was given"):
        publish(store, record(curve=True))
    with pytest.raises(ValueError, match="columns of a curve must be equally long"):
        publish(store, record(curve=True), {"epoch": [1.0], "lr": []})
    assert read_hot(store) == []


def test_records_are_strict_json_even_of_diverged_cells(store: Store) -> None:
    diverged = record(metrics={"test_loss": math.nan, "train_loss": math.inf}, curve=True)
    publish(store, diverged, {"train_loss": [1.0, math.inf, math.nan]})
    [path] = store.records.glob("*/*.json")
    content = json.loads(path.read_bytes(), parse_constant=pytest.fail)
    assert content["metrics"] == {"test_loss": "nan", "train_loss": "inf"}
    [found] = read_hot(store)
    assert math.isnan(found.metrics["test_loss"])
    assert found.metrics["train_loss"] == math.inf
    losses = read_curve(store, found.cell, found.attempt)["train_loss"]
    assert losses[:2] == [1.0, math.inf]
    assert math.isnan(losses[2] or 0.0)


def test_the_same_record_is_the_same_bytes_whatever_the_order_of_its_keys() -> None:
    one = record(metrics={"a": 1.0, "b": 2.0})
    other = record(metrics={"b": 2.0, "a": 1.0})
    assert one.to_json() == other.to_json()
    assert one.to_json().count(b"\n") == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is damaged"),
        (record().to_json()[:-40], "it is damaged"),
        (b"\x00" * 100, "it is damaged"),
        (b"[]", "it is damaged"),
        (b'{"schema":1}', "it is damaged"),
        (b'{"schema":2}', "it has schema version 2, not 1"),
        (
            record().to_json().replace(b"COMPLETED", b"PERHAPS"),
            "a record cannot have state 'PERHAPS'",
        ),
        (record(seed=9).to_json(), "it holds cell"),
    ],
)
def test_a_damaged_record_is_skipped_warned_about_and_left_alone(
    store: Store, content: bytes, reason: str
) -> None:
    publish(store, record(seed=1))
    lost = store.record_path(record(seed=2).cell, record().attempt)
    lost.parent.mkdir(exist_ok=True)
    lost.write_bytes(content)
    with pytest.warns(StoreWarning, match=f"skipped {lost}: {reason}"):
        scan = scan_hot(store)
    assert scan.records == (record(seed=1),)
    assert scan.damaged == (lost,)
    assert lost.read_bytes() == content


def test_unpublished_files_and_the_archive_are_no_records(store: Store) -> None:
    publish(store, record())
    folder = store.record_path(record().cell, "x").parent
    (folder / f".{record().cell}.a.json.host.1.ff.tmp").touch()
    store.archive.mkdir()
    (store.archive / "1.json").touch()
    assert len(read_hot(store)) == 1


def test_a_record_that_could_not_be_ordered_is_not_made() -> None:
    with pytest.raises(StoreError, match="'2026-11-20' is no time such as"):
        record(finished_at="2026-11-20")


def test_a_metric_that_is_no_number_is_refused_before_anything_is_written(store: Store) -> None:
    with pytest.raises(TypeError):
        publish(store, record(metrics={"test_loss": None}))
    assert read_hot(store) == []


def test_attempt_ids_differ_and_carry_the_time_first() -> None:
    ids = {new_attempt() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(name) == len("20261120T231400.123456Z-1a2b3c4d") for name in ids)


def test_times_have_a_fixed_width_so_that_text_order_is_time_order() -> None:
    assert timestamp(0.0) == "1970-01-01T00:00:00.000000Z"
    assert timestamp(1.5) == "1970-01-01T00:00:01.500000Z"


def test_two_cells_of_one_id_are_an_error_that_names_both() -> None:
    check_same_cell("00ff", '{"seed":1}', '{"seed":1}')
    with pytest.raises(StoreError, match=r'00ff: \{"seed":1\} and \{"seed":2\}'):
        check_same_cell("00ff", '{"seed":1}', '{"seed":2}')


def test_round_trip_keeps_every_attribute() -> None:
    whole = failure(supersedes=("a", "b"), curve=True)
    assert Record.from_json(whole.to_json()) == whole


@pytest.mark.parametrize(
    ("cell", "attempt"),
    [
        ("xx/../../../../pwned/deadbeefdeadbeef", "20261121T191916.190548Z-d3e88b21"),
        ("DEADBEEFDEADBEEF", "1"),
        ("deadbeefdeadbeef", "../1"),
        ("deadbeefdeadbeef", ".."),
        ("deadbeefdeadbeef", ""),
    ],
)
def test_a_record_whose_name_would_lead_out_of_the_store_is_damaged(
    cell: str, attempt: str
) -> None:
    content = json.loads(record().to_json()) | {"cell": cell, "attempt": attempt}
    with pytest.raises(StoreError, match="are no such names"):
        Record.from_json(json.dumps(content))
