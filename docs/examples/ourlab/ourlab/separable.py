"""separable: a network of depthwise separable convolutions, for small images."""

from dataclasses import dataclass

from torch import nn

from sparse.options import option
from trainer.models import MODELS


@dataclass(frozen=True, kw_only=True, slots=True)
class SeparableOptions:
    """Options of separable."""

    channels: tuple[int, ...] = option((32, 64), ge=1, help="channels of every block")


@MODELS.register(
    "separable",
    summary="depthwise separable convolutions, one linear head",
    options=SeparableOptions,
    widths="channels",
)
def separable(options: SeparableOptions, input_shape: tuple[int, ...], classes: int) -> nn.Module:
    """Every block halves the image; an image that is too small is a ValueError."""
    if len(input_shape) != 3 or min(input_shape[1:]) < 2 ** len(options.channels):
        raise ValueError(
            f"model separable: {options.channels} are too many blocks for {input_shape}"
        )
    layers, before = list[nn.Module](), input_shape[0]
    for width in options.channels:
        layers.append(nn.Conv2d(before, before, 3, padding=1, groups=before, bias=False))
        layers.append(nn.Conv2d(before, width, 1, bias=False))
        layers += [nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))
