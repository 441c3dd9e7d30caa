"""What a dataset is on its way to an engine: as read, cut into splits, on the device."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import torch
from torch import Tensor

Scaling = Literal["feature", "channel", "global"]
"""What shares a mean and a deviation: an input, a channel of an image, or all inputs together."""

Cut = Literal["stratified", "set_code"]
"""How splits are drawn: from each class, or as the released code of SET shuffles and cuts."""

CUTS: tuple[Cut, ...] = get_args(Cut)

Batch = tuple[Tensor, Tensor]
"""Inputs (b, *input_shape), as a split holds them, and targets (b,); of all cells of a block
(cells, b, ...)."""

Moments = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of every channel, of pixels in [0, 1]."""

CLEAN_VAL, CLEAN_TEST = "clean_val", "clean_test"
"""Names of extra splits: validation and test split as they were before a scenario changed them."""


_LEFT_OUT = torch.empty(0, dtype=torch.int64)  # known by being this very tensor
_BYTE_WHITE = 255.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Part of a dataset.

    Attributes:
        inputs: (n, *input_shape), float32, or uint8 for images.
        targets: (n,) int64.
        ids: (n,) int64, the numbers of the examples in the order of the file they come from; left
            out, 0 to n - 1.
        part: the file that they number: ``"train"``, or ``"test"`` for a test split of the
            dataset's own; left out, :class:`RawData` names it.

    Raises:
        ValueError: when inputs, targets and ids are not of one length.
    """

    inputs: Tensor
    targets: Tensor
    ids: Tensor = _LEFT_OUT
    part: str = ""

    def __post_init__(self) -> None:
        """Number the examples where the dataset left that out, and compare lengths."""
        if self.ids is _LEFT_OUT:
            object.__setattr__(self, "ids", torch.arange(len(self.targets)))
        if not len(self.inputs) == len(self.targets) == len(self.ids):
            raise ValueError(
                f"a split of {len(self.inputs)} inputs, {len(self.targets)} targets and "
                f"{len(self.ids)} ids; each example has one of each"
            )

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, positions: Tensor) -> "Split":
        """The examples at these positions, in their order."""
        return Split(
            inputs=self.inputs[positions],
            targets=self.targets[positions],
            ids=self.ids[positions],
            part=self.part,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RawData:
    """A dataset as it was read, unscaled.

    Attributes:
        train: all examples that may be trained on or, without ``val``, validated with.
        test: the dataset's own test split; ``None`` when it has none and one must be cut.
        classes: number of classes; targets are 0 .. classes-1.
        scaling: what shares a mean and a deviation.
        val: a validation split of its own; ``None`` to cut one from ``train``. A split without a
            part gets the one of its name: ``"train"``, ``"val"`` or ``"test"``.
        split_seed: names the split; the same for every cell, so that seeds share their splits.
        val_fraction, test_fraction: shares cut from ``train``.
        split: how they are cut. ``"set_code"``, as the released code of SET does, needs a set
            without a test split; it has no use for ``test_fraction``, and inputs are then divided
            by their deviation plus 1e-4.
        pixel_max: the value of a white pixel where inputs are no bytes: 16 for the digits; ``None``
            where they are no pixels. Bytes are always pixels; :attr:`white` is what counts.
        moments: published moments; ``None`` to take them from the training split.
        subset: how ``data_ratio`` takes its share (:func:`trainer.subsets.uniform_subset`).

    Raises:
        ValueError: when two examples of a part have one id, for a ``pixel_max`` that cannot be, or
            for ``split`` "set_code" of a set that has splits of its own.
    """

    train: Split
    test: Split | None
    classes: int
    scaling: Scaling
    val: Split | None = None
    split_seed: int = 0
    val_fraction: float = 0.1
    test_fraction: float = 0.2
    split: Cut = "stratified"
    pixel_max: float | None = None
    moments: Moments | None = None
    subset: Literal["nested", "published"] = "nested"

    def __post_init__(self) -> None:
        """Name the parts that were left out, and refuse data that contradict themselves."""
        splits = {"train": self.train, "val": self.val, "test": self.test}
        own = {name: split for name, split in splits.items() if split is not None}
        for name, split in own.items():
            if not split.part:
                own[name] = replace(split, part=name)
                object.__setattr__(self, name, own[name])
        if self.split == "set_code" and len(own) > 1:
            raise ValueError(
                "split is set_code, which cuts validation and test split from one part, but the "
                f"dataset has {', '.join(own)} of its own; leave split out"
            )
        _check_ids(own)
        _check_white(self.train, self.pixel_max)

    @property
    def white(self) -> float | None:
        """The value of a white pixel: 255 for bytes; ``None`` where inputs are no pixels."""
        return _BYTE_WHITE if self.train.inputs.dtype == torch.uint8 else self.pixel_max


@dataclass(frozen=True, kw_only=True, slots=True)
class Splits:
    """A dataset cut into its splits, still as it was read.

    ``extra`` holds further splits to evaluate the final network on: each gives a metric
    ``<name>_accuracy``. The rest is that of :class:`RawData`.
    """

    train: Split
    val: Split
    test: Split
    extra: Mapping[str, Split] = field(default_factory=dict)
    raw: RawData


@dataclass(frozen=True, kw_only=True, slots=True)
class Normalisation:
    """How the network standardises its inputs: ``(pixels - shift) * scale``.

    Both have the rank of one example; constant inputs have scale 0.
    """

    shift: Tensor
    scale: Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """The splits on one device, with what a model must know of them.

    Attributes:
        train, val, test, extra: the splits.
        classes: number of classes.
        input_shape: shape of one example.
        normalise: where inputs are pixels, how the network standardises them; ``None`` where they
            are standardised already.
    """

    train: Split
    val: Split
    test: Split
    extra: Mapping[str, Split] = field(default_factory=dict)
    classes: int
    input_shape: tuple[int, ...]
    normalise: Normalisation | None = None

    @property
    def clean_test(self) -> Split:
        """The test split without what a scenario did to it; ``test`` where it did nothing."""
        return self.extra.get(CLEAN_TEST, self.test)

    def standardised(self, inputs: Tensor) -> Tensor:
        """What a model computes with, float32 (..., *input_shape), from inputs of a split."""
        return standardised(inputs, self.normalise)


def standardised(inputs: Tensor, normalise: Normalisation | None) -> Tensor:
    """What a model computes with, from inputs (..., *input_shape) of a split."""
    if normalise is None:
        return inputs
    return (as_pixels(inputs) - normalise.shift) * normalise.scale


def as_pixels(inputs: Tensor) -> Tensor:
    """Pixels in [0, 1], float32, from bytes; what is no byte is returned as it is."""
    return inputs.float().div_(255.0) if inputs.dtype == torch.uint8 else inputs


def _check_ids(splits: Mapping[str, Split]) -> None:
    for part in dict.fromkeys(split.part for split in splits.values()):
        own = {name: split.ids for name, split in splits.items() if split.part == part}
        ids, counts = torch.cat(list(own.values())).unique(return_counts=True)
        if len(twice := ids[counts > 1]):
            raise ValueError(
                f"{len(twice)} ids, {int(twice[0])} the first, each name more than one example of "
                f"part {part} ({', '.join(own)}); number each example of a part once, or name "
                "another part"
            )


def _check_white(train: Split, pixel_max: float | None) -> None:
    if train.inputs.dtype == torch.uint8 and pixel_max not in (None, _BYTE_WHITE):
        raise ValueError(f"pixel_max is {pixel_max:g}, and the white of bytes is 255; leave it out")
    if pixel_max is not None and not 0 < pixel_max < math.inf:
        raise ValueError(f"pixel_max is {pixel_max:g}; allowed: a finite number above 0, or None")
