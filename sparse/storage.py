"""How a layer keeps its weights: dense tensors under a mask, or the active weights alone.

A method that asks `storage_of(layer)` for what it needs works on both. Positions are flat (int64,
row-major). A *choice* is a set of places of a layer, kept in the form of its storage: a mask (bool,
the layer's shape) where the layer is masked, ascending positions where it is truly sparse.
"""

from typing import Protocol

import torch
from torch import Tensor

from sparse.context import Layer
from sparse.csr.layer import CsrLayer, CsrStorage
from sparse.masked_storage import MaskedStorage


class Free(Protocol):
    """The places of a layer at which a weight may grow."""

    def __len__(self) -> int:
        """How many there are."""

    def draw(self, k: int, generator: torch.Generator) -> Tensor:
        """Return k of their positions, drawn uniformly."""


class Storage(Protocol):
    """One layer's weights, whatever they are kept in.

    `outputs` and `inputs` are bool, one entry per unit on that side of the layer; None: all live.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the dense weight."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""

    def weights(self) -> Tensor:
        """Return a live tensor that holds every active weight."""

    def begin(self, choice: Tensor) -> None:
        """Make these places active and all others inactive, when a run begins."""

    def clear_inactive(self) -> None:
        """Zero inactive weights and their optimizer slots."""

    def exchange(self, dropped: Tensor, grown: Tensor) -> None:
        """Deactivate and activate weights at positions; weights and slots of both become zero."""

    def positions(self, count: int) -> Tensor:
        """Return the ascending positions of the active weights, of which there are `count`."""

    def values(self, active: Tensor) -> Tensor:
        """Return the active weights in order, given the positions of all of them."""

    def count(self) -> int:
        """Return how many weights are active."""

    def active(self) -> Tensor:
        """Return a choice: what is active now."""

    def mask(self) -> Tensor:
        """Return a copy of the mask on the CPU: bool, of the dense shape, maybe a sparse tensor."""

    def drawn(self, count: int, generator: torch.Generator) -> Tensor:
        """Return a choice of so many places, drawn uniformly."""

    def with_positions(self, choice: Tensor, added: Tensor) -> Tensor:
        """Return a choice with these positions as well; the given one may change."""

    def chosen(self, choice: Tensor) -> int:
        """Return how many places a choice has."""

    def lost(self, before: Tensor, after: Tensor) -> int:
        """Return how many places of one choice are not in another."""

    def others(self, active: Tensor) -> Free:
        """Return the places that are not at these ascending positions."""

    def free(self, beside: Tensor, outputs: Tensor | None, inputs: Tensor | None) -> Free:
        """Return what is inactive, not in the choice `beside`, and between living units."""

    def cut_off(self, outputs: Tensor | None, inputs: Tensor | None) -> Tensor:
        """Return the ascending positions of active weights that do not join living units."""

    def output_strengths(self) -> Tensor:
        """Return the sum of |w| of every output, float64."""

    def input_strengths(self, units: int) -> Tensor:
        """Return that of every unit before the layer, whose inputs are `units` equal parts."""

    def output_degrees(self) -> Tensor:
        """Return the number of active weights of every output."""

    def input_degrees(self, units: int) -> Tensor:
        """Return that of every unit before the layer."""


def storage_of(layer: Layer) -> Storage:
    """Return how a layer keeps its weights."""
    return CsrStorage(layer) if isinstance(layer, CsrLayer) else MaskedStorage(layer)
