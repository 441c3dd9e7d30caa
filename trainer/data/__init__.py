"""Datasets: one file each, registered by name.

A dataset is a function ``(options, data_root) -> RawData``. Splitting, scaling and moving to the
device are the same for all and live in :mod:`trainer.data.bundle`.
"""

import dataclasses

from sparse.registry import Registry, import_modules


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class DatasetTraits:
    """The traits of a dataset.

    Attributes:
        needs_root: whether it is read from files in a folder that the user names.
        examples: how many it has in all splits, as a number or the option that says it in braces;
            ``None`` where only the files tell.
    """

    needs_root: bool
    examples: int | str | None = None


DATASETS = Registry("dataset", "sparsesweep.datasets", traits=DatasetTraits)
"""Every dataset a grid may name."""

import_modules(__name__, __path__)
