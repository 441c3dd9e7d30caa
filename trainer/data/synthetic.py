"""A made-up classification task of any size: for tests, trials and measurements."""

from dataclasses import dataclass
from pathlib import Path

import torch

from sparse.options import option
from trainer import seeding
from trainer.data import DATASETS
from trainer.data.bundle import RawData, Split


@dataclass(frozen=True, kw_only=True, slots=True)
class SyntheticOptions:
    """The size and the difficulty of the task."""

    examples: int = option(1024, help="examples in all splits together", ge=10)
    features: int = option(32, help="inputs per example", ge=1)
    image_size: int | None = option(
        None, help="make 1 x s x s images of it; then features must be s * s", ge=2
    )
    classes: int = option(10, help="number of classes", ge=2)
    noise: float = option(1.0, help="standard deviation around a class's centre", ge=0.0)
    data_seed: int = option(0, help="names the draw; the same for every cell seed", ge=0)
    val_fraction: float = option(0.15, help="share held out for validation", gt=0.0, lt=0.5)
    test_fraction: float = option(0.2, help="share held out for testing", gt=0.0, lt=0.5)


@DATASETS.register(
    "synthetic",
    summary="Gaussian classes around random centres, of any size",
    options=SyntheticOptions,
    needs_root=False,
    class_sizes={"examples": "examples", "classes": "classes"},
)
def synthetic(options: SyntheticOptions, data_root: Path | None) -> RawData:
    """One Gaussian blob per class; the centres are standard normal.

    Raises:
        ValueError: when ``image_size`` and ``features`` contradict each other.
    """
    draws = seeding.generator(options.data_seed, "synthetic")
    centres = torch.randn(options.classes, options.features, generator=draws)
    targets = torch.arange(options.examples) % options.classes
    noise = torch.randn(options.examples, options.features, generator=draws)
    inputs = centres[targets] + options.noise * noise
    if options.image_size is not None:
        inputs = _as_images(inputs, options)
    return RawData(
        train=Split(inputs=inputs, targets=targets),
        test=None,
        classes=options.classes,
        scaling="global" if options.image_size is not None else "feature",
        split_seed=options.data_seed,
        val_fraction=options.val_fraction,
        test_fraction=options.test_fraction,
    )


def _as_images(inputs: torch.Tensor, options: SyntheticOptions) -> torch.Tensor:
    size = options.image_size
    assert size is not None
    if options.features != size * size:
        raise ValueError(
            f"dataset synthetic: image_size {size} needs features {size * size}, "
            f"given {options.features}"
        )
    return inputs.view(-1, 1, size, size)
