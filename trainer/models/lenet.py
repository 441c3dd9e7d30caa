"""The networks of LeCun et al. 1998 for handwritten digits."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from sparse.method_traits import MASKED
from sparse.options import option
from trainer.models import MODELS
from trainer.models.images import refuse_other_images
from trainer.models.mlp import MLP, MLPOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class LeNet300Options:
    """The widths of the hidden layers."""

    hidden: tuple[int, ...] = option(
        (300, 100), ge=1, min_items=2, max_items=2, help="units of the two hidden layers"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class LeNet5Options:
    """The widths of the convolutions and the hidden linear layers."""

    widths: tuple[int, ...] = option(
        (6, 16, 120, 84),
        ge=1,
        min_items=3,
        help="channels of the two convolutions, then units of the hidden linear layers",
    )


@MODELS.register(
    "lenet_300_100",
    summary="perceptron with 300 and 100 hidden units; many train as one batched program",
    options=LeNet300Options,
    stackable=True,
    widths="hidden",
    chain=True,
    storages=[MASKED, {"storage": "csr"}],
)
def lenet_300_100(options: LeNet300Options, input_shape: tuple[int, ...], classes: int) -> MLP:
    """LeNet-300-100 with ReLU and torch's default initial weights.

    Source: LeCun et al. 1998. Deviations, as all pruning studies have them: ReLU for a sigmoid, and
    logits that cross-entropy takes for a mean squared error.
    """
    return MLP([math.prod(input_shape), *options.hidden, classes], MLPOptions())


@MODELS.register(
    "lenet5",
    summary="LeNet-5: two 5x5 convolutions with max-pooling and three linear layers",
    options=LeNet5Options,
    widths="widths",
    chain=True,
)
def lenet5(options: LeNet5Options, input_shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """LeNet-5: 5x5 convolutions without padding, each with ReLU and 2x2 max-pooling.

    All weights are torch's default ones. `widths` of (20, 50, 500) give the variant called Caffe.
    Sources: LeCun et al. 1998; Evci et al. 2022 (gradient flow) for images of 28 pixels without
    padding. Deviations from the former: ReLU, max-pooling without weights of its own, and every
    kernel of the second convolution reads all maps.

    Raises:
        ValueError: for inputs that are not images of at least 16 pixels a side.
    """
    refuse_other_images("lenet5", input_shape, smallest=16)
    first, second, *hidden = options.widths
    places = math.prod(((side - 4) // 2 - 4) // 2 for side in input_shape[1:])
    features = nn.Sequential(
        *(nn.Conv2d(input_shape[0], first, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(first, second, 5), nn.ReLU(), nn.MaxPool2d(2)),
    )
    head: list[nn.Module] = []
    for before, width in pairwise([places * second, *hidden]):
        head += [nn.Linear(before, width), nn.ReLU()]
    head.append(nn.Linear(hidden[-1], classes))
    parts = {"features": features, "flat": nn.Flatten(), "head": nn.Sequential(*head)}
    return nn.Sequential(OrderedDict(parts))
