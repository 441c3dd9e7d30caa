"""A masked layer, dense weight and dense mask, behind the door of `sparse/storage.py`."""

import math

import torch
from torch import Tensor

from sparse import grow
from sparse.context import Layer
from sparse.optim_state import zero_inactive
from sparse.random_positions import random_among
from sparse.scores import magnitude
from sparse.select import fill, positions


class MaskedFree:
    """The places of a masked layer that are not occupied.

    occupied: positions (int64) below `size`, distinct.
    """

    def __init__(self, size: int, occupied: Tensor) -> None:
        self.occupied = occupied
        self._size = size

    def __len__(self) -> int:
        return self._size - len(self.occupied)

    def draw(self, k: int, generator: torch.Generator) -> Tensor:
        """Return k of their positions, drawn uniformly."""
        return grow.random(self._size, self.occupied, k, generator)


class MaskedStorage:
    """A dense weight and a dense mask; `sparse.storage.Storage` says what its methods do."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the weight."""
        return tuple(self._layer.weight.shape)

    @property
    def device(self) -> torch.device:
        """Where the mask is."""
        return self._layer.mask.device

    def weights(self) -> Tensor:
        """Return the weight itself."""
        return self._layer.weight

    def begin(self, choice: Tensor) -> None:
        """Write the mask."""
        self._layer.mask.copy_(choice)

    def clear_inactive(self) -> None:
        """Zero weight and slots where the mask is zero."""
        zero_inactive([self._layer.weight, *self._layer.slots().values()], self._layer.mask)

    def exchange(self, dropped: Tensor, grown: Tensor) -> None:
        """Write mask, weight and slots at the positions."""
        fill(self._layer.mask, dropped, 0)
        fill(self._layer.mask, grown, 1)
        changed = torch.cat([dropped, grown])
        for tensor in (self._layer.weight, *self._layer.slots().values()):
            fill(tensor, changed, 0)

    def positions(self, count: int) -> Tensor:
        """Return where the mask is not zero."""
        return positions(self._layer.mask, count)

    def values(self, active: Tensor) -> Tensor:
        """Return a copy of the weight's entries at the positions."""
        return self._layer.weight.flatten().index_select(0, active)

    def count(self) -> int:
        """Count the mask."""
        return int(self._layer.mask.count_nonzero())

    def active(self) -> Tensor:
        """Return a copy of the mask."""
        return self._layer.mask.bool()

    def mask(self) -> Tensor:
        """Return a dense copy."""
        return self._layer.mask.bool().to("cpu", copy=True)

    def drawn(self, count: int, generator: torch.Generator) -> Tensor:
        """Return a random mask."""
        return random_among(torch.ones_like(self._layer.mask, dtype=torch.bool), count, generator)

    def with_positions(self, choice: Tensor, added: Tensor) -> Tensor:
        """Return the mask, written in place."""
        fill(choice, added, True)
        return choice

    def chosen(self, choice: Tensor) -> int:
        """Count a mask."""
        return int(choice.count_nonzero())

    def lost(self, before: Tensor, after: Tensor) -> int:
        """Count what one mask has and the other has not."""
        return int((before & ~after).count_nonzero())

    def others(self, active: Tensor) -> MaskedFree:
        """Return all but these positions."""
        return MaskedFree(math.prod(self.shape), active)

    def free(self, beside: Tensor, outputs: Tensor | None, inputs: Tensor | None) -> MaskedFree:
        """Return the places that remain."""
        places = joined(self._layer, outputs, inputs)
        return self.others(positions(self.active() | beside | ~places))

    def cut_off(self, outputs: Tensor | None, inputs: Tensor | None) -> Tensor:
        """Return the active positions outside."""
        return positions(self.active() & ~joined(self._layer, outputs, inputs))

    def output_strengths(self) -> Tensor:
        """Sum rows."""
        return self._rows(magnitude(self._layer.weight).double())

    def input_strengths(self, units: int) -> Tensor:
        """Sum columns, or groups of them."""
        return self._columns(magnitude(self._layer.weight).double(), units)

    def output_degrees(self) -> Tensor:
        """Count rows."""
        return self._rows(self._layer.mask != 0)

    def input_degrees(self, units: int) -> Tensor:
        """Count columns, or groups of them."""
        return self._columns(self._layer.mask != 0, units)

    def _rows(self, places: Tensor) -> Tensor:
        return places.reshape(self.shape[0], -1).sum(1)

    def _columns(self, places: Tensor, units: int) -> Tensor:
        return places.transpose(0, 1).reshape(units, -1).sum(1)


def joined(layer: Layer, outputs: Tensor | None, inputs: Tensor | None) -> Tensor:
    """Return the places (bool, the weight's shape) of a masked layer between living units.

    outputs, inputs: which units of this layer and of the one before live (bool); None: all.
    """
    places = torch.ones_like(layer.mask, dtype=torch.bool)
    if outputs is not None:
        places &= outputs.view(-1, *[1] * (places.ndim - 1))
    if inputs is not None:
        per_unit = places.shape[1] // len(inputs)
        places &= inputs.repeat_interleave(per_unit).view(1, -1, *[1] * (places.ndim - 2))
    return places
