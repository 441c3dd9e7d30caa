"""The published corrupted test sets of CIFAR: CIFAR-10-C and CIFAR-100-C.

One .npy file per corruption, (5 n, 32, 32, 3) bytes: the n test images at severity 1, then at 2,
and so on; and ``labels.npy`` with their classes.
"""

from pathlib import Path

import numpy as np

from trainer.corruptions.arrays import Bytes, read_array
from trainer.data.bundle import Split
from trainer.sources import Sources

FOLDERS = {"cifar10": "CIFAR-10-C", "cifar100": "CIFAR-100-C"}
"""Dataset to the folder of its published arrays, below the data root."""

PUBLISHED_SEVERITIES = 5


def published_test_images(
    split: Split, sources: Sources, *, corruption: str, severity: int
) -> Bytes:
    """The published corrupted images of a test split, in its order.

    Args:
        split: the dataset's own test part, whole.
        sources: where the dataset's files are.
        corruption: the name of the file.
        severity: 1 to 5.

    Raises:
        FileNotFoundError: when the files are absent, naming them.
        ValueError: for a dataset without published arrays, and for files that do not fit the split.
    """
    dataset = sources.dataset.name
    if dataset not in FOLDERS or split.part != "test":
        raise ValueError(
            f"test_arrays published: not of dataset {dataset}; allowed: {', '.join(FOLDERS)}"
        )
    if sources.data_root is None:
        raise FileNotFoundError(f"test_arrays published: give the folder of {FOLDERS[dataset]}")
    folder = sources.data_root / FOLDERS[dataset]
    paths = folder / f"{corruption}.npy", folder / "labels.npy"
    if missing := [str(path) for path in paths if not path.is_file()]:
        raise FileNotFoundError(
            f"test_arrays published: no {' and no '.join(missing)}; on a machine with a network, "
            f"`sparsesweep data fetch {dataset}_c` brings them"
        )
    images, labels = (read_array(path) for path in paths)
    expected = (PUBLISHED_SEVERITIES * len(split), *np.roll(split.inputs.shape[1:], -1).tolist())
    if images.dtype != np.uint8 or images.shape != expected:
        raise ValueError(
            f"{paths[0]}: holds {images.dtype} of shape {images.shape}, where bytes of shape "
            f"{expected} are expected"
        )
    rows = (severity - 1) * len(split) + split.ids.numpy()
    _check_labels(paths[1], labels, rows, split)
    return np.asarray(images[rows])


def _check_labels(path: Path, labels: np.ndarray, rows: np.ndarray, split: Split) -> None:
    if labels.ndim != 1 or len(labels) <= rows.max():
        raise ValueError(f"{path}: holds no label for each image; its shape is {labels.shape}")
    wrong = labels[rows] != split.targets.numpy()
    if wrong.any():
        raise ValueError(
            f"{path}: {wrong.sum()} of {len(rows)} labels differ from those of the test images, "
            f"the first in row {rows[wrong.argmax()]}"
        )
