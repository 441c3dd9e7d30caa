"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) from the published Python batches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainer.data import DATASETS
from trainer.data.bundle import RawData, Split
from trainer.data.formats.plain_pickle import read_plain_pickle
from trainer.data.image_sets import StudyOptions, study_data
from trainer.data.published import PublishedFiles, published_files

SIDE = 32
"""Height and width of an image, in pixels."""

MOMENTS_10 = ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))
"""CIFAR-10's published mean and standard deviation per channel, of pixels in [0, 1]."""

MOMENTS_100 = ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762))
"""CIFAR-100's published mean and standard deviation per channel, of pixels in [0, 1]."""

_URL = "https://www.cs.toronto.edu/~kriz"
_FILES_10 = (
    {
        "path": "cifar-10-python.tar.gz",
        "url": f"{_URL}/cifar-10-python.tar.gz",
        "md5": "c58f30108f718f92721af3b95e74349a",
        "bytes": 170_498_071,
        "unpack": True,
        "holds": [
            {"path": f"cifar-10-batches-py/{name}", "md5": md5}
            for name, md5 in (
                ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
                ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
                ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
                ("data_batch_4", "634d18415352ddfa80567beed471001a"),
                ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
                ("test_batch", "40351d587109b95175f43aff81a1287e"),
            )
        ],
    },
)
_FILES_100 = (
    {
        "path": "cifar-100-python.tar.gz",
        "url": f"{_URL}/cifar-100-python.tar.gz",
        "md5": "eb9058c3a382ffc7106e4002c42a8d85",
        "bytes": 169_001_437,
        "unpack": True,
        "holds": [
            {"path": "cifar-100-python/train", "md5": "16019d7e3df5f24257cddd939b257f8d"},
            {"path": "cifar-100-python/test", "md5": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
        ],
    },
)


@DATASETS.register(
    "cifar10",
    summary="CIFAR-10: 60,000 photographs, 3 x 32 x 32, 10 classes",
    options=StudyOptions,
    needs_root=True,
    class_sizes=[5000] * 10,
    pixels=True,
    files=_FILES_10,
)
def cifar10(options: StudyOptions, data_root: Path | None) -> RawData:
    """CIFAR-10 from ``cifar-10-batches-py/``.

    Two standard deviations are in use. ``moments: published`` takes the one of most training code,
    the hard-sample study's included: (.2023, .1994, .2010), the mean over images of each image's
    own deviation. That of all pixels is (.2470, .2435, .2616); ``moments: data`` comes close to it.

    Raises:
        FileNotFoundError: naming the files that are absent.
        ValueError: for a file that is not the published one.
    """
    batches = [f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6)]
    files = published_files("cifar10", data_root)
    paths = files.locate(*([path] for path in [*batches, "cifar-10-batches-py/test_batch"]))
    parts = [_batch(files, path, "labels", 10) for path in paths]
    train, test = _joined(parts[:-1]), parts[-1]
    return study_data(train, test, 10, options, moments=MOMENTS_10, order=_in_order(train))


@DATASETS.register(
    "cifar100",
    summary="CIFAR-100: 60,000 photographs, 3 x 32 x 32, 100 classes",
    options=StudyOptions,
    needs_root=True,
    class_sizes=[500] * 100,
    pixels=True,
    files=_FILES_100,
)
def cifar100(options: StudyOptions, data_root: Path | None) -> RawData:
    """CIFAR-100 with its 100 fine classes from ``cifar-100-python/``.

    Raises:
        FileNotFoundError: naming the files that are absent.
        ValueError: for a file that is not the published one.
    """
    files = published_files("cifar100", data_root)
    paths = files.locate(["cifar-100-python/train"], ["cifar-100-python/test"])
    train, test = (_batch(files, path, "fine_labels", 100) for path in paths)
    return study_data(train, test, 100, options, moments=MOMENTS_100, order=_in_order(train))


def read_batch(content: bytes, where: str, label_key: str, classes: int) -> Split:
    """The images and labels of one published batch.

    Args:
        content: the bytes of the file.
        where: the file's name, for errors.
        label_key: the name of the labels in it: "labels", "fine_labels" or "coarse_labels".
        classes: labels must be 0 .. classes-1.

    Raises:
        ValueError: when the file holds anything else, naming the file.
    """
    batch = read_plain_pickle(content, where)
    images, labels = batch.get("data"), batch.get(label_key)
    if not isinstance(images, np.ndarray) or images.shape[1:] != (3 * SIDE * SIDE,):
        raise ValueError(f"{where}: holds no `data` of {3 * SIDE * SIDE} bytes per image")
    if not _are_labels(labels, len(images), classes):
        raise ValueError(
            f"{where}: holds no `{label_key}` with a number from 0 to {classes - 1} for each of "
            f"its {len(images)} images"
        )
    # Each row holds the red plane, then the green and the blue one, each row by row.
    inputs = torch.from_numpy(images.reshape(-1, 3, SIDE, SIDE).copy())
    return Split(inputs=inputs, targets=torch.tensor(labels, dtype=torch.int64))


def _are_labels(labels: Any, count: int, classes: int) -> bool:
    return (
        isinstance(labels, list)
        and len(labels) == count
        and all(type(label) is int and 0 <= label < classes for label in labels)
    )


def _batch(files: PublishedFiles, path: str, label_key: str, classes: int) -> Split:
    return read_batch(files.read(path), str(files.root / path), label_key, classes)


def _joined(batches: Sequence[Split]) -> Split:
    return Split(
        inputs=torch.cat([batch.inputs for batch in batches]),
        targets=torch.cat([batch.targets for batch in batches]),
    )


def _in_order(train: Split) -> Tensor:
    # Published code trains on the first 45,000 images and validates with the last 5,000.
    return torch.arange(len(train))
