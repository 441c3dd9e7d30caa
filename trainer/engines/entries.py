"""Which entries of a stack an optimizer updates: whole rows, or the active entries alone.

An inactive weight and its slots are zero and stay zero, so there is nothing to compute. At low
densities the active entries are kept in compact tensors: the step then reads the gradient at their
places, writes the new weights to theirs, and leaves the rest alone. Element by element the
arithmetic is the same. A cell's own density decides which it is, never its neighbours', so that a
cell takes the same path in every stack.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

COMPACT_BELOW = 0.4
"""Density of a row below which picking its active entries costs less than updating all of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Buffers:
    """What an optimizer works on, each (N, P) and contiguous; row n is cell n."""

    parameters: Tensor
    gradients: Tensor
    masks: Tensor
    slots: Sequence[Tensor]


class Entries(ABC):
    """Some entries of a stack, as tensors that an elementwise update may change in place.

    Attributes:
        parameters, gradients, slots: tensors of one shape.
    """

    parameters: Tensor
    gradients: Tensor
    slots: list[Tensor]

    @abstractmethod
    def keeps_slots(self, row: int) -> bool:
        """Whether the slots of a row are here, and those in the stack old, until `store_slots`."""

    @abstractmethod
    def spread(self, per_cell: Tensor) -> Tensor:
        """One value per cell (N, 1), in a shape that broadcasts over these entries."""

    @abstractmethod
    def load_gradients(self) -> None:
        """Fetch the gradients of the last backward pass, masked."""

    @abstractmethod
    def store_parameters(self) -> None:
        """Bring the updated parameters to the stack."""

    @abstractmethod
    def store_slots(self) -> None:
        """Bring the updated slots to the stack."""


class WholeRows(Entries):
    """Consecutive rows, updated in their place.

    Args:
        masked: whether anything in them is inactive.
    """

    def __init__(self, stack: Buffers, rows: slice, *, masked: bool) -> None:
        self._rows = rows
        self._masks = stack.masks[rows] if masked else None
        self.parameters = stack.parameters[rows]
        self.gradients = stack.gradients[rows]
        self.slots = [slot[rows] for slot in stack.slots]

    def keeps_slots(self, row: int) -> bool:
        """Never: they are updated in their place."""
        return False

    def spread(self, per_cell: Tensor) -> Tensor:
        """These rows' values, (rows, 1)."""
        return per_cell[self._rows]

    def load_gradients(self) -> None:
        """Mask the gradients; every backward pass overwrites them."""
        if self._masks is not None:
            self.gradients.mul_(self._masks)

    def store_parameters(self) -> None:
        """Nothing to do: they were updated in their place."""

    def store_slots(self) -> None:
        """Nothing to do: they were updated in their place."""


class ActiveEntries(Entries):
    """The active entries of several rows, in compact tensors (entries,).

    Args:
        rows: the rows. places: the flat positions of their active entries, ascending.
    """

    def __init__(self, stack: Buffers, rows: Sequence[int], places: Tensor) -> None:
        self._stack = stack
        self._rows = frozenset(rows)
        self._places = places
        self.parameters = _flat(stack.parameters).index_select(0, places)
        self.gradients = self.parameters.new_empty(len(places))
        self.slots = [_flat(slot).index_select(0, places) for slot in stack.slots]

    def keeps_slots(self, row: int) -> bool:
        """Whether the row is one of these."""
        return row in self._rows

    def spread(self, per_cell: Tensor) -> Tensor:
        """One value where all cells have the same, else one per entry."""
        values = per_cell.flatten()
        if bool((values == values[0]).all()):
            return values[:1]
        return values.index_select(0, self._places // self._stack.parameters.shape[1])

    def load_gradients(self) -> None:
        """Pick the gradients of the active entries."""
        gradients = _flat(self._stack.gradients)
        torch.index_select(gradients, 0, self._places, out=self.gradients)

    def store_parameters(self) -> None:
        """Write the active weights."""
        _flat(self._stack.parameters).scatter_(0, self._places, self.parameters)

    def store_slots(self) -> None:
        """Write the slots of the active weights; those of the others are zero as they are."""
        for slot, compact in zip(self._stack.slots, self.slots, strict=True):
            _flat(slot).scatter_(0, self._places, compact)


def divide(stack: Buffers) -> list[Entries]:
    """All entries of a stack that an update must touch, each row as suits its density."""
    width = stack.masks.shape[1]
    kinds = [_kind(active, width) for active in stack.masks.count_nonzero(1).tolist()]
    parts: list[Entries] = []
    start = 0
    for kind, run in itertools.groupby(kinds):
        rows = slice(start, start + len(list(run)))
        start = rows.stop
        if kind != "compact":
            parts.append(WholeRows(stack, rows, masked=kind == "masked"))
    compact = [n for n, kind in enumerate(kinds) if kind == "compact"]
    if compact:
        parts.append(ActiveEntries(stack, compact, _active_places(stack.masks, compact)))
    return parts


def _kind(active: int, width: int) -> str:
    if active == width:
        return "full"
    return "compact" if active < COMPACT_BELOW * width else "masked"


def _active_places(masks: Tensor, rows: Sequence[int]) -> Tensor:
    wanted = masks.new_zeros(len(masks), 1, dtype=torch.bool)
    wanted[list(rows)] = True
    return masks.bool().logical_and_(wanted).flatten().nonzero().squeeze(1)


def _flat(buffer: Tensor) -> Tensor:
    return buffer.view(-1)
