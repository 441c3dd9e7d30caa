"""What data is made from besides a dataset's own files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grids.cell import Component
from trainer.shared import SharedFiles, TemporaryFiles


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Where the data of a cell comes from.

    Attributes:
        dataset: the dataset and its options, as the cell names them.
        data_root: folder of the datasets that are read from files.
        inputs: files of the artifacts that the cell was given, by their names. A scenario is shown
            those that it needs itself, and none of its method's.
        shared: files that cells share.
    """

    dataset: Component
    data_root: Path | None = None
    inputs: Mapping[str, Path] = field(default_factory=dict)
    shared: SharedFiles = field(default_factory=TemporaryFiles)
