"""Datasets: one file each, registered by name.

A dataset is a function ``(options, data_root) -> RawData``. Splitting, scaling and moving to the
device are the same for all and live in :mod:`trainer.data.bundle`.
"""

from sparse.registry import Registry, import_modules

DATASETS = Registry("dataset", "sparsesweep.datasets")
"""Every dataset a grid may name."""

import_modules(__name__, __path__)
