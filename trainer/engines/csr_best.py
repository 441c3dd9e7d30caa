"""The weights of a truly sparse cell's best epoch, which change their number and places."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor

from trainer.engines.base import Engine


class BestNetwork:
    """What the cell of an engine was like when it was told to be kept.

    Args:
        engine: holds the one cell.
    """

    def __init__(self, engine: Engine) -> None:
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
