"""The masks of a cell over time, in few bytes: a bit per weight, and of each the change alone."""

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparse.measures.agreement import Agreement

Bits = np.ndarray[Any, np.dtype[np.uint8]]
"""All masks of a cell, a bit per weight; every layer begins with a byte of its own."""


def packed(masks: Sequence[Tensor]) -> Bits:
    """The masks of all layers as bits."""
    return np.concatenate([np.packbits(mask.bool().flatten().cpu().numpy()) for mask in masks])


def active(bits: Bits) -> int:
    """How many weights are active."""
    return int(np.bitwise_count(bits).sum())


def new_share(before: Bits, bits: Bits) -> float:
    """The share of the active weights that were not active before."""
    return active(bits & ~before) / max(1, active(bits))


class MaskHistory:
    """Masks with the times at which they were taken, and what became of them in between.

    Attributes:
        times: in epochs, ascending.
        shapes: of the layers, by name; set by the first look.
    """

    def __init__(self) -> None:
        self.times: list[float] = []
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._changes: list[bytes] = []
        self._kept: Bits = np.zeros(0, dtype=np.uint8)
        self._latest = self._seen = self._kept
        self._churn: tuple[float, int] = (0.0, 0)

    def look(self, masks: Mapping[str, Tensor], *, updated: bool = False) -> Bits:
        """Note which weights are active now; after an update, what it replaced.

        Args:
            masks: of all layers, by name.
            updated: whether a topology update has just changed them.
        """
        bits = packed(list(masks.values()))
        if not self.shapes:
            self.shapes = {name: tuple(mask.shape) for name, mask in masks.items()}
            self._latest = self._seen = bits
        if updated:
            total, count = self._churn
            self._churn = (total + new_share(self._latest, bits), count + 1)
        self._latest, self._seen = bits, self._seen | bits
        return bits

    def keep(self, time: float, bits: Bits) -> None:
        """Keep the masks of a time later than all before."""
        change = bits ^ self._kept if self.times else bits
        self.times.append(time)
        self._changes.append(zlib.compress(change.tobytes(), level=1))
        self._kept = bits

    def __iter__(self) -> Iterator[tuple[float, Bits]]:
        """All times with the masks that were kept."""
        bits: Bits | None = None
        for time, change in zip(self.times, self._changes, strict=True):
            step = np.frombuffer(zlib.decompress(change), dtype=np.uint8)
            bits = step if bits is None else bits ^ step
            yield time, bits

    @property
    def first(self) -> Bits:
        """The masks that were kept first."""
        return next(iter(self))[1]

    @property
    def last(self) -> Bits:
        """The masks that were kept last."""
        return self._kept

    @property
    def explored_rate(self) -> float:
        """Weights that were ever seen active, over all."""
        return active(self._seen) / sum(self._sizes())

    def take_churn(self) -> float | None:
        """The mean share that an update replaced since this was asked last; None without one."""
        (total, count), self._churn = self._churn, (0.0, 0)
        return total / count if count else None

    def agreements(self, first: Bits, second: Bits) -> list[Agreement]:
        """How two masks agree, layer by layer."""
        parts = (self._by_layer(bits) for bits in (first & second, first, second))
        return [
            Agreement(both=active(both), first=active(one), second=active(other), total=size)
            for both, one, other, size in zip(*parts, self._sizes(), strict=True)
        ]

    def masks(self, bits: Bits) -> list[Tensor]:
        """The masks (bool) of the layers, in their shapes."""
        layers = zip(self._by_layer(bits), self._sizes(), self.shapes.values(), strict=True)
        return [
            torch.from_numpy(np.unpackbits(part, count=size)).bool().view(shape)
            for part, size, shape in layers
        ]

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "times": list(self.times),
            "changes": [_to_tensor(change) for change in self._changes],
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "latest": _to_tensor(self._latest.tobytes()),
            "seen": _to_tensor(self._seen.tobytes()),
            "churn": list(self._churn),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Put back what :meth:`state` returned."""
        self.times = list(state["times"])
        self.shapes = {name: tuple(shape) for name, shape in state["shapes"].items()}
        self._changes = [change.numpy().tobytes() for change in state["changes"]]
        for _, bits in self:
            self._kept = bits
        self._latest, self._seen = state["latest"].numpy(), state["seen"].numpy()
        total, count = state["churn"]
        self._churn = (float(total), int(count))

    def _sizes(self) -> list[int]:
        return [math.prod(shape) for shape in self.shapes.values()]

    def _by_layer(self, bits: Bits) -> list[Bits]:
        ends = np.cumsum([-(-size // 8) for size in self._sizes()])
        return list(np.split(bits, ends[:-1]))


def _to_tensor(content: bytes) -> Tensor:
    # Bytes are no plain data to a checkpoint that may not execute anything.
    return torch.from_numpy(np.frombuffer(content, dtype=np.uint8).copy())
