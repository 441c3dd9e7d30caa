"""VGG networks for small images: with a head of three linear layers, or of one."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from sparse.options import option
from trainer.models import MODELS
from trainer.models.images import refuse_other_images
from trainer.models.initial import kaiming_convolutions

DEPTHS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Convolutions of each of the five stages, by the depth that names the network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VGGOptions:
    """The widths of the stages and of the hidden linear layers."""

    widths: tuple[int, ...] = option(
        (64, 128, 256, 512, 512, 512, 512),
        ge=1,
        min_items=7,
        max_items=7,
        help="channels of the five stages, then units of the two hidden linear layers",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class LinearHeadOptions:
    """The widths of the stages."""

    widths: tuple[int, ...] = option(
        (64, 128, 256, 512, 512), ge=1, min_items=5, max_items=5, help="channels of the five stages"
    )


@MODELS.register(
    "vgg16",
    summary="VGG-16 (D) with batch norm and two hidden linear layers of 512 units",
    options=VGGOptions,
    widths="widths",
    chain=True,
)
def vgg16(options: VGGOptions, input_shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """VGG-16 "D" as studies that follow SNIP train it on images of 32 pixels.

    Thirteen 3x3 convolutions with bias, each with BN and ReLU; max-pooling after every stage, five
    times, to a map of one place; linear layers with ReLU and then BN between them. All weights are
    torch's default ones. Sources: Simonyan and Zisserman 2015, configuration D; Lee et al. 2019
    (SNIP). Deviations from the former: batch norm, 512 hidden units for 4096, no dropout. One
    published code normalises its inputs a second time inside this network; none here ever does.

    A training batch must hold two examples or more, as BN without a map needs.

    Raises:
        ValueError: for inputs that are not images of 32 to 63 pixels a side.
    """
    hint = "vgg16_bn takes larger ones"
    refuse_other_images("vgg16", input_shape, smallest=32, largest=63, hint=hint)
    stages, hidden = options.widths[:5], options.widths[5:]
    convolutions = _stages(DEPTHS[16], stages, input_shape[0], bias=True)
    features = [layer for stage in convolutions for layer in [*stage, nn.MaxPool2d(2)]]
    head: list[nn.Module] = []
    for before, width in pairwise([stages[-1], *hidden]):
        head += [nn.Linear(before, width), nn.ReLU(), nn.BatchNorm1d(width)]
    return _joined(features, nn.Flatten(), nn.Sequential(*head, nn.Linear(hidden[-1], classes)))


@MODELS.register(
    "vgg16_bn",
    summary="VGG-16 with batch norm and one linear layer as head",
    options=LinearHeadOptions,
    widths="widths",
    chain=True,
)
def vgg16_bn(
    options: LinearHeadOptions, input_shape: tuple[int, ...], classes: int
) -> nn.Sequential:
    """VGG-16 with thirteen convolutions, else as `vgg19_bn`."""
    return _with_linear_head("vgg16_bn", 16, options.widths, input_shape, classes)


@MODELS.register(
    "vgg19_bn",
    summary="VGG-19 with batch norm and one linear layer as head",
    options=LinearHeadOptions,
    widths="widths",
    chain=True,
)
def vgg19_bn(
    options: LinearHeadOptions, input_shape: tuple[int, ...], classes: int
) -> nn.Sequential:
    """VGG-19 as sparse-training studies train it on small images.

    Sixteen 3x3 convolutions without bias, each with BN and ReLU; max-pooling between the stages,
    four times; the mean over the last map, which has 2x2 places for images of 32 pixels and 4x4 for
    64; one linear layer. Kernels are Kaiming-normal over fan_out, the head's weights are normal
    with standard deviation 0.01 and its bias begins at 0. Source: Simonyan and Zisserman 2015,
    configuration E, in the form for CIFAR of pruning studies (Wang et al. 2020, GraSP).

    Raises:
        ValueError: for inputs that are not images of at least 16 pixels a side.
    """
    return _with_linear_head("vgg19_bn", 19, options.widths, input_shape, classes)


def _with_linear_head(
    name: str, depth: int, widths: tuple[int, ...], input_shape: tuple[int, ...], classes: int
) -> nn.Sequential:
    refuse_other_images(name, input_shape, smallest=16)
    first, *others = _stages(DEPTHS[depth], widths, input_shape[0], bias=False)
    features = [*first, *(layer for stage in others for layer in [nn.MaxPool2d(2), *stage])]
    mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    head = nn.Linear(widths[-1], classes)
    model = _joined(features, mean, head)
    kaiming_convolutions(model, "fan_out")
    nn.init.normal_(head.weight, std=0.01)
    nn.init.zeros_(head.bias)
    return model


def _stages(
    depths: Sequence[int], widths: Sequence[int], channels: int, *, bias: bool
) -> list[list[nn.Module]]:
    """The layers of each stage: convolution, BN and ReLU, as often as its depth says."""
    stages: list[list[nn.Module]] = []
    before = channels
    for depth, width in zip(depths, widths, strict=True):
        stage: list[nn.Module] = []
        for _ in range(depth):
            stage += [nn.Conv2d(before, width, 3, padding=1, bias=bias)]
            stage += [nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        stages.append(stage)
    return stages


def _joined(features: list[nn.Module], flat: nn.Module, head: nn.Module) -> nn.Sequential:
    parts = {"features": nn.Sequential(*features), "flat": flat, "head": head}
    return nn.Sequential(OrderedDict(parts))
