"""What the published image sets have in common: their options, and what becomes of their parts."""

from dataclasses import dataclass, replace

from torch import Tensor

from sparse.options import option
from trainer.data.bundle import Moments, RawData, Split

WHITE = 255
"""The value of a white pixel: all sets here are read as bytes."""

_STRATIFIED = {"split": "stratified"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageOptions:
    """How the training part is cut; the test part is the published one."""

    val_fraction: float = option(0.1, help="share of train held out for validation", gt=0.0, lt=0.5)
    split_seed: int = option(0, help="names the split; the same for every cell seed", ge=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyOptions:
    """How the training part is cut, and what images are normalised by.

    ``split: published`` is the hard-sample study's: a fixed tenth of the training part is held out,
    classes are not balanced, and ``data_ratio`` takes the published subsets.
    """

    split: str = option(
        "stratified",
        help="validation split: drawn from each class, or that of the published code",
        choices=("stratified", "published"),
    )
    val_fraction: float = option(
        0.1,
        help="share of train held out for validation",
        gt=0.0,
        lt=0.5,
        only_with=_STRATIFIED,
    )
    split_seed: int = option(
        0, help="names the split; the same for every cell seed", ge=0, only_with=_STRATIFIED
    )
    moments: str = option(
        "published",
        help="mean and deviation for the normalisation: published, or of the training split",
        choices=("published", "data"),
    )


def image_data(train: Split, test: Split, classes: int, options: ImageOptions) -> RawData:
    """An image set whose normalisation is that of its training split."""
    return RawData(
        train=train,
        test=test,
        classes=classes,
        scaling="channel",
        split_seed=options.split_seed,
        val_fraction=options.val_fraction,
        pixel_max=WHITE,
    )


def study_data(
    train: Split,
    test: Split,
    classes: int,
    options: StudyOptions,
    *,
    moments: Moments,
    order: Tensor,
) -> RawData:
    """An image set of the hard-sample study.

    Args:
        train, test: the published parts, in the order of their files.
        classes: number of classes.
        options: how ``train`` is cut and normalised.
        moments: the published mean and standard deviation per channel.
        order: (len(train),) the order in which published code cuts ``train``: the last tenth is
            for validation.
    """
    val = None
    if options.split == "published":
        held_out, whole = len(order) // 10, replace(train, part="train")
        val = whole.take(order[len(order) - held_out :])
        train = whole.take(order[: len(order) - held_out])
    return RawData(
        train=train,
        test=test,
        val=val,
        classes=classes,
        scaling="channel",
        split_seed=options.split_seed,
        val_fraction=options.val_fraction,
        pixel_max=WHITE,
        moments=moments if options.moments == "published" else None,
        subset="published" if options.split == "published" else "nested",
    )
