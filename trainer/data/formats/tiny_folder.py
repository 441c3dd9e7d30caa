"""The files of TinyImageNet-200: its folder of JPEGs, and the arrays that are kept of them."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = "tiny-imagenet-200"
"""The published folder, below the data root."""

CLASSES = 200
SIDE = 64
"""Number of classes; height and width of an image, in pixels."""

DECODED = f"{FOLDER}.labels.npy"
"""The kept labels, below the data root; where they are, the kept images are too."""

_IMAGES = f"{FOLDER}.images.npy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """All labelled images, the training ones first.

    Attributes:
        images: (n, 3, 64, 64) uint8.
        labels: (n,) uint8, class numbers.
        training: how many of them are for training; the rest is the published validation part.
    """

    images: np.ndarray
    labels: np.ndarray
    training: int


def decode(folder: Path) -> Decoded:
    """Decode all labelled images of the published folder, on as many threads as there are cores.

    Raises:
        FileNotFoundError: for an image that the folder's lists name and that is not there.
        ValueError: for a list, or an image, that is not as published; names the file.
    """
    numbers = _class_numbers(folder / "wnids.txt")
    train, val = _training(folder / "train", numbers), _validation(folder / "val", numbers)
    paths = [path for path, _ in (*train, *val)]
    images = np.empty((len(paths), 3, SIDE, SIDE), np.uint8)

    def fill(position: int) -> None:
        images[position] = _decoded(paths[position])

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for _ in pool.map(fill, range(len(paths))):
            pass
    labels = np.array([label for _, label in (*train, *val)], np.uint8)
    return Decoded(images=images, labels=labels, training=len(train))


def save(decoded: Decoded, root: Path) -> Path:
    """Keep decoded images below the data root; returns the file of the labels.

    Each file appears whole. The labels come last: without them the images count for nothing.
    """
    part = np.arange(len(decoded.labels)) >= decoded.training
    _publish(decoded.images, root / _IMAGES)
    _publish(np.stack([part.astype(np.uint8), decoded.labels]), root / DECODED)
    return root / DECODED


def load(root: Path) -> Decoded | None:
    """The kept arrays below a data root; ``None`` where there are none.

    Raises:
        ValueError: when they are there and broken, naming the file.
    """
    if not (root / DECODED).is_file():
        return None
    labels = _array(root / DECODED, (2, -1))
    images = _array(root / _IMAGES, (labels.shape[1], 3, SIDE, SIDE))
    part, numbers = labels
    training = int((part == 0).sum())
    if part[:training].any() or (numbers >= CLASSES).any():
        raise _broken(root / DECODED, "labels that no decoding writes")
    return Decoded(images=images, labels=numbers, training=training)


def _class_numbers(path: Path) -> dict[str, int]:
    names = path.read_text().split()
    if len(names) != CLASSES or len(set(names)) != CLASSES:
        raise ValueError(f"{path}: names {len(set(names))} classes, not {CLASSES}")
    return {name: number for number, name in enumerate(names)}


def _training(folder: Path, numbers: dict[str, int]) -> list[tuple[Path, int]]:
    return [
        (path, numbers[name])
        for name in sorted(numbers)
        for path in sorted((folder / name / "images").glob("*.JPEG"))
    ]


def _validation(folder: Path, numbers: dict[str, int]) -> list[tuple[Path, int]]:
    listed = folder / "val_annotations.txt"
    rows = [line.split("\t") for line in listed.read_text().splitlines()]
    if wrong := [row for row in rows if len(row) < 2 or row[1] not in numbers]:
        raise ValueError(f"{listed}: {chr(9).join(wrong[0])!r} names no image and its class")
    return [(folder / "images" / row[0], numbers[row[1]]) for row in sorted(rows)]


def _decoded(path: Path) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            # Some of the files are grey.
            pixels = np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError) as problem:
        if isinstance(problem, FileNotFoundError):
            raise
        raise ValueError(f"{path}: not a whole JPEG ({problem})") from problem
    if pixels.shape != (SIDE, SIDE, 3):
        raise ValueError(f"{path}: {pixels.shape[1]} x {pixels.shape[0]} pixels, not 64 x 64")
    return pixels.transpose(2, 0, 1)


def _publish(array: np.ndarray, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    try:
        found: np.ndarray = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as problem:
        raise _broken(path, str(problem)) from problem
    fits = len(found.shape) == len(shape) and all(
        wanted in (-1, side) for wanted, side in zip(shape, found.shape, strict=True)
    )
    if found.dtype != np.uint8 or not fits:
        raise _broken(path, f"{found.dtype} {found.shape}")
    return found


def _broken(path: Path, problem: str) -> ValueError:
    labels = path.with_name(DECODED)
    return ValueError(f"{path}: not the decoded images ({problem}); remove {labels}")
