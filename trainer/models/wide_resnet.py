"""Wide residual networks: WRN-22-2, WRN-28-10 and WRN-34-10."""

from dataclasses import dataclass

from torch import nn

from sparse.options import option
from trainer.models import MODELS
from trainer.models.images import refuse_other_images
from trainer.models.initial import kaiming_convolutions
from trainer.models.preact_resnet import PreActResNet

_HELP = "channels of the stem and of the three stages"


@dataclass(frozen=True, kw_only=True, slots=True)
class TwiceOptions:
    """The widths of a network twice as wide as the narrowest published one."""

    widths: tuple[int, ...] = option((16, 32, 64, 128), ge=1, min_items=4, max_items=4, help=_HELP)


@dataclass(frozen=True, kw_only=True, slots=True)
class TenfoldOptions:
    """The widths of a network ten times as wide as the narrowest published one."""

    widths: tuple[int, ...] = option(
        (16, 160, 320, 640), ge=1, min_items=4, max_items=4, help=_HELP
    )


@MODELS.register(
    "wrn_22_2",
    summary="wide residual network of depth 22 and width factor 2",
    options=TwiceOptions,
    widths="widths",
)
def wrn_22_2(options: TwiceOptions, input_shape: tuple[int, ...], classes: int) -> PreActResNet:
    """WRN-22-2; see `wrn_28_10`."""
    return _wide("wrn_22_2", 22, options.widths, input_shape, classes)


@MODELS.register(
    "wrn_28_10",
    summary="wide residual network of depth 28 and width factor 10",
    options=TenfoldOptions,
    widths="widths",
)
def wrn_28_10(options: TenfoldOptions, input_shape: tuple[int, ...], classes: int) -> PreActResNet:
    """WRN-28-10 without dropout.

    Blocks are those of `preact_resnet18`, (depth - 4) / 6 in each of three stages; kernels are
    Kaiming-normal over fan_out and the bias of the head begins at 0. Source: Zagoruyko and
    Komodakis 2016. Deviations: the mean is over the whole last map, the same 8x8 for images of 32
    pixels. Two published codes of sparse training define a second class of the name of the block,
    which takes the place of this one, so that their network is never built; what is here has the
    weight count of the paper.

    Raises:
        ValueError: for inputs that are not images of at least 8 pixels a side.
    """
    return _wide("wrn_28_10", 28, options.widths, input_shape, classes)


@MODELS.register(
    "wrn_34_10",
    summary="wide residual network of depth 34 and width factor 10",
    options=TenfoldOptions,
    widths="widths",
)
def wrn_34_10(options: TenfoldOptions, input_shape: tuple[int, ...], classes: int) -> PreActResNet:
    """WRN-34-10, common where networks are trained to be robust; see `wrn_28_10`."""
    return _wide("wrn_34_10", 34, options.widths, input_shape, classes)


def _wide(
    name: str, depth: int, widths: tuple[int, ...], input_shape: tuple[int, ...], classes: int
) -> PreActResNet:
    refuse_other_images(name, input_shape, smallest=8)
    blocks = (depth - 4) // 6
    model = PreActResNet(widths[0], widths[1:], (blocks,) * 3, input_shape[0], classes)
    kaiming_convolutions(model, "fan_out")
    nn.init.zeros_(model.head.bias)
    return model
