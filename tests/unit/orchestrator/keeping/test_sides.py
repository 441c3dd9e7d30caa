"""What can be compared: a run whose cells other results answer for by now cannot."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.keeping.sides import read_side
from orchestrator.store import Store, StoreError, timestamp
from orchestrator.submissions.submission import publish_submission
from tests.support.grids import a_cell, publish_results
from tests.support.records import NOON
from tests.support.runs import a_submission


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A grid run twice, before and after noon, at which its first cell was answered."""
    store = Store.create(tmp_path / "results")
    first, second = a_cell(seed=0), a_cell(seed=1)
    for number, cells, moment in ((1, [first], NOON - 60), (2, [first, second], NOON + 60)):
        one = replace(a_submission("small", number, cells), submitted_at=timestamp(moment))
        publish_submission(store, one)
    publish_results(store, [first])
    return store


def test_runs_of_different_cells_are_two_sides(store: Store) -> None:
    sides = [read_side(f"small@{number}", store.root, None, {}) for number in (1, 2)]
    assert [len(side.answers.answers) for side in sides] == [1, 2]


def test_a_run_whose_cells_were_answered_anew_is_refused(store: Store) -> None:
    early = replace(a_submission("small", 3, [a_cell(seed=0)]), submitted_at=timestamp(NOON - 30))
    publish_submission(store, early)
    with pytest.raises(StoreError, match=r"small@2 cannot be compared: 1 of its 2 cells"):
        read_side("small@2", store.root, None, {})
    assert len(read_side("small@3", store.root, None, {}).answers.completed) == 1
