"""IDX files (LeCun et al. 1998), of unsigned bytes: all that sets in MNIST's format use."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainer.data.bundle import Split

UNSIGNED_BYTE = 0x08
"""The IDX type code of the only element type that image sets use."""


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
