"""MNIST (LeCun et al. 1998), Fashion-MNIST (Xiao et al. 2017) and KMNIST (Clanuwat et al. 2018)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer.data import DATASETS
from trainer.data.bundle import RawData, Split
from trainer.data.formats.idx_file import paired, parse_idx
from trainer.data.image_sets import ImageOptions, image_data
from trainer.data.published import PublishedFiles, published_files

_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _files(folder: str, url: str, sums: Sequence[str], sizes: Sequence[int] = ()) -> Any:
    """The trait of one set: its gzipped files; sizes in bytes where they are known."""
    files = [
        {"path": f"{folder}/{name}.gz", "url": f"{url}/{name}.gz", "md5": md5, "unpack": False}
        for name, md5 in zip(_NAMES, sums, strict=True)
    ]
    if not sizes:
        return files
    return [{**file, "bytes": size} for file, size in zip(files, sizes, strict=True)]


@DATASETS.register(
    "mnist",
    summary="MNIST: 70,000 scans of handwritten digits, 1 x 28 x 28, 10 classes",
    options=ImageOptions,
    needs_root=True,
    class_sizes=[5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    pixels=True,
    files=_files(
        "MNIST/raw",
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        (
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        (9_912_422, 28_881, 1_648_877, 4_542),
    ),
)
def mnist(options: ImageOptions, data_root: Path | None) -> RawData:
    """MNIST from ``MNIST/raw/``; errors as :func:`read_family`."""
    return read_family("mnist", "MNIST/raw", options, data_root)


@DATASETS.register(
    "fashion_mnist",
    summary="Fashion-MNIST: 70,000 pictures of clothes, 1 x 28 x 28, 10 classes",
    options=ImageOptions,
    needs_root=True,
    class_sizes=[6000] * 10,
    pixels=True,
    files=_files(
        "FashionMNIST/raw",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        (
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        (26_421_880, 29_515, 4_422_102, 5_148),
    ),
)
def fashion_mnist(options: ImageOptions, data_root: Path | None) -> RawData:
    """Fashion-MNIST from ``FashionMNIST/raw/``; errors as :func:`read_family`."""
    return read_family("fashion_mnist", "FashionMNIST/raw", options, data_root)


@DATASETS.register(
    "kmnist",
    summary="KMNIST: 70,000 cursive Japanese characters, 1 x 28 x 28, 10 classes",
    options=ImageOptions,
    needs_root=True,
    class_sizes=[6000] * 10,
    pixels=True,
    files=_files(
        "KMNIST/raw",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist",
        (
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ),
    ),
)
def kmnist(options: ImageOptions, data_root: Path | None) -> RawData:
    """Kuzushiji-MNIST from ``KMNIST/raw/``; errors as :func:`read_family`."""
    return read_family("kmnist", "KMNIST/raw", options, data_root)


def read_family(
    dataset: str, folder: str, options: ImageOptions, data_root: Path | None
) -> RawData:
    """One registered set of four IDX files, gzipped or, where those are absent, plain.

    The published sums are those of the gzipped files; of plain ones the sizes of the classes are
    checked.

    Raises:
        FileNotFoundError: naming the files that are absent.
        ValueError: for files that are not the published ones.
    """
    files = published_files(dataset, data_root)
    spellings = ([f"{folder}/{name}.gz", f"{folder}/{name}"] for name in _NAMES)
    paths = files.locate(*spellings)
    train, test = _part(files, *paths[:2]), _part(files, *paths[2:])
    files.check_class_sizes(train.targets)
    return image_data(train, test, 10, options)


def _part(files: PublishedFiles, images: str, labels: str) -> Split:
    inputs, targets = (
        parse_idx(files.read(path), str(files.root / path)) for path in (images, labels)
    )
    return paired(inputs, targets, str(files.root / images))
