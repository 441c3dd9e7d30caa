"""A folder of one's own images: train/<class>/..., and val/ and test/ of the same form."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sparse.options import option
from trainer.data import DATASETS
from trainer.data.brought import CutOptions, below
from trainer.data.bundle import RawData, Split
from trainer.data.image_sets import WHITE

_MODES = {"rgb": "RGB", "grey": "L"}
_DEEP = ("I", "F")  # modes of more than eight bits begin so, and converting cuts them off


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFolderOptions(CutOptions):
    """Which folder, and what becomes of its images."""

    folder: str = option("images", help="the folder that holds train/, below the data root")
    image_size: int | None = option(
        None,
        help="height and width: the centred square of each image is resized to it; null takes "
        "images as they are, all of one size",
        ge=1,
    )
    colour: str = option("rgb", help="3 channels, or 1", choices=("rgb", "grey"))


@DATASETS.register(
    "image_folder",
    summary="a folder of images of your own, train/<class>/*, with val/ and test/ or without",
    options=ImageFolderOptions,
    needs_root=True,
    pixels=True,
)
def image_folder(options: ImageFolderOptions, data_root: Path | None) -> RawData:
    """All images of a folder, decoded into memory as bytes; nothing is kept on the disk.

    Classes are the folders in ``train/``, numbered in the order of their names. ``val/`` and
    ``test/`` are cut from it where they are not there.

    Raises:
        FileNotFoundError: when there is no ``train/``, or no class in it.
        ValueError: for a file that is no image, images of different sizes, or a class that
            ``train/`` does not have; names the file.
    """
    folder = below("image_folder", data_root, options.folder)
    if not (folder / "train").is_dir():
        raise FileNotFoundError(f"dataset image_folder: there is no folder {folder / 'train'}")
    classes = sorted(path.name for path in _visible(folder / "train") if path.is_dir())
    if len(classes) < 2:
        raise ValueError(
            f"{folder / 'train'}: {len(classes)} folders of classes; needed: 2 or more"
        )
    parts = {
        name: _read(folder / name, classes, options)
        for name in ("train", "val", "test")
        if (folder / name).is_dir()
    }
    for name in ("val", "test"):
        _refuse_idle(options, f"{name}_fraction", folder / name)
    _check_sizes(parts, folder)
    train, val, test = (parts.get(name) for name in ("train", "val", "test"))
    assert train is not None
    if val is not None:
        # Of part train, as ever: another part would be other corrupted images in the same cells.
        val = replace(val, ids=val.ids + len(train), part="train")
    return RawData(
        train=train,
        val=val,
        test=test,
        classes=len(classes),
        scaling="channel",
        split_seed=options.split_seed,
        val_fraction=options.val_fraction,
        test_fraction=options.test_fraction,
        pixel_max=WHITE,
    )


def read_image(path: Path, options: ImageFolderOptions) -> np.ndarray:
    """One image as bytes (channels, height, width).

    Raises:
        ValueError: when it cannot be decoded, or has more than eight bits per channel.
    """
    from PIL import Image

    try:
        with Image.open(path) as opened:
            if opened.mode.startswith(_DEEP):
                raise ValueError(f"mode {opened.mode} has more than 8 bits; save it with 8")
            image = opened.convert(_MODES[options.colour])
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: no image that can be read: {error}") from error
    if options.image_size is not None:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        # Cropped first: resizing with a box would mix in pixels from outside of it.
        square = image.crop((left, top, left + side, top + side))
        image = square.resize((options.image_size, options.image_size), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _read(folder: Path, classes: list[str], options: ImageFolderOptions) -> Split:
    paths, labels = _list(folder, classes)

    def decode(path: Path) -> np.ndarray:
        return read_image(path, options)

    first = decode(paths[0])
    pixels = np.empty((len(paths), *first.shape), np.uint8)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for at, image in enumerate(pool.map(decode, paths)):
            if image.shape != first.shape:
                raise ValueError(
                    f"{paths[at]}: {_size(image.shape)}, and {paths[0]} {_size(first.shape)}; make "
                    "them one size with the option image_size"
                )
            pixels[at] = image
    return Split(inputs=torch.from_numpy(pixels), targets=torch.tensor(labels))


def _list(folder: Path, classes: list[str]) -> tuple[list[Path], list[int]]:
    """The images of a part and their class numbers, classes and files in the order of names."""
    for entry in _visible(folder):
        if not entry.is_dir() or entry.name not in classes:
            known = ", ".join(classes[:10])
            raise ValueError(f"{entry}: not the folder of a class of train/; these are {known}")
    found: list[tuple[Path, int]] = []
    for number, name in enumerate(classes):
        own = [path for path in sorted((folder / name).rglob("*")) if path.is_file()]
        shown = [path for path in own if not path.name.startswith(".")]
        if not shown and folder.name == "train":
            raise ValueError(f"{folder / name}: no images in the folder of a class")
        found += [(path, number) for path in shown]
    if not found:
        raise ValueError(f"{folder}: no images in it")
    return [path for path, _ in found], [number for _, number in found]


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _refuse_idle(options: ImageFolderOptions, name: str, folder: Path) -> None:
    [standard] = [field.default for field in fields(options) if field.name == name]
    given: Any = getattr(options, name)
    if folder.is_dir() and given != standard:
        raise ValueError(f"{name} is {given}, and has no effect: {folder} is there; leave it out")


def _check_sizes(parts: dict[str, Split], folder: Path) -> None:
    shapes = {name: tuple(part.inputs.shape[1:]) for name, part in parts.items()}
    for name, shape in shapes.items():
        if shape != shapes["train"]:
            raise ValueError(
                f"{folder / name}: images of {_size(shape)}, and of {_size(shapes['train'])} in "
                "train/; make them one size with the option image_size"
            )


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[2]} x {shape[1]} pixels"
