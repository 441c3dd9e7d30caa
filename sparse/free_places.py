"""Free places of a matrix that is not there: counted, and drawn as `random_positions` draws them.

A place is free where the units on both sides live and no weight is. Memory follows the units, the
taken positions and what is drawn, never the size of the matrix.
"""

import torch
from torch import Tensor

from sparse.csr_pattern import Shape
from sparse.select import random_candidates, rank_among_others, without_sorted


class FreePlaces:
    """The free places of a matrix (outputs, inputs).

    size: the number of all places. taken: flat positions (int64), ascending and distinct, that are
    not free.
    outputs, inputs: which units on either side live (bool); None: all.
    """

    def __init__(
        self,
        shape: Shape,
        taken: Tensor,
        outputs: Tensor | None = None,
        inputs: Tensor | None = None,
    ) -> None:
        self.size = shape[0] * shape[1]
        self._shape = shape
        self._sides = (outputs, inputs)
        self._rows = _Living(outputs, shape[0])
        self._columns = _Living(inputs, shape[1])
        self._taken = taken[between(taken, shape[1], outputs, inputs)]

    def __len__(self) -> int:
        return self._rows.count * self._columns.count - len(self._taken)

    def draw(self, k: int, generator: torch.Generator) -> Tensor:
        """Return k of their positions: those that are drawn from a mask of these places."""
        return random_candidates(self, k, generator)

    def among(self, at: Tensor) -> Tensor:
        """Return the positions of an ascending list that are free."""
        return without_sorted(at[between(at, self._shape[1], *self._sides)], self._taken)

    def of_rank(self, ranks: Tensor) -> Tensor:
        """Return the free positions with these ranks, 0 being the lowest."""
        width, rows, columns = self._shape[1], self._rows, self._columns
        taken = rows.rank(self._taken // width) * columns.count + columns.rank(self._taken % width)
        places = rank_among_others(ranks, taken)
        return rows.unit(places // columns.count) * width + columns.unit(places % columns.count)


def between(at: Tensor, width: int, outputs: Tensor | None, inputs: Tensor | None) -> Tensor:
    """Return which positions (bool) of a matrix of this width lie between living units."""
    inside = torch.ones(len(at), dtype=torch.bool, device=at.device)
    if outputs is not None:
        inside &= outputs.index_select(0, at // width)
    if inputs is not None:
        inside &= inputs.index_select(0, at % width)
    return inside


class _Living:
    """The living units of one side of a matrix, numbered from 0."""

    def __init__(self, alive: Tensor | None, units: int) -> None:
        self._units = None if alive is None else alive.nonzero().flatten()
        self.count = units if self._units is None else len(self._units)

    def unit(self, ranks: Tensor) -> Tensor:
        """Return the units with these numbers."""
        return ranks if self._units is None else self._units.index_select(0, ranks)

    def rank(self, units: Tensor) -> Tensor:
        """Return the numbers of these living units."""
        return units if self._units is None else torch.searchsorted(self._units, units)
