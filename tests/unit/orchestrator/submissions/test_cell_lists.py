"""Stored cells: ids at once, cells on first use, and never a cell under another's id."""

import pytest

from grids.cell import Cell
from orchestrator.store.layout import StoreError
from orchestrator.submissions.cell_lists import StoredCells, from_plain, ids_of, labels_of, to_plain
from tests.support.cells import make_cell

CELLS = tuple(make_cell(seed=seed) for seed in range(3))


def test_they_come_back_as_they_were() -> None:
    stored = from_plain(to_plain(CELLS))
    assert stored == CELLS
    assert list(stored) == list(CELLS)
    assert stored[-1] == CELLS[2]
    assert stored[1:] == CELLS[1:]
    assert to_plain(stored) == to_plain(CELLS)


def test_ids_are_told_without_making_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = from_plain(to_plain(CELLS))
    monkeypatch.setattr(Cell, "from_canonical", None)
    assert list(ids_of(stored)) == [cell.id for cell in CELLS]


def test_names_are_made_only_for_those_that_are_wanted() -> None:
    wanted = [CELLS[1].id, "0" * 16]
    expected = {CELLS[1].id: CELLS[1].label()}
    assert labels_of(from_plain(to_plain(CELLS)), wanted) == expected
    assert labels_of(CELLS, wanted) == expected


def test_a_cell_under_the_id_of_another_is_an_error() -> None:
    stored = StoredCells([CELLS[1].id], [CELLS[0].canonical()])
    with pytest.raises(StoreError, match=f"{CELLS[1].id} is listed, but it is {CELLS[0].id}"):
        stored[0]


def test_ids_and_cells_must_be_equally_many() -> None:
    with pytest.raises(StoreError, match="1 ids for 0 cells"):
        StoredCells([CELLS[0].id], [])


def test_a_position_outside_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        from_plain(to_plain(CELLS))[3]
