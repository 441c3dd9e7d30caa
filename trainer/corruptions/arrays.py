"""Corrupted arrays: of a whole part of a dataset, made once and shared by all that ask for them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.corruptions.corrupting import DRAWING, VERSION, check, corrupt
from trainer.data.bundle import Split
from trainer.shared import SharedFiles

Bytes = NDArray[np.uint8]
"""Images (n, height, width, channels) as bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Originals:
    """The images of one part of a dataset, in the order of their ids. Make it with `of`.

    Attributes:
        dataset: the dataset's name.
        part: the part that the ids count.
        ids: (n,) int64, ascending.
        images: the images.
        digest: a sum of ids and images.
    """

    dataset: str
    part: str
    ids: NDArray[np.int64]
    images: Bytes
    digest: str = field(repr=False)

    @classmethod
    def of(cls, dataset: str, splits: Sequence[Split], white: float) -> "Originals":
        """The images of splits of one part, each once.

        Args:
            dataset: the dataset's name.
            splits: its splits, (n, channels, height, width).
            white: the value of a white pixel, where inputs are no bytes.

        Raises:
            ValueError: for inputs that are no images, or an id of more than one of them.
        """
        if any(split.inputs.ndim != 4 for split in splits):
            shape = " x ".join(map(str, splits[0].inputs.shape[1:]))
            raise ValueError(
                f"only images (channels x height x width) can be corrupted, not inputs of {shape}"
            )
        given = torch.cat([split.ids for split in splits])
        ids, first = np.unique(given, return_index=True)
        if len(ids) < len(given):
            raise ValueError(
                f"dataset {dataset}: {len(given)} images of part {splits[0].part} have {len(ids)} "
                "ids; each needs its own"
            )
        pixels = torch.cat([as_bytes(split.inputs, white) for split in splits])
        images = pixels.cpu().numpy().transpose(0, 2, 3, 1)[first]
        sums = hashlib.sha256(ids.tobytes())
        sums.update(repr(images.shape).encode() + images.tobytes())
        return cls(
            dataset=dataset, part=splits[0].part, ids=ids, images=images, digest=sums.hexdigest()
        )

    def corrupted(self, shared: SharedFiles, *, corruption: str, severity: int, seed: int) -> Bytes:
        """All these images corrupted, read from a shared file that is made if need be.

        Raises:
            ValueError: as :func:`trainer.corruptions.corrupt`.
        """
        check(corruption, severity, self.images.shape)

        def make(path: Path) -> None:
            images = corrupt(
                self.images, self.ids, corruption=corruption, severity=severity, seed=seed,
                part=self.part,
            )  # fmt: skip
            with path.open("wb") as file:
                np.save(file, images, allow_pickle=False)

        recipe = {
            "kind": "corrupted images",
            "version": VERSION,
            "dataset": self.dataset,
            "part": self.part,
            "images": self.digest,
            "corruption": corruption,
            "severity": severity,
            **({"seed": seed} if corruption in DRAWING else {}),
        }
        return read_array(shared.file(recipe, make))

    def inputs_of(self, ids: Tensor, images: Bytes) -> Tensor:
        """Those of the corrupted images that have these ids: (n, channels, height, width)."""
        rows = np.searchsorted(self.ids, ids.cpu().numpy())
        return as_inputs(images[rows])


def read_array(path: Path) -> NDArray[Any]:
    """The array of a .npy file, mapped and not read; nothing in it is executed.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is no .npy file of plain numbers, naming it.
    """
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def as_inputs(images: Bytes) -> Tensor:
    """Images (n, height, width, channels) as inputs (n, channels, height, width)."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def as_bytes(inputs: Tensor, white: float) -> Tensor:
    """Pixels as bytes: those that are none already, with ``white`` as 255, to the nearest."""
    if inputs.dtype == torch.uint8:
        return inputs
    return (inputs.double() / white * 255).round().clamp(0, 255).byte()
