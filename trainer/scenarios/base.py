"""The contract of a scenario: where it may take part in the making of data and of a step."""

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor

from grids.cell import Cell
from trainer.attacks import Attack
from trainer.data.bundle import Batch, Splits
from trainer.sources import Sources
from trainer.subsets import uniform_subset


class Networks(Protocol):
    """The networks of a block of cells, as far as a scenario may look at them.

    Every engine (:class:`trainer.engines.base.Engine`) is one.
    """

    @property
    def cells(self) -> Sequence[Cell]:
        """The cells of the block."""

    def input_gradients(
        self, batch: Batch, *, step: int, training: bool = False, track: bool = False
    ) -> Tensor:
        """As :meth:`trainer.engines.base.Engine.input_gradients`."""


class Scenario:
    """What makes the data hard. The hooks here do nothing; a scenario overrides those it needs.

    It has no state: one object serves all cells of a block, another one made their data, and
    ``harden`` is called on trial engines too, which are built to measure their speed. What a hook
    gives follows from its arguments and the options alone; draws are of named generators.

    Args:
        options: the scenario's, checked.

    Attributes:
        options: the same.
        attack: on every training batch, by ``harden``; ``None`` where none is made.
    """

    attack: Attack | None = None

    def __init__(self, options: Any) -> None:
        self.options = options

    @property
    def attack_passes(self) -> int:
        """Passes forward and back to the inputs that a training sample costs before its step."""
        return 0 if self.attack is None else self.attack.steps

    def subset(self, splits: Splits, ratio: str, sources: Sources) -> Tensor:
        """Positions of the training split to keep, where ``ratio`` (below 1) is ``data_ratio``."""
        return uniform_subset(splits.raw, len(splits.train), ratio)

    def transform(self, splits: Splits, sources: Sources) -> Splits:
        """The splits to train and evaluate on, from those as they were read; before scaling."""
        return splits

    def harden(self, engine: Networks, batch: Batch, step: int) -> Batch:
        """The batch to train on at a step, from the one drawn: inputs (cells, b, *input_shape)."""
        return batch
