"""Cells as submissions and manifests keep them: ids at once, cells when they are asked for.

`status` of a hundred thousand cells needs their ids and the names of a few; making every cell from
its file would take most of its time.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

from grids.cell import Cell
from orchestrator.store.layout import StoreError


class StoredCells(Sequence[Cell]):
    """Cells read from a file, each made on first use.

    Args:
        ids: Their ids.
        canonicals: Their canonical forms, in the same order.

    Raises:
        StoreError: When the two do not have the same length; on first use of a cell, when its id
            is not the one it is listed under.
    """

    def __init__(self, ids: Sequence[str], canonicals: Sequence[Mapping[str, Any]]) -> None:
        if len(ids) != len(canonicals):
            raise StoreError(f"it lists {len(ids)} ids for {len(canonicals)} cells")
        self.ids = tuple(ids)
        self._canonicals = canonicals
        self._made: dict[int, Cell] = {}

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, position: int) -> Cell: ...
    @overload
    def __getitem__(self, position: slice) -> tuple[Cell, ...]: ...
    def __getitem__(self, position: int | slice) -> Cell | tuple[Cell, ...]:
        if isinstance(position, slice):
            return tuple(self[at] for at in range(*position.indices(len(self))))
        if not -len(self) <= position < len(self):
            raise IndexError(position)
        return self._make(position % len(self))

    def __iter__(self) -> Iterator[Cell]:
        return map(self._make, range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return self.ids == tuple(ids_of(other))

    def __hash__(self) -> int:
        return hash(self.ids)

    @functools.cached_property
    def positions(self) -> Mapping[str, int]:
        """Cell id to its position."""
        return {cell: position for position, cell in enumerate(self.ids)}

    def _make(self, position: int) -> Cell:
        if position not in self._made:
            cell = Cell.from_canonical(self._canonicals[position])
            if cell.id != self.ids[position]:
                raise StoreError(f"cell {self.ids[position]} is listed, but it is {cell.id}")
            self._made[position] = cell
        return self._made[position]


def ids_of(cells: Iterable[Cell]) -> Sequence[str]:
    """The ids of cells, without making those that are stored."""
    return cells.ids if isinstance(cells, StoredCells) else [cell.id for cell in cells]


def labels_of(cells: Sequence[Cell], wanted: Iterable[str]) -> dict[str, str]:
    """Cell id to short name, for those of the wanted ids that are among the cells."""
    positions = (
        cells.positions
        if isinstance(cells, StoredCells)
        else {cell.id: position for position, cell in enumerate(cells)}
    )
    return {name: cells[positions[name]].label() for name in wanted if name in positions}


def to_plain(cells: Sequence[Cell]) -> dict[str, Any]:
    """Cells as a file keeps them."""
    return {"ids": list(ids_of(cells)), "canonical": [cell.canonical() for cell in cells]}


def from_plain(content: Mapping[str, Any]) -> StoredCells:
    """The inverse of `to_plain`; KeyError or StoreError when damaged."""
    return StoredCells(content["ids"], content["canonical"])
