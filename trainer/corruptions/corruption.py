"""What a corruption is: a function on images, and its parameters by image size and severity."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float64]
"""A batch of images, (n, height, width, channels) in [0, 1]."""

Row = tuple[float, ...]
"""The parameters of one severity, in the order of the columns."""

SEVERITIES = (1, 2, 3, 4, 5, 6)
"""The published severities, and 6, which is ours."""

LEAST_SIDE = 4
"""Pixels that the shorter side of an image has at least."""

LARGEST_SMALL_SIDE = 48
"""Images whose longer side has at most so many pixels take the table made for 32 pixels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Corruption:
    """One kind of damage.

    Attributes:
        apply: ``(images, streams, *parameters) -> images``; the result may leave [0, 1], where it
            is cut off.
        columns: names of the parameters.
        small: parameters per severity for images of 32 pixels (CIFAR-10-C).
        large: the same for images of 64 pixels (Tiny-ImageNet-C).
        draws: whether it draws at random: else a seed changes nothing.
        least_side: pixels of the shorter side that it needs at severity 1; with fewer it would
            leave every image as it is.
        colour: whether it acts on colour alone, so that grey images do not change.
    """

    apply: Callable[..., Images]
    columns: tuple[str, ...]
    small: tuple[Row, ...]
    large: tuple[Row, ...]
    draws: bool = True
    least_side: int = LEAST_SIDE
    colour: bool = False

    def parameters(self, severity: int, height: int, width: int) -> Row:
        """The parameters for images of this size."""
        table = self.small if max(height, width) <= LARGEST_SMALL_SIDE else self.large
        return table[severity - 1]


def single(*values: float) -> tuple[Row, ...]:
    """A table of one column."""
    return tuple((value,) for value in values)
