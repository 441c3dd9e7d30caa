"""Datasets: one file each, registered by name.

A dataset is a function ``(options, data_root) -> RawData``. Splitting, scaling and moving to the
device are the same for all and live in :mod:`trainer.data.cutting` and
:mod:`trainer.data.scaling`; the readers of file formats are in :mod:`trainer.data.formats`, and
what families of datasets share in ``brought.py``, ``image_sets.py`` and ``published.py``.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from sparse.registry import Registry, import_modules


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class DatasetTraits:
    """The traits of a dataset.

    Attributes:
        needs_root: whether it is read from files in a folder that the user names.
        class_sizes: how many examples each class has in all splits, or in the training part where
            the dataset has a test split of its own; or, for classes of equal size, the options that
            say how many ``examples`` and ``classes`` there are; ``None`` where only the files tell.
            Splits are then as :mod:`trainer.data.cutting` makes them.
        pixels: whether its examples are images, so that they can be augmented, attacked and
            corrupted: always, never, or by a rule (:mod:`grids.traits`) on its options.
        files: what to fetch for it, and what it should be: mappings of ``path`` below the data
            root, ``url``, ``md5`` or ``sha256``, ``bytes``, and ``unpack`` for an archive; or
            ``made`` for what :data:`MAKERS` has a function for.
    """

    needs_root: bool
    class_sizes: Sequence[int] | Mapping[str, str] | None = None
    pixels: bool | Mapping[str, Any] = False
    files: Sequence[Mapping[str, Any]] = ()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class MakerTraits:
    """A maker has no traits."""


DATASETS = Registry("dataset", "sparsesweep.datasets", traits=DatasetTraits)
"""Every dataset a grid may name."""

MAKERS = Registry("maker of the files of dataset", traits=MakerTraits)
"""Functions of the data root that make the files a dataset marks as ``made``, by its name."""

import_modules(__name__, __path__)
