"""USPS handwritten digits (Hull 1994) from LIBSVM's text files."""

import bz2
from pathlib import Path

import numpy as np
import torch

from trainer.data import DATASETS
from trainer.data.bundle import RawData, Split
from trainer.data.image_sets import ImageOptions, image_data
from trainer.data.published import published_files

SIDE = 16
"""Height and width of an image, in pixels."""

_URL = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass"
_FILES = (
    {
        "path": "usps.bz2",
        "url": f"{_URL}/usps.bz2",
        "md5": "ec16c51db3855ca6c91edd34d0e9b197",
        "unpack": False,
    },
    {
        "path": "usps.t.bz2",
        "url": f"{_URL}/usps.t.bz2",
        "md5": "8ea070ee2aca1ac39742fdd1ef5ed118",
        "unpack": False,
    },
)


@DATASETS.register(
    "usps",
    summary="USPS: 9,298 scans of handwritten digits, 1 x 16 x 16, 10 classes",
    options=ImageOptions,
    needs_root=True,
    class_sizes=[1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644],
    pixels=True,
    files=_FILES,
)
def usps(options: ImageOptions, data_root: Path | None) -> RawData:
    """The 7,291 training digits of ``usps.bz2`` and the 2,007 test digits of ``usps.t.bz2``.

    Raises:
        FileNotFoundError: naming the files that are absent.
        ValueError: for a file that is not the published one.
    """
    files = published_files("usps", data_root)
    names = files.locate(["usps.bz2"], ["usps.t.bz2"])
    train, test = (read_scans(files.read(name), str(files.root / name)) for name in names)
    return image_data(train, test, 10, options)


def read_scans(content: bytes, where: str) -> Split:
    """The images and labels of one file.

    Args:
        content: bzip2 of lines ``label index:value ...``, labels 1 to 10, indices from 1, values
            in [-1, 1]; an index that a line leaves out has the value 0.
        where: the file's name, for errors.

    Returns:
        Inputs (n, 1, 16, 16), -1 as 0 and 1 as 255, to the nearest byte; the digits 0 to 9.

    Raises:
        ValueError: when a line is anything else, naming the file and the line.
    """
    try:
        lines = bz2.decompress(content).decode("ascii").splitlines()
    except (OSError, ValueError) as problem:
        raise ValueError(f"{where}: not a text packed with bzip2 ({problem})") from problem
    values = np.zeros((len(lines), SIDE * SIDE))
    digits = np.zeros(len(lines), np.int64)
    for row, line in enumerate(lines):
        try:
            digits[row], pixels, shades = _line(line)
            values[row, pixels] = shades
        except (ValueError, IndexError) as problem:
            raise ValueError(f"{where}: line {row + 1}: {problem}") from problem
    inputs = np.rint((values + 1) * 127.5).astype(np.uint8).reshape(-1, 1, SIDE, SIDE)
    return Split(inputs=torch.from_numpy(inputs), targets=torch.from_numpy(digits))


def _line(text: str) -> tuple[int, np.ndarray, np.ndarray]:
    numbers = np.array(text.replace(":", " ").split(), dtype=np.float64)
    if len(numbers) % 2 == 0 or numbers[0] not in range(1, 11):
        raise ValueError("not a label from 1 to 10 and pairs of index:value")
    pixels, shades = numbers[1::2].astype(np.int64) - 1, numbers[2::2]
    if not ((pixels >= 0) & (pixels < SIDE * SIDE)).all() or not (np.abs(shades) <= 1).all():
        raise ValueError(f"an index outside 1 to {SIDE * SIDE} or a value outside [-1, 1]")
    return int(numbers[0]) - 1, pixels, shades
