"""Folders of IDX files: MNIST, Fashion-MNIST, KMNIST and everything else in that format."""

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparse.options import option
from trainer.data import DATASETS
from trainer.data.bundle import RawData, Split
from trainer.data.image_sets import WHITE

UNSIGNED_BYTE = 0x08
"""The IDX type code of the only element type that image sets use."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IdxOptions:
    """Which folder, and how it is cut."""

    folder: str = option("mnist", help="folder of the IDX files, below the data root")
    val_fraction: float = option(0.1, help="share of train held out for validation", gt=0.0, lt=0.5)
    test_fraction: float = option(
        0.2, help="share held out for testing when the folder holds one part only", gt=0.0, lt=0.5
    )
    split_seed: int = option(0, help="names the split; the same for every cell seed", ge=0)


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
    of the two is split into all three parts.

    Raises:
        FileNotFoundError: naming the files that were looked for.
        ValueError: for a file that is not IDX, or labels that do not fit the images.
    """
    folder = _folder(options, data_root)
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
        scaling="channel",
        split_seed=options.split_seed,
        val_fraction=options.val_fraction,
        test_fraction=options.test_fraction,
        pixel_max=WHITE,
    )


def read_idx(path: Path) -> Tensor:
    """The array of one IDX file (plain or gzipped), as unsigned bytes.

    Raises:
        ValueError: when the header or the length is not that of an IDX file of unsigned bytes.
    """
    return parse_idx(path.read_bytes(), str(path))


def parse_idx(content: bytes, where: str) -> Tensor:
    """The array in the bytes of an IDX file, which are gzipped where its name ends so.

    Raises:
        ValueError: as :func:`read_idx`, naming ``where``.
    """
    if where.endswith(".gz"):
        content = _unzipped(content, where)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTE:
        raise ValueError(f"{where}: not an IDX file of unsigned bytes")
    rank = content[3]
    start = 4 + 4 * rank
    if rank == 0 or len(content) < start:
        raise ValueError(f"{where}: the IDX header is cut short")
    shape = struct.unpack(f">{rank}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise ValueError(
            f"{where}: {len(content) - start} bytes of data where shape {shape} needs "
            f"{math.prod(shape)}"
        )
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy())


def paired(images: Tensor, labels: Tensor, where: str) -> Split:
    """Images (n, h, w) with their labels (n,) as a split of bytes (n, 1, h, w).

    Raises:
        ValueError: when they do not fit each other, naming ``where``.
    """
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise ValueError(
            f"{where}: shape {tuple(images.shape)} does not fit labels {tuple(labels.shape)}"
        )
    return Split(inputs=images.unsqueeze(1), targets=labels.long())


def _unzipped(content: bytes, where: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as problem:
        raise ValueError(f"{where}: not a whole gzip file ({problem})") from problem


def _folder(options: IdxOptions, data_root: Path | None) -> Path:
    if data_root is None:
        raise FileNotFoundError(
            "dataset idx reads files: name their folder's parent with --data-root"
        )
    folder = (data_root / options.folder).resolve()
    if not folder.is_relative_to(data_root.resolve()):
        raise ValueError(f"dataset idx: folder {options.folder!r} leaves the data root")
    if not folder.is_dir():
        raise FileNotFoundError(f"dataset idx: {folder} is not a folder")
    return folder


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
