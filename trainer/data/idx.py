"""Folders of IDX files: MNIST, Fashion-MNIST, KMNIST and everything else in that format."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch

from sparse.options import option
from trainer.data import DATASETS
from trainer.data.brought import LAST_SEED, SPLIT_HELP, STRATIFIED, below
from trainer.data.bundle import CUTS, Cut, RawData, Split
from trainer.data.formats.idx_file import paired, read_idx
from trainer.data.image_sets import WHITE


@dataclass(frozen=True, kw_only=True, slots=True)
class IdxOptions:
    """Which folder, and how it is cut."""

    folder: str = option("mnist", help="folder of the IDX files, below the data root")
    split: str = option("stratified", help=SPLIT_HELP, choices=CUTS)
    val_fraction: float = option(0.1, help="share of train held out for validation", gt=0.0, lt=0.5)
    test_fraction: float = option(
        0.2,
        help="share held out for testing when the folder holds one part only",
        gt=0.0,
        lt=0.5,
        only_with=STRATIFIED,
    )
    split_seed: int = option(
        0, help="names the split; the same for every cell seed", ge=0, le=LAST_SEED
    )


@DATASETS.register(
    "idx",
    summary="a folder of MNIST-format IDX files, plain or gzipped",
    options=IdxOptions,
    semantics=2,
    needs_root=True,
    pixels=True,
)
def idx(options: IdxOptions, data_root: Path | None) -> RawData:
    """The images and labels of one folder.

    ``train-*`` is for training and validation, ``t10k-*`` for testing. A folder that holds only one
    of the two is split into all three parts; ``split: set_code`` needs such a folder, and
    standardises each pixel on its own.

    Raises:
        FileNotFoundError: naming the files that were looked for.
        ValueError: for a path that leaves the data root, a file that is not IDX, labels that do
            not fit the images, or ``split: set_code`` of a folder with two parts.
    """
    folder = below("idx", data_root, options.folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"dataset idx: {folder} is not a folder")
    parts = {part: _read_part(folder, part) for part in ("train", "t10k")}
    whole = parts["train"] or parts["t10k"]
    if whole is None:
        raise FileNotFoundError(
            f"dataset idx: no train-images-idx3-ubyte or t10k-images-idx3-ubyte (plain or .gz) "
            f"in {folder}"
        )
    test = parts["t10k"] if parts["train"] is not None else None
    return RawData(
        train=whole,
        test=test,
        classes=_classes(whole, test),
        scaling="feature" if options.split == "set_code" else "channel",
        split=cast(Cut, options.split),
        split_seed=options.split_seed,
        val_fraction=options.val_fraction,
        test_fraction=options.test_fraction,
        pixel_max=WHITE,
    )


def _read_part(folder: Path, part: str) -> Split | None:
    images = _find(folder, f"{part}-images", "idx3-ubyte")
    labels = _find(folder, f"{part}-labels", "idx1-ubyte")
    if images is None and labels is None:
        return None
    if images is None or labels is None:
        missing = f"{part}-images-idx3-ubyte" if images is None else f"{part}-labels-idx1-ubyte"
        raise FileNotFoundError(
            f"dataset idx: {folder} lacks {missing} (plain or .gz) of the part {part}"
        )
    return paired(read_idx(images), read_idx(labels), str(images))


def _classes(*splits: Split | None) -> int:
    # An empty file says nothing; that no split is empty is told where they are cut.
    targets = [split.targets for split in splits if split is not None]
    return int(torch.cat([*targets, torch.zeros(1, dtype=torch.int64)]).max()) + 1


def _find(folder: Path, stem: str, kind: str) -> Path | None:
    # Some distributions join name and kind by a dot instead of a dash.
    names = [f"{stem}{joint}{kind}{suffix}" for joint in "-." for suffix in ("", ".gz")]
    return next((folder / name for name in names if (folder / name).is_file()), None)
