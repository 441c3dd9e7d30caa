"""Opening and creating a store, and the names of the files in it."""

import json
import os
from pathlib import Path

import pytest

from orchestrator.store.layout import Store, StoreError


def test_a_created_store_says_its_schema_version(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    assert json.loads((store.root / "store.json").read_text()) == {"schema": 1}
    assert Store.open(tmp_path / "results") == store


def test_creating_twice_changes_nothing(tmp_path: Path) -> None:
    first = Store.create(tmp_path)
    before = os.stat(tmp_path / "store.json")
    assert Store.create(tmp_path) == first
    assert os.stat(tmp_path / "store.json").st_mtime_ns == before.st_mtime_ns


def test_opening_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store at .*/absent"):
        Store.open(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []


def test_another_schema_version_is_refused_and_both_versions_named(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text('{"schema": 99}')
    for way in (Store.open, Store.create):
        with pytest.raises(StoreError, match="has schema version 99; this program reads version 1"):
            way(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_marker_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "store.json").write_text(content)
    with pytest.raises(StoreError, match=r"store\.json is damaged"):
        Store.open(tmp_path)


def test_a_folder_with_other_things_does_not_become_a_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StoreError, match="not empty and not a store"):
        Store.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_place_that_cannot_be_written_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot make a store at .*/file/results: Not a dir"):
        Store.create(tmp_path / "file" / "results")


def test_files_are_spread_over_folders_by_the_first_digits_of_the_cell(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    names = [
        store.record_path("0123456789abcdef", "a1"),
        store.curve_path("0123456789abcdef", "a1"),
        store.log_path("p", "a1"),
        store.heartbeat_path("p", "a1"),
        store.checkpoint_folder("p", "a1"),
        store.pack_path("digits", 3, "p"),
        store.table_path("results"),
    ]
    assert [path.relative_to(tmp_path).as_posix() for path in names] == [
        "records/01/0123456789abcdef.a1.json",
        "curves/01/0123456789abcdef.a1.json",
        "logs/p/a1.log",
        "logs/p/a1.heartbeat.json",
        "checkpoints/p/a1",
        "grids/digits/3/packs/p.json",
        "tables/results.parquet",
    ]


def test_submissions_are_counted_as_numbers(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    assert store.submission_numbers("digits") == []
    for number in (10, 9, 1):
        store.submission("digits", number).mkdir(parents=True)
    (store.submissions("digits") / "notes").mkdir()
    assert store.submission_numbers("digits") == [1, 9, 10]


def test_a_store_that_cannot_be_written_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(tmp_path)
    assert store.writable
    monkeypatch.setattr(os, "access", lambda path, mode: mode & os.W_OK == 0)
    assert not store.writable


def test_a_store_that_may_only_be_read_is_opened_and_not_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: mode & os.W_OK == 0)
    assert Store.open(tmp_path) == store
    for way in (Store.create, Store.check_writable):
        with pytest.raises(StoreError, match=r"cannot write into the store at .*: you may only"):
            way(tmp_path)


def test_checking_that_a_store_can_be_made_makes_nothing(tmp_path: Path) -> None:
    Store.check_writable(tmp_path / "a" / "b")
    Store.check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_checking_tells_what_stands_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(StoreError, match="not empty and not a store"):
        Store.check_writable(tmp_path)
    with pytest.raises(StoreError, match=r"cannot make a store at .*/s: .*\.tex is not a folder"):
        Store.check_writable(tmp_path / "thesis.tex" / "s")
    monkeypatch.setattr(os, "access", lambda path, mode: mode & os.W_OK == 0)
    with pytest.raises(StoreError, match=r"cannot make a store at .*/s: .* cannot be written"):
        Store.check_writable(tmp_path / "s")


def test_submissions_that_cannot_be_listed_are_told(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    (tmp_path / "grids").touch()
    with pytest.raises(StoreError, match=r"cannot read .*/grids/digits: Not a directory"):
        store.submission_numbers("digits")
