"""chips: images of our own, read from two .npz files below the data root."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sparse.options import option
from trainer.data import DATASETS
from trainer.data.bundle import RawData, Split


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipsOptions:
    """Options of chips."""

    folder: str = option("chips", help="folder of train.npz and test.npz, below the data root")


@DATASETS.register(
    "chips", summary="our chips, 3 classes", options=ChipsOptions, needs_root=True, pixels=True
)
def chips(options: ChipsOptions, data_root: Path) -> RawData:
    """Each file holds `images`, uint8 (n, c, h, w), and `labels`, class numbers (n,)."""
    train, test = (_read(data_root / options.folder / f"{part}.npz") for part in ("train", "test"))
    return RawData(train=train, test=test, classes=3, scaling="channel", pixel_max=255)


def _read(path: Path) -> Split:
    with np.load(path, allow_pickle=False) as file:
        images, labels = file["images"], file["labels"]
    if images.dtype != np.uint8:
        raise ValueError(f"{path}: images are {images.dtype}, not uint8")
    targets = torch.from_numpy(labels.astype(np.int64))
    return Split(inputs=torch.from_numpy(images), targets=targets)
