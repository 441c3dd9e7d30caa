"""The weights of each cell's best epoch, kept aside until the end of its run."""

import contextlib
from collections.abc import Iterator, Sequence

from torch import Tensor

from trainer.engines.base import Engine


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
