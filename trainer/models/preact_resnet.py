"""Residual networks whose blocks normalise and activate before each convolution."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from sparse.options import option
from trainer.models import MODELS
from trainer.models.images import refuse_other_images


@dataclass(frozen=True, kw_only=True, slots=True)
class PreActResNetOptions:
    """The widths of the stages."""

    widths: tuple[int, ...] = option(
        (64, 128, 256, 512), ge=1, min_items=4, max_items=4, help="channels of the four stages"
    )


class PreActBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: BN, ReLU, conv, BN, ReLU, conv, add.

    Where the shape changes, the shortcut is a 1x1 convolution without BN of what the first BN and
    ReLU give; else it is the input as it came.

    Args:
        before: channels of the input.
        width: channels of the output.
        stride: of the first convolution; the map shrinks by it.
    """

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        changes = stride != 1 or before != width
        self.shortcut = nn.Conv2d(before, width, 1, stride, bias=False) if changes else None
        self.relu = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps (n, width, h / stride, w / stride) of maps (n, before, h, w)."""
        active = self.relu(self.bn1(inputs))
        hidden = self.conv2(self.relu(self.bn2(self.conv1(active))))
        outputs: Tensor = hidden + (inputs if self.shortcut is None else self.shortcut(active))
        return outputs


class PreActResNet(nn.Module):
    """A 3x3 stem, stages of blocks, a last BN and ReLU, the mean over the map, a linear head.

    Args:
        stem: channels of the first convolution.
        widths: channels of each stage; all but the first stage halve the map.
        blocks: blocks of each stage.
        channels: of the images.
        classes: logits per image.
    """

    def __init__(
        self, stem: int, widths: Sequence[int], blocks: Sequence[int], channels: int, classes: int
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, stem, 3, padding=1, bias=False)
        self.stages = nn.Sequential(
            *(
                _stage(number, before, width, stride=1 if index == 0 else 2)
                for index, (number, (before, width)) in enumerate(
                    zip(blocks, pairwise([stem, *widths]), strict=True)
                )
            )
        )
        self.bn = nn.BatchNorm2d(widths[-1])
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, c, h, w)."""
        hidden = self.relu(self.bn(self.stages(self.conv1(inputs))))
        logits: Tensor = self.head(self.pool(hidden).flatten(1))
        return logits


@MODELS.register(
    "preact_resnet18",
    summary="ResNet-18 with BN and ReLU before each convolution, head with bias",
    options=PreActResNetOptions,
    widths="widths",
)
def preact_resnet18(
    options: PreActResNetOptions, input_shape: tuple[int, ...], classes: int
) -> PreActResNet:
    """PreActResNet-18 as studies of robust sparse networks train it, at 32 and at 64 pixels alike.

    All weights are torch's default ones. Source: He et al. 2016 (ECCV), "Identity mappings", the
    CIFAR variant with a 3x3 stem. Deviation: the shortcuts of the stages that halve the map are
    convolutions without BN, and a BN comes before the pooling.

    Raises:
        ValueError: for inputs that are not images of at least 8 pixels a side.
    """
    refuse_other_images("preact_resnet18", input_shape, smallest=8)
    return PreActResNet(options.widths[0], options.widths, (2, 2, 2, 2), input_shape[0], classes)


def _stage(number: int, before: int, width: int, stride: int) -> nn.Sequential:
    later = [PreActBlock(width, width, 1) for _ in range(number - 1)]
    return nn.Sequential(PreActBlock(before, width, stride), *later)
