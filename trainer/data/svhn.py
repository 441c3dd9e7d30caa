"""The Street View House Numbers (Netzer et al. 2011), cropped digits, from MATLAB files."""

import io
from pathlib import Path

import numpy as np
import torch

from trainer.data import DATASETS
from trainer.data.bundle import RawData, Split
from trainer.data.image_sets import ImageOptions, image_data
from trainer.data.published import published_files

_URL = "http://ufldl.stanford.edu/housenumbers"
_FILES = (
    {
        "path": "train_32x32.mat",
        "url": f"{_URL}/train_32x32.mat",
        "md5": "e26dedcc434d2e4c54c9b2d4a06d8373",
        "bytes": 182_040_794,
        "unpack": False,
    },
    {
        "path": "test_32x32.mat",
        "url": f"{_URL}/test_32x32.mat",
        "md5": "eb5a983be6a315427106f1b164d9cef3",
        "bytes": 64_275_384,
        "unpack": False,
    },
)


@DATASETS.register(
    "svhn",
    summary="SVHN: 99,289 photographs of house numbers' digits, 3 x 32 x 32, 10 classes",
    options=ImageOptions,
    needs_root=True,
    class_sizes=[4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659],
    pixels=True,
    files=_FILES,
)
def svhn(options: ImageOptions, data_root: Path | None) -> RawData:
    """The 73,257 training and 26,032 test digits; the ``extra`` images are not read.

    Raises:
        FileNotFoundError: naming the files that are absent.
        ValueError: for a file that is not the published one.
    """
    files = published_files("svhn", data_root)
    names = files.locate(["train_32x32.mat"], ["test_32x32.mat"])
    train, test = (read_digits(files.read(name), str(files.root / name)) for name in names)
    return image_data(train, test, 10, options)


def read_digits(content: bytes, where: str) -> Split:
    """The images and labels of one MATLAB file.

    Args:
        content: the bytes of a MATLAB 5 file with ``X`` (32, 32, 3, n) and ``y`` (n, 1).
        where: the file's name, for errors.

    Returns:
        Inputs (n, 3, 32, 32) and the digits; the files write the digit 0 as 10.

    Raises:
        ValueError: when the file holds anything else.
    """
    images, labels = _variables(content, where)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[:3] != (32, 32, 3):
        raise ValueError(f"{where}: X is {images.dtype} {images.shape}, not bytes (32, 32, 3, n)")
    digits = labels.ravel().astype(np.int64)
    if len(digits) != images.shape[3] or not ((digits >= 1) & (digits <= 10)).all():
        raise ValueError(f"{where}: y does not hold a number from 1 to 10 for each image")
    inputs = np.ascontiguousarray(images.transpose(3, 2, 0, 1))
    return Split(inputs=torch.from_numpy(inputs), targets=torch.from_numpy(digits % 10))


def _variables(content: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        found = loadmat(io.BytesIO(content), variable_names=("X", "y"))
    except (MatReadError, NotImplementedError, TypeError, ValueError) as problem:
        raise ValueError(f"{where}: not a MATLAB 5 file ({problem})") from problem
    if missing := [name for name in ("X", "y") if name not in found]:
        raise ValueError(f"{where}: lacks the variable {', '.join(missing)}")
    return found["X"], found["y"]
