"""One buffer for all parameters of a stack: row n holds every parameter of cell n.

Weights, gradients, masks and optimizer slots are buffers of one layout, so that an optimizer works
on a few long tensors and not on each layer in turn. Layers see their part as ordinary views.
"""

import itertools
import math
from collections.abc import Sequence

from torch import Tensor

ALIGNMENT = 16
"""Entries to which every parameter's place is rounded up: 64 bytes of float32, a cache line."""


class StackLayout:
    """Where each parameter lies in a row.

    Args:
        shapes: the parameters' shapes in one cell, in order.
    """

    def __init__(self, shapes: Sequence[Sequence[int]]) -> None:
        self._shapes = [tuple(shape) for shape in shapes]
        self._sizes = [math.prod(shape) for shape in self._shapes]
        ends = itertools.accumulate(_rounded_up(size) for size in self._sizes)
        self._starts = [0, *ends]

    @property
    def width(self) -> int:
        """Entries of a row, the unused ones between parameters included."""
        return self._starts[-1]

    def views(self, buffer: Tensor) -> list[Tensor]:
        """Every parameter's part (N, *shape) of a buffer (N, width), as live views."""
        parts = zip(self._shapes, self._sizes, self._starts, strict=False)
        return [buffer.narrow(1, start, size).unflatten(1, shape) for shape, size, start in parts]

    def gather(self, tensors: Sequence[Tensor]) -> Tensor:
        """A buffer that holds copies of tensors (N, *shape); what lies between them is zero."""
        buffer = tensors[0].new_zeros(len(tensors[0]), self.width)
        for view, tensor in zip(self.views(buffer), tensors, strict=True):
            view.copy_(tensor)
        return buffer


def _rounded_up(size: int) -> int:
    return math.ceil(size / ALIGNMENT) * ALIGNMENT
