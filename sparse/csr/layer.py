"""A truly sparse layer as a sparsifier's layer, and how it keeps its weights.

No tensor here has the size of the dense weight: what grows with a layer are its active weights and
its units.
"""

from collections.abc import Callable, Mapping
from typing import NoReturn

import torch
from torch import Tensor

from sparse.csr.free_places import FreePlaces, between, random_free_positions
from sparse.csr.linear import SparseLinear
from sparse.optim_state import parameter_slots
from sparse.scores import magnitude
from sparse.select import without_sorted


def exchange(
    module: SparseLinear,
    optimizer: torch.optim.Optimizer | None,
    drop: Tensor,
    grow: Tensor,
    new_values: Tensor | None = None,
) -> None:
    """Deactivate and activate weights at positions, and edit the slots of its optimizer alike.

    `SparseLinear.exchange` says what becomes of them; the optimizer is None where it keeps none.
    """
    slots = {} if optimizer is None else parameter_slots(optimizer, module.values)
    carried = module.exchange(drop, grow, slots, new_values)
    if optimizer is not None and carried:
        optimizer.state[module.values].update(carried)


class CsrLayer:
    """One truly sparse layer of one cell; who asks it for a dense tensor gets a TypeError.

    name: the name that the dense weight would have.
    module: the layer itself, with no active weight until a run begins.
    optimizer: trains `module.values` and its bias.
    first_values: from ascending positions to the weights that the dense layer begins with there.
    """

    transposed = False

    def __init__(
        self,
        name: str,
        module: SparseLinear,
        optimizer: torch.optim.Optimizer,
        first_values: Callable[[Tensor], Tensor],
    ) -> None:
        self.name = name
        self.module = module
        self.first_values = first_values
        self._optimizer = optimizer

    @property
    def weight(self) -> Tensor:
        """There is none."""
        self._refuse("weight")

    @property
    def mask(self) -> Tensor:
        """There is none."""
        self._refuse("mask")

    @property
    def gradient(self) -> Tensor | None:
        """There is none."""
        self._refuse("gradient")

    def slots(self) -> Mapping[str, Tensor]:
        """Return the optimizer's tensors with one entry per active weight."""
        return parameter_slots(self._optimizer, self.module.values)

    @property
    def bias(self) -> Tensor | None:
        """The bias of the layer."""
        return None if self.module.bias is None else self.module.bias.detach()

    def bias_slots(self) -> Mapping[str, Tensor]:
        """Return the optimizer's tensors of the bias's shape."""
        bias = self.module.bias
        return {} if bias is None else parameter_slots(self._optimizer, bias)

    def exchange(self, drop: Tensor, grow: Tensor, new_values: Tensor | None = None) -> None:
        """Deactivate and activate weights at positions, their optimizer slots with them."""
        exchange(self.module, self._optimizer, drop, grow, new_values)

    def _refuse(self, what: str) -> NoReturn:
        raise TypeError(f"{self.name} stores its active weights alone: it has no dense {what}")


class CsrStorage:
    """The weights of a truly sparse layer; `sparse.storage.Storage` says what its methods do."""

    def __init__(self, layer: CsrLayer) -> None:
        self._layer = layer
        self._module = layer.module

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape (outputs, inputs) of the weight that is not there."""
        return self._module.shape

    @property
    def device(self) -> torch.device:
        """Where the values are."""
        return self._module.values.device

    def weights(self) -> Tensor:
        """Return the values."""
        return self._module.values.detach()

    def begin(self, choice: Tensor) -> None:
        """Take up these positions with the weights that the dense layer begins with."""
        self._layer.exchange(self._module.positions(), choice, self._layer.first_values(choice))

    def clear_inactive(self) -> None:
        """Do nothing: what is inactive is not there."""

    def exchange(self, dropped: Tensor, grown: Tensor) -> None:
        """Move the values and their slots."""
        self._layer.exchange(dropped, grown)

    def positions(self, count: int) -> Tensor:
        """Return the positions of the values."""
        return self._module.positions()

    def values(self, active: Tensor) -> Tensor:
        """Return the values as they are."""
        return self.weights()

    def count(self) -> int:
        """Return the number of values."""
        return len(self._module.values)

    def active(self) -> Tensor:
        """Return the positions."""
        return self._module.positions()

    def mask(self) -> Tensor:
        """Return a sparse CSR tensor that is true at the positions."""
        pattern = self._module.pattern()
        return pattern.matrix(torch.ones(len(pattern.columns), dtype=torch.bool))

    def drawn(self, count: int, generator: torch.Generator) -> Tensor:
        """Return random positions, those of the random mask with this generator."""
        none = torch.empty(0, dtype=torch.int64, device=self.device)
        rows, columns = self._module.shape
        return random_free_positions(rows * columns, none, count, generator).sort().values

    def with_positions(self, choice: Tensor, added: Tensor) -> Tensor:
        """Return the merged positions."""
        return torch.cat([choice, without_sorted(added, choice)]).sort().values

    def chosen(self, choice: Tensor) -> int:
        """Return how many positions there are."""
        return len(choice)

    def lost(self, before: Tensor, after: Tensor) -> int:
        """Count the positions that are in the first choice alone."""
        return len(without_sorted(before, after))

    def others(self, active: Tensor) -> FreePlaces:
        """Return all but these positions."""
        return FreePlaces(self._module.shape, active)

    def free(self, beside: Tensor, outputs: Tensor | None, inputs: Tensor | None) -> FreePlaces:
        """Return the places that remain."""
        return FreePlaces(
            self._module.shape, self.with_positions(self.active(), beside), outputs, inputs
        )

    def cut_off(self, outputs: Tensor | None, inputs: Tensor | None) -> Tensor:
        """Return the active positions outside."""
        active = self.active()
        return active[~between(active, self._module.in_features, outputs, inputs)]

    def output_strengths(self) -> Tensor:
        """Sum rows."""
        return self._sums(self._module.pattern().rows(), self._module.out_features)

    def input_strengths(self, units: int) -> Tensor:
        """Sum columns; a unit is one input."""
        return self._sums(self._module.columns, units)

    def output_degrees(self) -> Tensor:
        """Count rows."""
        return self._module.row_starts.diff().to(torch.int64)

    def input_degrees(self, units: int) -> Tensor:
        """Count columns."""
        return self._module.columns.bincount(minlength=units)

    def _sums(self, units: Tensor, count: int) -> Tensor:
        sizes = magnitude(self.weights()).double()
        return sizes.new_zeros(count).index_add_(0, units, sizes)
