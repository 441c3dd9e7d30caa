"""Named randomness for single samples: what one image draws depends on nothing but its name."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Streams:
    """One stream of draws per sample and purpose.

    The streams are blocks of one Philox sequence: its key is the hash of the name and the purpose,
    its counter begins at the sample's id. So a sample draws the same numbers in any batch, subset
    and order.

    Attributes:
        name: what the draws belong to, e.g. ``"snow/3/0/train"``.
        ids: (n,) int64, the number of each sample in its part of the dataset.
    """

    name: str
    ids: NDArray[np.int64]

    def generators(self, purpose: str) -> Iterator[np.random.Generator]:
        """A fresh generator for every sample, in the order of the ids."""
        name = f"{self.name}/{purpose}".encode()
        key = int.from_bytes(hashlib.blake2b(name, digest_size=16).digest(), "big")
        for sample in self.ids.tolist():
            yield np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, sample]))

    def draw(
        self, purpose: str, draw: Callable[[np.random.Generator], NDArray[Any] | float]
    ) -> NDArray[Any]:
        """What ``draw`` takes from the generator of every sample, stacked to (n, ...)."""
        return np.stack([np.asarray(draw(each)) for each in self.generators(purpose)])
