"""The weights of each cell's best epoch, kept aside until the end of its run."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from torch import Tensor


class Best(Protocol):
    """What an engine's cells were like when they were told to be kept."""

    def keep(self, cells: Sequence[int]) -> None:
        """Keep these cells as they are now, in place of what was kept of them."""

    def shown(self) -> contextlib.AbstractContextManager[None]:
        """Every cell is meanwhile as it was kept."""

    def state(self, n: int) -> Any:
        """What is kept of a cell, copied to the CPU; ``None`` before anything is."""

    def load_state(self, n: int, state: Any) -> None:
        """Put back what ``state`` returned."""


class BestWeights:
    """A copy of what an engine's cells were like when they were told to be kept.

    Args:
        live: every parameter and buffer of all cells, (cells, ...), as live views.
    """

    def __init__(self, live: Sequence[Tensor]) -> None:
        self._live = live
        self._kept: list[Tensor] | None = None

    def keep(self, cells: Sequence[int]) -> None:
        """Keep these cells as they are now, in place of what was kept of them."""
        if self._kept is None:
            self._kept = [tensor.clone() for tensor in self._live]
            return
        rows = list(cells)
        for kept, tensor in zip(self._kept, self._live, strict=True):
            kept[rows] = tensor[rows]

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Every cell is meanwhile as it was kept."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def state(self, n: int) -> list[Tensor] | None:
        """What is kept of a cell, copied to the CPU; ``None`` before anything is."""
        if self._kept is None:
            return None
        return [kept[n].to("cpu", copy=True) for kept in self._kept]

    def load_state(self, n: int, state: Sequence[Tensor] | None) -> None:
        """Put back what ``state`` returned."""
        if state is None:
            return
        if self._kept is None:
            self._kept = [tensor.clone() for tensor in self._live]
        for kept, tensor in zip(self._kept, state, strict=True):
            kept[n].copy_(tensor)

    def _exchange(self) -> None:
        for kept, tensor in zip(self._kept or (), self._live, strict=bool(self._kept)):
            aside = tensor.clone()
            tensor.copy_(kept)
            kept.copy_(aside)
