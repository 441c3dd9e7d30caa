"""The feature-selection sets of scikit-feature (ASU): MATLAB files with X (n, d) and Y (n, 1).

Types, codings of the labels (1..C, -1 and +1) and ranges differ from file to file, and the same
set is spelled in several ways: all that is evened out here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch

from sparse.options import nearest, option
from trainer.data import DATASETS
from trainer.data.brought import (
    SPLIT_HELP,
    STRATIFIED,
    TableOptions,
    below,
    class_numbers,
    single_precision,
)
from trainer.data.bundle import CUTS, Cut, RawData, Split
from trainer.data.formats.mat_file import read_table
from trainer.data.image_sets import WHITE

_TABLE = {"image_size": None}
_OWN_TABLE = {**_TABLE, **STRATIFIED}
_SLACK = 1e-6  # what computing in between may have added to values in [0, 1]


@dataclass(frozen=True, kw_only=True, slots=True)
class AsuOptions(TableOptions):
    """Which file, and whether its rows are images."""

    file: str = option(
        "asu/COIL20.mat", help="the file below the data root; case, - or _ and .mat do not matter"
    )
    split: str = option("stratified", help=SPLIT_HELP, choices=CUTS, only_with=_TABLE)
    standardise: str = option(
        "feature",
        help="what shares a mean and a deviation: each feature, or all together",
        choices=("feature", "global"),
        only_with=_OWN_TABLE,
    )
    image_size: tuple[int, ...] | None = option(
        None, help="[height, width] of images: rows are then bytes, 1 x height x width", ge=1
    )
    pixel_order: str = option(
        "column",
        help="how images were flattened: by columns, as MATLAB does, or by rows",
        choices=("column", "row"),
        unless=_TABLE,
    )


@DATASETS.register(
    "asu",
    summary="a .mat file of the ASU feature-selection sets: COIL20, ORL, colon, madelon, ...",
    options=AsuOptions,
    needs_root=True,
    pixels={"unless": _TABLE},
)
def asu(options: AsuOptions, data_root: Path | None) -> RawData:
    """One file, cut into three splits; classes are numbered in the order of their labels.

    Raises:
        FileNotFoundError: naming the files that are there instead.
        ValueError: for a file that is no such set, labels that are no whole numbers, or rows that
            are no images of ``image_size``.
    """
    path = find_file(below("asu", data_root, options.file))
    matrix, labels = read_table(path)
    if not np.isfinite(labels).all() or (labels != np.floor(labels)).any():
        raise ValueError(f"{path}: the labels are not all whole numbers")
    targets = class_numbers(labels, str(path))
    if options.image_size is None:
        inputs, scaling = single_precision(matrix, str(path)), options.standardise
    else:
        by_columns = options.pixel_order == "column"
        inputs = as_images(matrix, options.image_size, by_columns=by_columns, where=str(path))
        scaling = "channel"
    return RawData(
        train=Split(inputs=torch.from_numpy(inputs), targets=torch.from_numpy(targets)),
        test=None,
        classes=int(targets.max()) + 1,
        scaling=cast(Literal["feature", "channel", "global"], scaling),
        split=cast(Cut, options.split),
        split_seed=options.split_seed,
        val_fraction=options.val_fraction,
        test_fraction=options.test_fraction,
        pixel_max=None if options.image_size is None else WHITE,
    )


def find_file(path: Path) -> Path:
    """The file meant by a path: itself, else the only one whose name is spelled alike.

    Raises:
        FileNotFoundError: when there is none, with what the folder holds.
        ValueError: when several are spelled alike.
    """
    if path.is_file():
        return path
    there = sorted(path.parent.glob("*.mat")) if path.parent.is_dir() else []
    alike = [other for other in there if _spelling(other.name) == _spelling(path.name)]
    if len(alike) > 1:
        listed = " and ".join(other.name for other in alike)
        raise ValueError(f"dataset asu: {path} may be {listed}; write one of them")
    if not alike:
        names = [other.name for other in there]
        raise FileNotFoundError(
            f"dataset asu: there is no {path}; {path.parent} holds "
            f"{', '.join(names) or 'no .mat files'}{nearest(path.name, names)}"
        )
    return alike[0]


def as_images(
    matrix: np.ndarray, size: tuple[int, ...], *, by_columns: bool, where: str
) -> np.ndarray:
    """Rows (n, d) as bytes (n, 1, height, width).

    Rows may hold whole numbers from 0 to 255, or shades in [0, 1], which become the nearest byte.

    Args:
        matrix: one image in each row.
        size: height and width.
        by_columns: whether images were flattened column after column.
        where: the file, for errors.

    Raises:
        ValueError: for a size that does not fit, or values that are no pixels.
    """
    if len(size) != 2 or size[0] * size[1] != matrix.shape[1]:
        raise ValueError(
            f"{where}: image_size is {list(size)}; allowed: [height, width] with height x width = "
            f"{matrix.shape[1]}, the length of a row"
        )
    height, width = size
    least, most = float(matrix.min()), float(matrix.max())
    if least >= -_SLACK and most <= 1 + _SLACK:
        pixels = np.rint(matrix.astype(np.float64) * WHITE).clip(0, WHITE)
    elif least >= 0 and most <= WHITE and (matrix == np.floor(matrix)).all():
        pixels = matrix
    else:
        raise ValueError(
            f"{where}: values from {least:g} to {most:g} are no pixels; allowed: whole numbers "
            f"from 0 to {WHITE}, or shades in [0, 1]"
        )
    shape = (len(matrix), 1, width, height) if by_columns else (len(matrix), 1, height, width)
    images = np.ascontiguousarray(pixels).astype(np.uint8).reshape(shape)
    return np.ascontiguousarray(images.swapaxes(2, 3)) if by_columns else images


def _spelling(name: str) -> str:
    return name.lower().removesuffix(".mat").replace("-", "_")
