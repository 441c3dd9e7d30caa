"""The weights of each cell's best epoch, kept aside until the end of its run."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor

from trainer.engines.base import Engine
from trainer.engines.csr import CsrEngine


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


def best_weights(engine: Engine) -> Best:
    """What keeps the best weights of an engine's cells."""
    return BestNetwork(engine) if isinstance(engine, CsrEngine) else BestWeights(engine)


class BestWeights:
    """A copy of what an engine's cells were like when they were told to be kept.

    Args:
        engine: holds the cells.
    """

    def __init__(self, engine: Engine) -> None:
        self._live = engine.live()
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


class BestNetwork:
    """The same of a truly sparse cell, whose weights change their number and places.

    Args:
        engine: holds the cell.
    """

    def __init__(self, engine: CsrEngine) -> None:
        self._engine = engine
        self._kept: dict[str, Tensor] | None = None

    def keep(self, cells: Sequence[int]) -> None:
        """Keep the cell as it is now, if it is among these."""
        if cells:
            self._kept = self._engine.weights(0)

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """The cell is meanwhile as it was kept."""
        aside = self._engine.weights(0)
        self._engine.load_weights(0, self._kept or aside)
        try:
            yield
        finally:
            self._engine.load_weights(0, aside)

    def state(self, n: int) -> dict[str, Tensor] | None:
        """What is kept of the cell; ``None`` before anything is."""
        return None if self._kept is None else dict(self._kept)

    def load_state(self, n: int, state: Mapping[str, Tensor] | None) -> None:
        """Put back what ``state`` returned."""
        self._kept = None if state is None else dict(state)
