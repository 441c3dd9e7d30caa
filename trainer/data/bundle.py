"""From raw arrays to what an engine trains on: split, scaled, on the device."""

import functools
import json
import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grids.cell import Cell
from sparse.options import build_options
from trainer import seeding


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Part of a dataset. ``inputs`` is (n, *input_shape) float32, ``targets`` (n,) int64."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, kw_only=True, slots=True)
class RawData:
    """A dataset as it was read, unscaled.

    Attributes:
        train: all examples that may be trained on or validated with.
        test: the dataset's own test split; ``None`` when it has none and one must be cut.
        classes: number of classes; targets are 0 .. classes-1.
        scaling: ``"feature"`` standardises every input on its own, ``"global"`` all together
            (images).
        split_seed: names the split; the same for every cell, so that seeds share their splits.
        val_fraction, test_fraction: shares cut from ``train``.
    """

    train: Split
    test: Split | None
    classes: int
    scaling: str
    split_seed: int
    val_fraction: float
    test_fraction: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """Train, validation and test splits on one device, with what a model must know of them."""

    train: Split
    val: Split
    test: Split
    classes: int
    input_shape: tuple[int, ...]


def load_bundle(cell: Cell, data_root: Path | None, device: str) -> Bundle:
    """The data of a cell, kept for the next cell of this process that asks for the same.

    Raises:
        ValueError: for options that the dataset does not have.
        FileNotFoundError: when the dataset's files are not where ``data_root`` says.
    """
    options = json.dumps(cell.dataset.as_dict(), sort_keys=True)
    root = str(data_root) if data_root is not None else None
    return _load(cell.dataset.name, options, cell.data_ratio, root, device)


@functools.lru_cache(maxsize=2)
def _load(name: str, options: str, ratio: str, root: str | None, device: str) -> Bundle:
    from trainer.data import DATASETS

    entry = DATASETS.get(name)
    assert entry.options is not None
    chosen: Any = build_options(entry.options, json.loads(options), f"dataset {name}")
    raw: RawData = entry.target(chosen, Path(root) if root is not None else None)
    train, val, test = _split(raw)
    train = _take_ratio(train, ratio, raw.split_seed)
    shift, scale = _scaling(train.inputs, raw.scaling)
    train, val, test = (_scale(part, shift, scale, device) for part in (train, val, test))
    return Bundle(
        train=train,
        val=val,
        test=test,
        classes=raw.classes,
        input_shape=tuple(train.inputs.shape[1:]),
    )


def stratified_parts(targets: Tensor, fractions: list[float], seed: int) -> list[Tensor]:
    """Disjoint index sets that hold each class in proportion.

    Args:
        targets: (n,) class numbers.
        fractions: share of every part but the first, which takes the rest.
        seed: names the draw.

    Returns:
        One sorted index tensor per part, the rest first.
    """
    parts: list[list[Tensor]] = [[] for _ in range(len(fractions) + 1)]
    for label in targets.unique(sorted=True).tolist():
        members = (targets == label).nonzero().flatten()
        order = torch.randperm(len(members), generator=seeding.generator(seed, "split", label))
        members, start = members[order], 0
        for part, fraction in enumerate(fractions, start=1):
            count = math.floor(fraction * len(members) + 0.5)
            parts[part].append(members[start : start + count])
            start += count
        parts[0].append(members[start:])
    return [torch.cat(pieces).sort().values for pieces in parts]


def _split(raw: RawData) -> tuple[Split, Split, Split]:
    if raw.test is not None:
        rest, val = stratified_parts(raw.train.targets, [raw.val_fraction], raw.split_seed)
        return _take(raw.train, rest), _take(raw.train, val), raw.test
    fractions = [raw.val_fraction, raw.test_fraction]
    rest, val, test = stratified_parts(raw.train.targets, fractions, raw.split_seed)
    return _take(raw.train, rest), _take(raw.train, val), _take(raw.train, test)


def _take(split: Split, indices: Tensor) -> Split:
    return Split(inputs=split.inputs[indices], targets=split.targets[indices])


def _take_ratio(train: Split, ratio: str, seed: int) -> Split:
    # Prefixes of one permutation: a smaller ratio is a subset of every larger one.
    if ratio == "1":
        return train
    count = max(1, math.floor(Fraction(ratio) * len(train) + Fraction(1, 2)))
    order = torch.randperm(len(train), generator=seeding.generator(seed, "data_ratio"))
    return _take(train, order[:count].sort().values)


def _scaling(inputs: Tensor, scaling: str) -> tuple[Tensor, Tensor]:
    # From the training split only. A constant input has no scale: it becomes exactly 0.
    values = inputs.double()
    dims = (0,) if scaling == "feature" else tuple(range(values.ndim))
    shift = values.mean(dims, keepdim=True)
    deviation = values.std(dims, keepdim=True, unbiased=False)
    scale = torch.where(deviation > 1e-12, 1.0 / deviation.clamp_min(1e-12), 0.0)
    return shift, scale


def _scale(split: Split, shift: Tensor, scale: Tensor, device: str) -> Split:
    inputs = ((split.inputs.double() - shift) * scale).float().contiguous()
    return Split(inputs=inputs.to(device), targets=split.targets.to(device))
