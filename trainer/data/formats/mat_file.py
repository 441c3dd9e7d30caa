"""Feature tables in MATLAB files: one matrix of examples, one vector of labels.

Versions 4 to 7 are read. Nothing in a file is executed: classes of objects are data to the reader.
"""

from pathlib import Path
from typing import Any

import numpy as np

NAMES = (("X", "Y"), ("fea", "gnd"))
"""The names of matrix and labels in the wild, in any case."""

_HDF5 = b"\x89HDF\r\n\x1a\n"
_HEADER = 520  # an HDF5 file may begin with a text of 512 bytes, and those of MATLAB do


def read_table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The matrix (n, d) and the labels (n,) of a file, in the types that they are stored in.

    A sparse matrix comes out dense, in single precision.

    Raises:
        ValueError: for another kind of file, other variables, or shapes that do not fit; names the
            file.
    """
    with path.open("rb") as file:
        if _HDF5 in file.read(_HEADER):
            raise ValueError(
                f"{path}: a MATLAB 7.3 file (HDF5), which is not read; save it again in MATLAB "
                "with save(..., '-v7')"
            )
    matrix, labels = (_dense(values) for values in _variables(path))
    for name, values in (("the matrix", matrix), ("the labels", labels)):
        if values.dtype.kind not in "biuf" or values.ndim != 2 or not values.size:
            shape = " x ".join(map(str, values.shape))
            raise ValueError(f"{path}: {name} ({shape} of {values.dtype}) is no table of numbers")
    return matrix, _as_vector(labels, matrix, path)


def _variables(path: Path) -> list[Any]:
    from scipy.io import loadmat, whosmat

    try:
        found = [name for name, _, _ in whosmat(path)]
        by_lower_case = {name.lower(): name for name in found}
        pairs = [pair for pair in NAMES if all(name.lower() in by_lower_case for name in pair)]
        chosen = [by_lower_case[name.lower()] for name in pairs[0]] if pairs else []
        content = loadmat(path, variable_names=chosen) if chosen else {}
    except Exception as error:  # a damaged file makes scipy stumble in a dozen ways
        raise ValueError(f"{path}: not a whole MATLAB file: {error}") from error
    if not chosen:
        known = ", or ".join(" and ".join(pair) for pair in NAMES)
        listed = ", ".join(sorted(found)) or "nothing"
        raise ValueError(f"{path}: holds {listed}; needed are {known}")
    return [content[name] for name in chosen]


def _dense(values: Any) -> np.ndarray:
    from scipy.sparse import issparse

    if issparse(values):
        kept = values if values.dtype.kind == "c" else values.astype(np.float32)
        return np.asarray(kept.toarray())
    return np.asarray(values)


def _as_vector(labels: np.ndarray, matrix: np.ndarray, path: Path) -> np.ndarray:
    shapes = " and ".join(f"{len(own)} x {own.shape[1]}" for own in (matrix, labels))
    if 1 not in labels.shape:
        raise ValueError(f"{path}: matrix and labels are {shapes}: not one label for each row")
    if labels.size == len(matrix):
        return labels.ravel()
    turned = "; examples are in rows: transpose it" if labels.size == matrix.shape[1] else ""
    raise ValueError(f"{path}: matrix and labels are {shapes}: not one label for each row{turned}")
