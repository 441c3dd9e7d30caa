"""Submissions of another store: their numbers, and which one is the last."""

import json
import os
from pathlib import Path

import pytest

from orchestrator.keeping.joining import join, read_asked, to_join
from orchestrator.store import Store, StoreError
from orchestrator.submissions.submission import (
    find_submission,
    publish_submission,
    read_submission,
    submitted_grids,
)
from tests.support.cells import make_cell
from tests.support.runs import a_submission


def a_store(root: Path, *names: str) -> Store:
    """A store with submissions of these grids, in order."""
    store = Store.create(root)
    for name in names:
        number = len(store.submission_numbers(name)) + 1
        publish_submission(store, a_submission(name, number, [make_cell(seed=len(str(root)))]))
    return store


def joined(store: Store, *others: Store) -> list[int]:
    wanted = to_join([read_asked(other) for other in others], read_asked(store))
    return [join(store, asked) for asked in wanted]


def test_a_grid_of_a_new_name_keeps_its_numbers(tmp_path: Path) -> None:
    other, store = a_store(tmp_path / "other", "a", "a"), a_store(tmp_path / "store", "b")
    assert joined(store, other) == [1, 2]
    assert submitted_grids(store) == ["a", "b"]
    assert read_submission(store, "a", 2) == read_submission(other, "a", 2)


def test_of_a_known_name_those_of_the_other_are_numbered_on(tmp_path: Path) -> None:
    store, other = a_store(tmp_path / "store", "a"), a_store(tmp_path / "other", "a", "a")
    assert joined(store, other) == [2, 3]
    moments = [read_submission(store, "a", number).submitted_at for number in (1, 2, 3)]
    assert moments == sorted(moments)
    assert joined(store, other) == []


def test_the_submission_made_last_of_all_stays_the_one_that_answers(tmp_path: Path) -> None:
    other, store = a_store(tmp_path / "the other", "a"), a_store(tmp_path / "store", "a")
    assert joined(store, other) == [2, 3]
    assert read_submission(store, "a", 3).cells == read_submission(store, "a", 1).cells
    assert joined(store, other) == []


def test_one_submission_in_two_stores_is_one(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", "a")
    two, store = Store.create(tmp_path / "two"), Store.create(tmp_path / "store")
    joined(two, one)
    assert joined(store, one, two) == [1]


def test_the_grid_run_last_is_still_the_default(tmp_path: Path) -> None:
    other, store = a_store(tmp_path / "other", "old"), a_store(tmp_path / "store", "new")
    file = other.submission("old", 1) / "submission.json"
    os.utime(file, (1_700_000_000, 1_700_000_000))
    joined(store, other)
    assert find_submission(store, None).grid == "new"


def test_a_number_that_a_run_has_begun_to_take_is_left_to_it(tmp_path: Path) -> None:
    other, store = a_store(tmp_path / "other", "a"), a_store(tmp_path / "store", "b")
    folder = store.submission("a", 1)
    folder.mkdir(parents=True)
    (folder / "grid.yaml").write_text("name: a of somebody else\n")
    assert joined(store, other) == [2]


def test_a_submission_that_says_it_is_of_another_grid_is_damaged(tmp_path: Path) -> None:
    other = a_store(tmp_path / "other", "a")
    file = other.submission("a", 1) / "submission.json"
    content = json.loads(file.read_bytes()) | {"grid": "../../elsewhere"}
    file.write_text(json.dumps(content))
    with pytest.raises(StoreError, match=r"damaged \(it says that it is of grid '\.\./\.\./else"):
        read_asked(other)
