"""What datasets read from files have in common: the root they need, how they are cut, labels."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from sparse.options import option
from trainer.data.bundle import CUTS

STRATIFIED = {"split": "stratified"}
"""Where ``test_fraction`` has an effect: the code of SET leaves a third for testing."""

LAST_SEED = 2**32 - 1
"""The last seed of numpy's RandomState, from which the cut of the code of SET draws."""

SPLIT_HELP = "draw from each class, or cut and standardise as the code of SET: 2/3 of shuffled rows"


@dataclass(frozen=True, kw_only=True, slots=True)
class CutOptions:
    """How a set without a test split of its own is cut, stratified by class."""

    val_fraction: float = option(0.15, help="share held out for validation", gt=0.0, lt=0.5)
    test_fraction: float = option(0.2, help="share held out for testing", gt=0.0, lt=0.5)
    split_seed: int = option(0, help="names the split; the same for every cell seed", ge=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class TableOptions(CutOptions):
    """How a table is cut, and so how it is standardised."""

    split: str = option("stratified", help=SPLIT_HELP, choices=CUTS)
    val_fraction: float = option(
        0.15,
        help="share held out for validation; where split is set_code, of the training part",
        gt=0.0,
        lt=0.5,
    )
    test_fraction: float = option(
        0.2, help="share held out for testing", gt=0.0, lt=0.5, only_with=STRATIFIED
    )
    split_seed: int = option(
        0, help="names the split; the same for every cell seed", ge=0, le=LAST_SEED
    )


def needed_root(dataset: str, data_root: Path | None) -> Path:
    """The data root of a dataset that is read from files.

    Raises:
        FileNotFoundError: when there is none.
    """
    if data_root is None:
        raise FileNotFoundError(
            f"dataset {dataset} reads files: name their folder's parent with --data-root"
        )
    return data_root


def below(dataset: str, data_root: Path | None, given: str) -> Path:
    """The path below the data root that a person named; links are followed.

    Raises:
        FileNotFoundError: when there is no data root.
        ValueError: for a path that leaves it.
    """
    root, path = needed_root(dataset, data_root), PurePosixPath(given)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"dataset {dataset}: {given!r} leaves the data root")
    return root / path


def class_numbers(labels: np.ndarray, where: str, remedy: str = "") -> np.ndarray:
    """Labels (n,), numbers or texts, as class numbers from 0, int64, in the order of the labels.

    Args:
        labels: one for each example.
        where: the file, for errors.
        remedy: what to do when they are no classes, for errors.

    Raises:
        ValueError: when there is one class only, or a class for each example.
    """
    values, targets = np.unique(labels, return_inverse=True)
    if len(values) < 2 or len(values) == len(labels):
        raise ValueError(
            f"{where}: {len(values)} different labels in {len(labels)} rows are no classes{remedy}"
        )
    return targets.reshape(-1).astype(np.int64)


def single_precision(values: np.ndarray, where: str) -> np.ndarray:
    """Numbers (n, d) of any type as float32.

    Raises:
        ValueError: for a missing or infinite value, naming its row and column (from 1), or one
            beyond the range of float32.
    """
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(values, dtype=np.float32)
    wrong = np.argwhere(~np.isfinite(single))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"{where}: row {row + 1}, column {column + 1} is {values[row, column]}, which is no "
            "finite number of single precision"
        )
    return single
