"""Cutting packs into arrays, and sharing out how many of their tasks may run at once."""

import itertools
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def chunk(items: Sequence[Item], largest: int) -> list[Sequence[Item]]:
    """Cut into as few parts of at most `largest` as possible, of about equal size, in order."""
    count = -(-len(items) // largest)
    ends = [len(items) * part // count for part in range(count + 1)] if count else [0]
    return [items[begin:end] for begin, end in itertools.pairwise(ends)]


def spread(concurrency: int, sizes: Sequence[int]) -> list[int]:
    """How many tasks of each array may run at once, so that all together stay within a cap.

    Every array gets one at least: where there are more arrays than the cap allows, the later ones
    wait for earlier ones in the queue, and the cap is exceeded by those that got one each.
    """
    shares = [1] * len(sizes)
    left = concurrency - len(sizes)
    while left > 0:
        open_arrays = [n for n, size in enumerate(sizes) if shares[n] < size]
        if not open_arrays:
            break
        for n in open_arrays[:left]:
            shares[n] += 1
        left -= len(open_arrays[:left])
    return shares
