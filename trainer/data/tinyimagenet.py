"""TinyImageNet-200: the published folder of JPEGs, or its images decoded once and kept."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainer.data import DATASETS, MAKERS
from trainer.data.bundle import RawData, Split
from trainer.data.formats.tiny_folder import CLASSES, DECODED, FOLDER, Decoded, decode, load, save
from trainer.data.image_sets import StudyOptions, study_data
from trainer.data.published import published_files

MOMENTS = ((0.4802, 0.4481, 0.3975), (0.2302, 0.2265, 0.2262))
"""The published mean and standard deviation per channel, of pixels in [0, 1]."""

PUBLISHED_SEED = 10
"""Seed with which the released code of the hard-sample study cuts off its validation images."""

LISTS = (f"{FOLDER}/wnids.txt", f"{FOLDER}/val/val_annotations.txt")
"""The lists of classes and validation images, below the data root."""

_DATASET = "tinyimagenet"


@DATASETS.register(
    _DATASET,
    summary="TinyImageNet: 110,000 photographs, 3 x 64 x 64, 200 classes",
    options=StudyOptions,
    needs_root=True,
    class_sizes=[500] * CLASSES,
    pixels=True,
    files=[
        {
            "path": f"{FOLDER}.zip",
            "url": f"http://cs231n.stanford.edu/{FOLDER}.zip",
            "md5": "90528d7ca1a48142e341f4ef8d21d0de",
            "bytes": 248_100_043,
            "unpack": True,
            "holds": [{"path": path} for path in LISTS],
        },
        {"path": DECODED, "made": True},
    ],
)
def tinyimagenet(options: StudyOptions, data_root: Path | None) -> RawData:
    """TinyImageNet from ``tiny-imagenet-200/``.

    Its published test images have no labels, so its validation images are the test split, and
    validation images are cut from the training ones. Classes are numbered as ``wnids.txt`` lists
    them. Examples are numbered as folders of images are usually listed: classes by the names of
    their folders, then images by their names.

    Raises:
        FileNotFoundError: naming what is absent.
        ValueError: for a folder that is not the published one, or decoded arrays that are broken.
    """
    files = published_files(_DATASET, data_root)
    decoded = load(files.root)
    if decoded is None:
        files.locate(*([path] for path in LISTS))
        decoded = decode(files.root / FOLDER)
    train, test = _parts(decoded)
    files.check_class_sizes(train.targets)
    return study_data(
        train, test, CLASSES, options, moments=MOMENTS, order=published_order(len(train))
    )


@MAKERS.register(_DATASET, summary="decodes all images once")
def keep_decoded(data_root: Path) -> Path:
    """Decode all images once and keep them beside the folder, where reading finds them.

    Returns:
        The file whose presence says that all is kept: the labels. The images take 1.35 GB.

    Raises:
        FileNotFoundError: when the folder is not there.
        ValueError: when it is not the published one.
    """
    files = published_files(_DATASET, data_root)
    files.locate(*([path] for path in LISTS))
    decoded = decode(data_root / FOLDER)
    files.check_class_sizes(_parts(decoded)[0].targets)
    return save(decoded, data_root)


def published_order(count: int) -> Tensor:
    """The order in which published code cuts the training images: 90,000 and 10,000.

    That code draws it from numpy's global generator, seeded with 10; here that generator is a
    fresh one with the same draws.
    """
    return torch.from_numpy(np.random.RandomState(PUBLISHED_SEED).permutation(count))


def _parts(decoded: Decoded) -> tuple[Split, Split]:
    images, labels = torch.from_numpy(decoded.images), torch.from_numpy(decoded.labels).long()
    count = decoded.training
    train = Split(inputs=images[:count], targets=labels[:count])
    test = Split(inputs=images[count:], targets=labels[count:])
    return train, test
