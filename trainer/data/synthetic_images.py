"""Made-up colour images of any size: to try attacks, corruptions and augmentation without files."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional as F

from sparse.options import option
from trainer import seeding
from trainer.data import DATASETS
from trainer.data.bundle import RawData, Split

PATCHES = 4
"""Patches per side of a class's pattern."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SyntheticImagesOptions:
    """The size and the difficulty of the task."""

    examples: int = option(1024, help="examples in all splits together", ge=10)
    size: int = option(32, help="height and width, in pixels", ge=PATCHES)
    channels: int = option(3, help="colours", ge=1)
    classes: int = option(10, help="number of classes", ge=2)
    contrast: float = option(0.2, help="standard deviation of a pattern's patches", gt=0.0)
    noise: float = option(0.2, help="standard deviation of a pixel around its patch", ge=0.0)
    data_seed: int = option(0, help="names the draw; the same for every cell seed", ge=0)
    val_fraction: float = option(0.15, help="share held out for validation", gt=0.0, lt=0.5)
    test_fraction: float = option(0.2, help="share held out for testing", gt=0.0, lt=0.5)


@DATASETS.register(
    "synthetic_images",
    summary="noisy images of one random pattern of patches per class, c x s x s bytes",
    options=SyntheticImagesOptions,
    needs_root=False,
    class_sizes={"examples": "examples", "classes": "classes"},
    pixels=True,
)
def synthetic_images(options: SyntheticImagesOptions, data_root: Path | None) -> RawData:
    """Around mid-grey, a Gaussian pattern of 4 x 4 patches per class, and Gaussian noise."""
    draws = seeding.generator(options.data_seed, "synthetic_images")
    shape = (options.classes, options.channels, PATCHES, PATCHES)
    coarse = 0.5 + options.contrast * torch.randn(shape, generator=draws)
    patterns = F.interpolate(coarse, size=(options.size, options.size), mode="nearest")
    targets = torch.arange(options.examples) % options.classes
    noise = torch.randn((options.examples, *patterns.shape[1:]), generator=draws)
    images = (patterns[targets] + options.noise * noise).clamp_(0.0, 1.0)
    return RawData(
        train=Split(inputs=(images * 255.0).round_().to(torch.uint8), targets=targets),
        test=None,
        classes=options.classes,
        scaling="channel",
        split_seed=options.data_seed,
        val_fraction=options.val_fraction,
        test_fraction=options.test_fraction,
        pixel_max=255.0,
    )
