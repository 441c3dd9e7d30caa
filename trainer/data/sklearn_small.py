"""Small real sets that come with scikit-learn: digits, breast_cancer and wine.

Their files are read where scikit-learn keeps them, without importing it: the import costs a worker
seconds, the files some milliseconds. A test compares each with scikit-learn's own loader.
"""

import importlib.util
from pathlib import Path
from typing import cast

import numpy as np
import torch

from trainer.data import DATASETS
from trainer.data.brought import TableOptions
from trainer.data.bundle import Cut, RawData, Scaling, Split


@DATASETS.register(
    "digits",
    summary="1,797 images of handwritten digits, 1 x 8 x 8, 10 classes",
    options=TableOptions,
    needs_root=False,
    class_sizes=[178, 182, 177, 183, 181, 182, 181, 179, 174, 180],
    pixels=True,
)
def digits(options: TableOptions, data_root: Path | None) -> RawData:
    """UCI optical recognition of handwritten digits (test part), values 0 to 16.

    ``split: set_code`` standardises each pixel on its own, as it does the features of a table.
    """
    scaling: Scaling = "feature" if options.split == "set_code" else "global"
    table = np.loadtxt(_file("digits.csv.gz"), delimiter=",", dtype=np.float32)
    return _raw(table[:, :-1].reshape(-1, 1, 8, 8), table[:, -1], scaling, options, 16.0)


@DATASETS.register(
    "breast_cancer",
    summary="569 Wisconsin breast-cancer records, 30 features, 2 classes",
    options=TableOptions,
    needs_root=False,
    class_sizes=[212, 357],
)
def breast_cancer(options: TableOptions, data_root: Path | None) -> RawData:
    """UCI breast cancer Wisconsin (diagnostic)."""
    table = np.loadtxt(_file("breast_cancer.csv"), delimiter=",", skiprows=1, dtype=np.float32)
    return _raw(table[:, :-1], table[:, -1], "feature", options)


@DATASETS.register(
    "wine",
    summary="178 wine analyses, 13 features, 3 classes",
    options=TableOptions,
    needs_root=False,
    class_sizes=[59, 71, 48],
)
def wine(options: TableOptions, data_root: Path | None) -> RawData:
    """UCI wine recognition."""
    table = np.loadtxt(_file("wine_data.csv"), delimiter=",", skiprows=1, dtype=np.float32)
    return _raw(table[:, :-1], table[:, -1], "feature", options)


def _file(name: str) -> Path:
    found = importlib.util.find_spec("sklearn")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"the file {name} comes with scikit-learn, which is not installed")
    path = Path(found.submodule_search_locations[0]) / "datasets" / "data" / name
    if not path.is_file():
        raise FileNotFoundError(f"scikit-learn no longer keeps {name} at {path}")
    return path


def _raw(
    inputs: np.ndarray,
    labels: np.ndarray,
    scaling: Scaling,
    options: TableOptions,
    pixel_max: float | None = None,
) -> RawData:
    targets = torch.from_numpy(labels.astype(np.int64))
    return RawData(
        train=Split(inputs=torch.from_numpy(np.ascontiguousarray(inputs)), targets=targets),
        test=None,
        classes=int(targets.max()) + 1,
        scaling=scaling,
        split=cast(Cut, options.split),
        split_seed=options.split_seed,
        val_fraction=options.val_fraction,
        test_fraction=options.test_fraction,
        pixel_max=pixel_max,
    )
