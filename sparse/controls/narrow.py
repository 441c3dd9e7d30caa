"""Narrower networks: by a number of weights that they may have, or by a share of their widths."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Protocol

import torch
from torch import nn

from sparse.allocation import Density, target_count
from sparse.targets import find_targets

Widths = tuple[int, ...]


class Narrowing(Protocol):
    """How a method narrows the network that it is given; equal ones give equal shapes."""

    def widths(
        self, full: Sequence[int], build: Callable[[Widths], nn.Module], *, joined: bool = False
    ) -> Widths:
        """Return the widths of the narrower network; arguments as of `narrowed_widths`."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ToDensity:
    """To at most the weights that a density keeps of the full network."""

    density: Decimal

    def widths(
        self, full: Sequence[int], build: Callable[[Widths], nn.Module], *, joined: bool = False
    ) -> Widths:
        """Return what `narrowed_widths` finds."""
        return narrowed_widths(full, self.density, build, joined=joined)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ToShare:
    """To a share of every width, in (0, 1]."""

    share: Decimal

    def widths(
        self, full: Sequence[int], build: Callable[[Widths], nn.Module], *, joined: bool = False
    ) -> Widths:
        """Return what `scaled_widths` finds; nothing is built."""
        return scaled_widths(full, self.share, joined=joined)


def scaled_widths(widths: Sequence[int], share: Decimal, *, joined: bool = False) -> Widths:
    """Return all widths times a share in (0, 1], each rounded to the nearest, halves up.

    joined: whether equal neighbours are joined; rounding must then make no others equal.

    A share that leaves a layer without a unit, or neighbours equal that were not so, or that is
    not in (0, 1], is a ValueError.
    """
    if not 0 < share <= 1:
        raise ValueError(f"width is {share}; it must be above 0 and at most 1")
    scaled = tuple(math.floor(Fraction(share) * width + Fraction(1, 2)) for width in widths)
    if 0 in scaled:
        raise ValueError(f"width {share} leaves a layer of {min(widths)} units with none")
    if joined and _equal_neighbours(scaled) != _equal_neighbours(widths):
        raise ValueError(
            f"width {share} makes {list(widths)} units into {list(scaled)}: layers would be joined"
            " that are not"
        )
    return scaled


def narrowed_widths(
    widths: Sequence[int],
    density: Density,
    build: Callable[[Widths], nn.Module],
    *,
    joined: bool = False,
) -> Widths:
    """Return the widths of the dense control of a sparse network: as many weights, fewer units.

    widths: those of the full network, each at least 1. build: makes the network of given widths;
    it is called some dozen times on torch's meta device, where nothing is allocated or drawn.
    joined: whether equal neighbours are joined, as by skip connections. Only networks are then
    chosen among that have the full one's joins: neighbours that are equal there, and no others.

    All widths shrink together: they are the full ones times a common factor, each rounded to the
    nearest, equal ones rounded up in their order. Among these networks, of which each has one unit
    more than the one before, it is the widest with at most floor(density * N + 1/2) maskable
    weights, N being those of the full network. A density too small for one unit per layer is a
    ValueError.
    """
    ladder = [
        each
        for each in _ladder(widths)
        if not joined or _equal_neighbours(each) == _equal_neighbours(widths)
    ]
    target = target_count(density, maskable_weights(build, tuple(widths)))
    smallest = maskable_weights(build, ladder[0])
    if smallest > target:
        raise ValueError(
            f"density {density} keeps {target} weights, but the narrowest network has {smallest}"
        )
    low, high = 0, len(ladder)
    while high - low > 1:
        middle = (low + high) // 2
        fits = maskable_weights(build, ladder[middle]) <= target
        low, high = (middle, high) if fits else (low, middle)
    return ladder[low]


def maskable_weights(build: Callable[[Widths], nn.Module], widths: Widths) -> int:
    """Return the number of maskable weights of the network of these widths."""
    with torch.device("meta"):
        model = build(widths)
    return sum(target.size for target in find_targets(model).targets)


def _equal_neighbours(widths: Sequence[int]) -> list[bool]:
    return [one == other for one, other in pairwise(widths)]


def _ladder(widths: Sequence[int]) -> Iterator[Widths]:
    """Yield all networks from one unit per layer to the full one, one unit more at a time."""
    # A width of w becomes w + 1 where the common factor times the full width reaches w + 1/2.
    steps = sorted(
        (Fraction(2 * width + 1, 2 * full), index)
        for index, full in enumerate(widths)
        for width in range(1, full)
    )
    current = [1] * len(widths)
    yield tuple(current)
    for _, index in steps:
        current[index] += 1
        yield tuple(current)
