"""How far two masks agree: overlap, Jaccard, agreement beyond chance, drift of layer densities.

Everything follows from four counts per layer. For two masks that keep k of N weights each, with
density d = k / N: the overlap is o = |A and B| / k, by chance d on average; the Jaccard index is
o / (2 - o); kappa is (o - d) / (1 - d), 0 for masks drawn at random and 1 for equal ones.
"""

import dataclasses
from collections.abc import Sequence

from torch import Tensor


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """Two masks of one layer: weights active in both, in the first, in the second, and all."""

    both: int
    first: int
    second: int
    total: int

    @classmethod
    def of(cls, first: Tensor, second: Tensor) -> "Agreement":
        """Count two masks of one shape."""
        one, other = first.bool(), second.bool()
        return cls(
            both=int((one & other).count_nonzero()),
            first=int(one.count_nonzero()),
            second=int(other.count_nonzero()),
            total=one.numel(),
        )

    @property
    def by_chance(self) -> float:
        """What both have on average where each is drawn at random with its count."""
        return self.first * self.second / self.total


def overlap(layers: Sequence[Agreement]) -> float | None:
    """Return |A and B| / |A| over all layers: what the second kept of the first.

    None where the first is empty.
    """
    first = sum(layer.first for layer in layers)
    return sum(layer.both for layer in layers) / first if first else None


def jaccard(layers: Sequence[Agreement]) -> float | None:
    """Return |A and B| / |A or B| over all layers; None where both are empty."""
    either = sum(layer.first + layer.second - layer.both for layer in layers)
    return sum(layer.both for layer in layers) / either if either else None


def kappa(layers: Sequence[Agreement]) -> float | None:
    """Return the agreement beyond chance over all layers (Cohen 1960), at most 1.

    Chance is counted layer by layer, so that equal layer densities alone are worth nothing. None
    where every layer is full or empty in both: no other masks are possible there.
    """
    chance = sum(layer.by_chance for layer in layers)
    most = sum((layer.first + layer.second) / 2 for layer in layers)
    both = sum(layer.both for layer in layers)
    return (both - chance) / (most - chance) if most > chance else None


def layer_kappas(layers: Sequence[Agreement]) -> list[float]:
    """Return kappa of each layer that has one."""
    found = [kappa([layer]) for layer in layers]
    return [value for value in found if value is not None]


def layer_drift(layers: Sequence[Agreement]) -> float | None:
    """Return the share of the active weights that lie in another layer in the second mask.

    Half the sum over layers of what a layer's share of all active weights has changed by. None
    where one of the masks is empty.
    """
    first, second = sum(layer.first for layer in layers), sum(layer.second for layer in layers)
    if not (first and second):
        return None
    return sum(abs(layer.first / first - layer.second / second) for layer in layers) / 2
