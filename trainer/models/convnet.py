"""A small convolutional network for small images."""

from dataclasses import dataclass

from torch import nn

from sparse.options import option
from trainer.models import MODELS


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvNetOptions:
    """The widths of the blocks."""

    channels: tuple[int, ...] = option((32, 64), help="channels of every block", ge=1)
    batch_norm: bool = option(True, help="normalise after each convolution")


@MODELS.register(
    "convnet",
    summary="3 x 3 convolutions with pooling between and one linear head",
    options=ConvNetOptions,
    stackable=False,
    widths="channels",
    chain=True,
)
def convnet(options: ConvNetOptions, input_shape: tuple[int, ...], classes: int) -> nn.Module:
    """Blocks of convolution, (batch norm,) ReLU and 2 x 2 max pooling; then mean and head.

    Raises:
        ValueError: for inputs that are not images, or too small for so many blocks.
    """
    if len(input_shape) != 3:
        raise ValueError(f"model convnet takes images (c, h, w), not inputs of shape {input_shape}")
    if min(input_shape[1:]) < 2 ** len(options.channels):
        raise ValueError(
            f"model convnet: {len(options.channels)} blocks halve the image as often; "
            f"{input_shape[1]} x {input_shape[2]} is too small"
        )
    layers: list[nn.Module] = []
    before = input_shape[0]
    for width in options.channels:
        layers.append(nn.Conv2d(before, width, 3, padding=1, bias=not options.batch_norm))
        layers += [nn.BatchNorm2d(width)] if options.batch_norm else []
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))
