"""Densities of iterative pruning: the ladder (1 - rate)^r, on which cells share their rounds."""

import math
from fractions import Fraction
from functools import lru_cache

from grids.options import MAX_DECIMALS, fraction_text


@lru_cache(maxsize=4096)
def density_before(density: str, rate: float) -> str:
    """The smallest density on the ladder that lies above a given one: that of the round before.

    Powers are exact; what has more decimals than a density may have is rounded to so many.

    Args:
        density: Canonical text of a density, on the ladder or between two of its densities.
        rate: Share of the active weights that a round prunes; stands for its shortest decimal text.

    Returns:
        A canonical text; "1" for the dense network, from which the first round starts.
    """
    reached, kept = Fraction(density), 1 - Fraction(repr(rate))
    # A guess that floats may miss by a round; the comparisons are exact.
    number = int(math.log(reached) / math.log(kept))
    while number > 0 and _level(kept, number) <= reached:
        number -= 1
    while _level(kept, number + 1) > reached:
        number += 1
    return fraction_text(float(_level(kept, number)), "density")


def _level(kept: Fraction, number: int) -> Fraction:
    return round(kept**number, MAX_DECIMALS)
