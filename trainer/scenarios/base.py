"""The contract of a scenario: where it may take part in the making of data and of a step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from grids.cell import Component
from trainer.attacks import Attack
from trainer.data.bundle import Splits
from trainer.data.cutting import uniform_subset
from trainer.shared import SharedFiles, TemporaryFiles

if TYPE_CHECKING:
    from trainer.engines.base import Batch, Engine


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """What data is made from besides the dataset's own files.

    Attributes:
        dataset: the dataset and its options, as the cell names them.
        data_root: folder of the datasets that are read from files.
        inputs: files of the artifacts that the cells need, by their names.
        shared: files that cells share.
    """

    dataset: Component
    data_root: Path | None = None
    inputs: Mapping[str, Path] = field(default_factory=dict)
    shared: SharedFiles = field(default_factory=TemporaryFiles)


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

    def harden(self, engine: "Engine", batch: "Batch", step: int) -> "Batch":
        """The batch to train on at a step, from the one drawn: inputs (cells, b, *input_shape)."""
        return batch
