"""What durations vary by, besides the kind of a cell: blocks, workers and occasions.

Everything is in natural logarithms of seconds. Variances are found by the method of moments, one
inside the other: of blocks around the mean of their worker, of workers around that of their
occasion, of occasions; from each, what the one below it contributes is taken away. Each is drawn
towards a prior, by degrees of freedom, so that a store in which everything was run at once does not
promise that every other hour is like that one.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

BLOCK_PRIOR, WORKER_PRIOR, OCCASION_PRIOR = (4.0, 0.1), (4.0, 0.05), (4.0, 0.15)
"""Degrees of freedom and standard deviation that each effect has before anything is measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """A standard deviation, and how well it is known.

    Attributes:
        sd: In natural logarithms.
        freedom: Degrees of freedom behind it, those of its prior among them.
    """

    sd: float
    freedom: float


class Rest(NamedTuple):
    """What is left of a block's logarithm when the mean of its kind is taken away.

    Attributes:
        value: That rest.
        cells: Cells of the block.
        worker, occasion: Where it belongs.
    """

    value: float
    cells: int
    worker: str
    occasion: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Effects:
    """What blocks vary by.

    Attributes:
        block, worker, occasion: The spreads of the three effects.
        occasions: How many occasions were measured.
        smear: Mean of a block over its median, at least that of the prior.
        smear_error: By what share the smear may be off.
        variation: Coefficient of variation of a block.
    """

    block: Spread
    worker: Spread
    occasion: Spread
    occasions: int
    smear: float
    smear_error: float
    variation: float


def effects_of(rests: Sequence[Rest], kinds: int) -> Effects:
    """The effects behind what is left of blocks; without any, those of the priors.

    Args:
        rests: One for each block.
        kinds: How many means were taken away from them.
    """
    of_worker: dict[str, list[float]] = defaultdict(list)
    for rest in rests:
        of_worker[rest.worker].append(rest.value)
    offsets = {worker: fmean(own) for worker, own in of_worker.items()}
    inner = [rest.value - offsets[rest.worker] for rest in rests]
    block = _block_spread(inner, max(0, len(of_worker) + kinds - 1))
    members: dict[int, set[str]] = defaultdict(set)
    for rest in rests:
        members[rest.occasion].add(rest.worker)
    # What blocks add to the mean of their worker.
    noises = {worker: block.sd**2 / len(own) for worker, own in of_worker.items()}
    worker = _worker_spread(offsets, noises, members)
    smear, variation = _smeared(inner, [rest.cells for rest in rests], block)
    return Effects(
        block=block,
        worker=worker,
        occasion=_occasion_spread(offsets, noises, members, worker),
        occasions=len(members),
        smear=smear,
        smear_error=variation / math.sqrt(max(1, len(rests))),
        variation=variation,
    )


def towards_prior(prior: tuple[float, float], variance: float, freedom: float) -> Spread:
    """A variance pooled with that of a prior, each by its degrees of freedom."""
    own, sd = prior
    pooled = (own * sd**2 + freedom * variance) / (own + freedom)
    return Spread(sd=math.sqrt(pooled), freedom=own + freedom)


def _block_spread(inner: Sequence[float], used: int) -> Spread:
    """Of blocks around their worker; `used` degrees of freedom went into means."""
    left = max(0, len(inner) - used)
    square = sum(rest**2 for rest in inner)
    return towards_prior(BLOCK_PRIOR, square / left if left else 0.0, left)


def _worker_spread(
    offsets: Mapping[str, float], noises: Mapping[str, float], members: Mapping[int, set[str]]
) -> Spread:
    left = len(offsets) - len(members)
    if left <= 0:
        return towards_prior(WORKER_PRIOR, 0.0, 0)
    square = 0.0
    for own in members.values():
        middle = fmean(offsets[worker] for worker in own)
        square += sum((offsets[worker] - middle) ** 2 for worker in own)
    return towards_prior(WORKER_PRIOR, max(0.0, square / left - fmean(noises.values())), left)


def _occasion_spread(
    offsets: Mapping[str, float],
    noises: Mapping[str, float],
    members: Mapping[int, set[str]],
    worker: Spread,
) -> Spread:
    left = len(members) - 1
    if left <= 0:
        return towards_prior(OCCASION_PRIOR, 0.0, 0)
    centres = [fmean(offsets[one] for one in own) for own in members.values()]
    middle = fmean(centres)
    square = sum((centre - middle) ** 2 for centre in centres)
    below = fmean(
        fmean(worker.sd**2 + noises[one] for one in own) / len(own) for own in members.values()
    )
    return towards_prior(OCCASION_PRIOR, max(0.0, square / left - below), left)


def _smeared(inner: Sequence[float], cells: Sequence[int], block: Spread) -> tuple[float, float]:
    """Mean and coefficient of variation of exp(rest), by cells; at least those of the prior."""
    least = math.exp(BLOCK_PRIOR[1] ** 2 / 2)
    if not inner:
        return least, block.sd
    factors = [math.exp(rest) for rest in inner]
    total = sum(cells)
    mean = sum(factor * count for factor, count in zip(factors, cells, strict=True)) / total
    square = sum((f - mean) ** 2 * count for f, count in zip(factors, cells, strict=True)) / total
    return max(least, mean), max(block.sd, math.sqrt(square) / mean)
