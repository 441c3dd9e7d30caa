"""Residual networks for small images: ResNet-18, -34 and -50."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from sparse.options import option
from trainer.models import MODELS
from trainer.models.images import refuse_other_images
from trainer.models.initial import kaiming_convolutions

SIDES = {"cifar": (8, 63), "tiny": (16, 127)}
"""Smallest and largest side of an image, in pixels, by stem."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResNetOptions:
    """The first layer and the widths of the stages."""

    stem: str = option(
        "cifar",
        choices=("cifar", "tiny"),
        help="first layer: 3x3 for images of 32 pixels, or 7x7 with stride 2 for those of 64",
    )
    widths: tuple[int, ...] = option(
        (64, 128, 256, 512), ge=1, min_items=4, max_items=4, help="channels of the four stages"
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: conv, BN, ReLU, conv, BN, add, ReLU.

    Args:
        before: channels of the input.
        width: channels inside.
        stride: of the first convolution; the map shrinks by it.
    """

    expansion = 1

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = _shortcut(before, width, stride)
        self.relu = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps (n, width, h / stride, w / stride) of maps (n, before, h, w)."""
        hidden = self.relu(self.bn1(self.conv1(inputs)))
        outputs: Tensor = self.relu(self.bn2(self.conv2(hidden)) + self.shortcut(inputs))
        return outputs


class Bottleneck(nn.Module):
    """A 1x1, a 3x3 and a 1x1 convolution beside a shortcut; the last is four times as wide.

    The 3x3 one has the stride. Arguments as of `BasicBlock`.
    """

    expansion = 4

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        after = self.expansion * width
        self.conv1 = nn.Conv2d(before, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.shortcut = _shortcut(before, after, stride)
        self.relu = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps (n, 4 * width, h / stride, w / stride) of maps (n, before, h, w)."""
        hidden = self.relu(self.bn1(self.conv1(inputs)))
        hidden = self.relu(self.bn2(self.conv2(hidden)))
        outputs: Tensor = self.relu(self.bn3(self.conv3(hidden)) + self.shortcut(inputs))
        return outputs


class ResNet(nn.Module):
    """A stem, four stages of blocks, the mean over the map, and a linear head without bias.

    Args:
        block: the kind of block.
        blocks: blocks of each of the four stages; all but the first stage halve the map.
        options: stem and widths; the stem is as wide as the first stage.
        channels: of the images.
        classes: logits per image.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        blocks: Sequence[int],
        options: ResNetOptions,
        channels: int,
        classes: int,
    ) -> None:
        super().__init__()
        stem, widths = options.widths[0], options.widths
        kernel, stride = (3, 1) if options.stem == "cifar" else (7, 2)
        self.conv1 = nn.Conv2d(channels, stem, kernel, stride, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.relu = nn.ReLU()
        outputs = [block.expansion * width for width in widths]
        self.stages = nn.Sequential(
            *(
                _stage(block, number, before, width, stride)
                for number, (before, _), width, stride in zip(
                    blocks, pairwise([stem, *outputs]), widths, (1, 2, 2, 2), strict=True
                )
            )
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(outputs[-1], classes, bias=False)
        kaiming_convolutions(self, "fan_in")

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, c, h, w)."""
        hidden = self.stages(self.relu(self.bn1(self.conv1(inputs))))
        logits: Tensor = self.head(self.pool(hidden).flatten(1))
        return logits


@MODELS.register(
    "resnet18",
    summary="ResNet-18: eight residual blocks of two 3x3 convolutions, head without bias",
    options=ResNetOptions,
    widths="widths",
)
def resnet18(options: ResNetOptions, input_shape: tuple[int, ...], classes: int) -> ResNet:
    """ResNet-18 as sparse-training studies train it on small images.

    Kernels are Kaiming-normal over fan_in, the head has torch's default weights. Source: He et al.
    2016 (CVPR), the CIFAR variant: a 3x3 stem, no max-pooling, a 1x1 convolution with BN as
    shortcut where the shape changes.

    Deviations: the mean is over the whole last map, where published code takes 4x4 places of it;
    both are the same for images of 32 pixels, and of 64 with the stem "tiny". The published stem
    for 64 pixels is offered but never chosen by the code that has it, whose head then does not fit;
    here a stem that does not fit is a ValueError.

    Raises:
        ValueError: for inputs that are not images of a size that fits the stem.
    """
    return _resnet("resnet18", BasicBlock, (2, 2, 2, 2), options, input_shape, classes)


@MODELS.register(
    "resnet34",
    summary="ResNet-34: sixteen residual blocks of two 3x3 convolutions, head without bias",
    options=ResNetOptions,
    widths="widths",
)
def resnet34(options: ResNetOptions, input_shape: tuple[int, ...], classes: int) -> ResNet:
    """ResNet-34 for small images; source, deviations and errors as of `resnet18`."""
    return _resnet("resnet34", BasicBlock, (3, 4, 6, 3), options, input_shape, classes)


@MODELS.register(
    "resnet50",
    summary="ResNet-50: sixteen residual bottleneck blocks, head without bias",
    options=ResNetOptions,
    widths="widths",
)
def resnet50(options: ResNetOptions, input_shape: tuple[int, ...], classes: int) -> ResNet:
    """ResNet-50 for small images; source, deviations and errors as of `resnet18`.

    `widths` are those inside the bottlenecks, a quarter of what the stages put out. The stride is
    on the 3x3 convolution, where the paper has it on the 1x1 convolution before.
    """
    return _resnet("resnet50", Bottleneck, (3, 4, 6, 3), options, input_shape, classes)


def _resnet(
    name: str,
    block: type[BasicBlock] | type[Bottleneck],
    blocks: Sequence[int],
    options: ResNetOptions,
    input_shape: tuple[int, ...],
    classes: int,
) -> ResNet:
    smallest, largest = SIDES[options.stem]
    other = "tiny" if options.stem == "cifar" else "cifar"
    refuse_other_images(
        f"{name} with stem: {options.stem}",
        input_shape,
        smallest=smallest,
        largest=largest,
        hint="stem: {} takes {} to {}".format(other, *SIDES[other]),
    )
    return ResNet(block, blocks, options, input_shape[0], classes)


def _stage(
    block: type[BasicBlock] | type[Bottleneck], number: int, before: int, width: int, stride: int
) -> nn.Sequential:
    later = [block(block.expansion * width, width, 1) for _ in range(number - 1)]
    return nn.Sequential(block(before, width, stride), *later)


def _shortcut(before: int, after: int, stride: int) -> nn.Sequential:
    """The identity, as a sequence of nothing, or where the shape changes a convolution with BN."""
    if stride == 1 and before == after:
        return nn.Sequential()
    return nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
