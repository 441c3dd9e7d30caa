"""Free places of a matrix that is not there: counted, and drawn as `random_positions` draws them.

A place is free where the units on both sides live and no weight is. Memory follows the units, the
taken positions and what is drawn, never the size of the matrix.
"""

import torch
from torch import Tensor

from sparse.csr.pattern import Shape
from sparse.random_positions import expected_draws, first_of_permutation, permutation
from sparse.select import refuse_count, without_sorted


class FreePlaces:
    """The free places of a matrix (outputs, inputs).

    taken: flat positions (int64), ascending and distinct, that are not free.
    outputs, inputs: which units on either side live (bool); None: all.
    """

    def __init__(
        self,
        shape: Shape,
        taken: Tensor,
        outputs: Tensor | None = None,
        inputs: Tensor | None = None,
    ) -> None:
        self._shape = shape
        self._sides = (outputs, inputs)
        self._all_live = outputs is None and inputs is None
        self._rows = _Living(outputs, shape[0])
        self._columns = _Living(inputs, shape[1])
        self._taken = self._between(taken)

    def __len__(self) -> int:
        return self._rows.count * self._columns.count - len(self._taken)

    def draw(self, k: int, generator: torch.Generator) -> Tensor:
        """Return k of their positions, drawn uniformly, on the generator's device.

        The draws are those of `random_positions` among a mask of these places, bit for bit.
        """
        size, candidates = self._shape[0] * self._shape[1], len(self)
        refuse_count(k, candidates)
        if 2 * k > candidates or 4 * candidates < size:
            return self._of_rank(first_of_permutation(candidates, k, generator))
        draws = expected_draws(size, candidates, k)
        while True:
            drawn = torch.randint(size, (draws,), generator=generator, device=generator.device)
            distinct = without_sorted(self._between(drawn.unique()), self._taken)
            if len(distinct) >= k:
                order = permutation(len(distinct), generator)[:k]
                return distinct.index_select(0, order)

    def _of_rank(self, ranks: Tensor) -> Tensor:
        """Return the free positions with these ranks, 0 being the lowest."""
        if self._all_live:
            return _rank_among_others(ranks, self._taken)
        width, rows, columns = self._shape[1], self._rows, self._columns
        taken = rows.rank(self._taken // width) * columns.count + columns.rank(self._taken % width)
        places = _rank_among_others(ranks, taken)
        return rows.unit(places // columns.count) * width + columns.unit(places % columns.count)

    def _between(self, at: Tensor) -> Tensor:
        """Return those of the positions that lie between living units."""
        return at if self._all_live else at[between(at, self._shape[1], *self._sides)]


def random_free_positions(
    size: int, occupied: Tensor, k: int, generator: torch.Generator
) -> Tensor:
    """Return k distinct flat positions (int64) below `size` that are not occupied.

    occupied: positions (int64), ascending and distinct. The draws are those of `random_positions`
    among all other positions, bit for bit.
    """
    places = FreePlaces((1, size), occupied.to(generator.device))
    return places.draw(k, generator).to(occupied.device)


def between(at: Tensor, width: int, outputs: Tensor | None, inputs: Tensor | None) -> Tensor:
    """Return which positions (bool) of a matrix of this width lie between living units."""
    inside = torch.ones(len(at), dtype=torch.bool, device=at.device)
    if outputs is not None:
        inside &= outputs.index_select(0, at // width)
    if inputs is not None:
        inside &= inputs.index_select(0, at % width)
    return inside


def _rank_among_others(ranks: Tensor, occupied: Tensor) -> Tensor:
    """Return the positions with these ranks, 0 being the lowest that is not occupied."""
    # occupied[j] - j positions below the j-th occupied one are free.
    free_below = occupied - torch.arange(len(occupied), device=occupied.device)
    return ranks + torch.searchsorted(free_below, ranks, right=True)


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
