"""SparseLinear: a linear layer that stores, trains and moves its active weights and nothing else.

Every active weight is one number of the 1-D parameter `values`, in the order of its flat position
(row-major in the weight (outputs, inputs)), so that any optimizer, clipping or checkpoint works on
it as on a dense parameter, and slots lie beside the values. Indices are int32: 4 bytes per weight,
and 8 more for the transposed matrix in layers whose input needs a gradient.

Activations are feature-major, (units, batch): see `sparse.csr.product`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import increment_version

from sparse.csr.edit import edited
from sparse.csr.free_places import random_free_positions
from sparse.csr.pattern import Pattern, Shape, pattern, refuse_large, refuse_unfit, transposed
from sparse.csr.product import product
from sparse.select import positions as positions_of


class SparseLinear(nn.Module):
    """y = W x + b with a truly sparse W (outputs, inputs); x (inputs, batch), y (outputs, batch).

    values: the parameter of the active weights, (active weights,); bias: (outputs,) or None.
    Buffers: `row_starts` (outputs + 1,) and `columns` (active weights,), int32.

    Give flat positions (int64, ascending), one value for each, the weight's shape, and the bias or
    None. A ValueError where they do not fit together, or int32 cannot count them.
    """

    row_starts: Tensor
    columns: Tensor

    def __init__(
        self, positions: Tensor, values: Tensor, shape: Shape, bias: Tensor | None = None
    ) -> None:
        super().__init__()
        if values.shape != positions.shape:
            raise ValueError(f"{len(positions)} positions have {tuple(values.shape)} values")
        if bias is not None and bias.shape != shape[:1]:
            raise ValueError(f"{shape[0]} outputs have a bias of shape {tuple(bias.shape)}")
        self.out_features, self.in_features = shape
        self.values = nn.Parameter(values.detach().clone())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())
        places = pattern(positions.to(values.device), shape)
        self.register_buffer("row_starts", places.starts)
        self.register_buffer("columns", places.columns)
        self._turned: tuple[Pattern, Tensor] | None = None

    @classmethod
    def from_dense(cls, weight: Tensor, mask: Tensor, bias: Tensor | None = None) -> "SparseLinear":
        """Return the layer of a dense weight (outputs, inputs) where a mask is not zero."""
        active = positions_of(mask)
        values = weight.detach().flatten().index_select(0, active)
        return cls(active, values, (weight.shape[0], weight.shape[1]), bias)

    @classmethod
    def random(
        cls,
        shape: Shape,
        count: int,
        generator: torch.Generator,
        *,
        bias: bool = True,
        fan_in: str = "dense",
    ) -> "SparseLinear":
        """Return a layer of `count` active weights at random places (CPU, float32).

        Weights are uniform within 1 / sqrt(fan_in), as those of nn.Linear: "dense" takes the number
        of inputs, "active" the mean number of active weights per output. Biases are 0. Positions
        are drawn first, those that a random mask of this layer would have.
        """
        refuse_large(shape, count)
        if fan_in not in ("dense", "active"):
            raise ValueError(f"fan_in is {fan_in!r}; it must be 'dense' or 'active'")
        none = torch.empty(0, dtype=torch.int64)
        active = random_free_positions(shape[0] * shape[1], none, count, generator).sort().values
        reads = shape[1] if fan_in == "dense" else max(count / shape[0], 1.0)
        values = torch.empty(count).uniform_(-1.0, 1.0, generator=generator).div_(math.sqrt(reads))
        return cls(active, values, shape, torch.zeros(shape[0]) if bias else None)

    @property
    def shape(self) -> Shape:
        """The shape of the weight, (outputs, inputs)."""
        return self.out_features, self.in_features

    def pattern(self) -> Pattern:
        """Return where the active weights lie."""
        return Pattern(starts=self.row_starts, columns=self.columns, shape=self.shape)

    def positions(self) -> Tensor:
        """Return the flat positions of the active weights, (active weights,) int64, ascending."""
        return self.pattern().positions()

    def forward(self, x: Tensor) -> Tensor:
        """Return W x + b, (outputs, batch), for x of shape (inputs, batch).

        Or (parts, outputs, width) for x of shape (parts, inputs, width).
        """
        return product(self.values, x, self.bias, self.pattern(), self._transposed)

    @torch.no_grad()
    def exchange(
        self,
        drop: Tensor,
        grow: Tensor,
        slots: Mapping[str, Tensor] | None = None,
        new_values: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Deactivate and activate weights at flat positions (int64); return the new slots.

        slots: optimizer tensors with one entry per active weight, by name. Values and slots of
        survivors keep their bits; new weights begin with `new_values` (zeros where None, in the
        order of `grow`) and slots of zero. A position in both lists ends active and new.

        `values` stays the same parameter object, with other data and without gradient, so that an
        optimizer keeps it; only its slots must be replaced:
        `optimizer.state[layer.values].update(layer.exchange(drop, grow, slots))`. A backward pass
        of an output from before is torch's error, as after a step of the optimizer; where their
        number changes, let go of such outputs, or torch expects gradients of the former length.

        What cannot be, and tensors of other lengths, are a ValueError; the layer is then as before.
        """
        refuse_large(self.shape, len(self.values) + len(grow) - len(drop))
        self._refuse_other_lengths(grow, slots or {}, new_values)
        self._turned = None
        edit = edited(self.positions(), drop, grow)
        places = pattern(edit.positions, self.shape)
        values = edit.carried(self.values.detach(), new_values)
        carried = {name: edit.carried(slot) for name, slot in (slots or {}).items()}
        self.row_starts, self.columns = places.starts, places.columns
        self.values.grad = None
        self.values.data = values
        # Other data alone goes unnoticed by autograd, which would mix old places with new values.
        increment_version(self.values)
        return carried

    def to_dense(self) -> Tensor:
        """Return the weight as a dense tensor (outputs, inputs), for looking at small layers."""
        dense = self.values.detach().new_zeros(self.out_features * self.in_features)
        return dense.index_copy_(0, self.positions(), self.values.detach()).view(self.shape)

    def extra_repr(self) -> str:
        """Return what `print` shows of the layer."""
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, active={len(self.values)}, bias={self.bias is not None}"

    def _transposed(self) -> tuple[Pattern, Tensor]:
        """Return the transposed pattern, made when it is first asked for after a change."""
        if self._turned is None:
            self._turned = transposed(self.pattern())
        return self._turned

    def _refuse_other_lengths(
        self, grow: Tensor, slots: Mapping[str, Tensor], new_values: Tensor | None
    ) -> None:
        if new_values is not None and new_values.shape != grow.shape:
            raise ValueError(
                f"{len(grow)} new weights have new_values of shape {tuple(new_values.shape)}"
            )
        for name, slot in slots.items():
            if slot.shape != self.values.shape:
                raise ValueError(
                    f"slot {name!r} has the shape {tuple(slot.shape)}; it must be"
                    f" ({len(self.values)},), one entry for each active weight"
                )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "SparseLinear":
        self._turned = None
        super()._apply(fn, recurse)
        return self

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *given: Any, **named: Any
    ) -> None:
        self._refuse_other_places(state_dict, prefix)
        self._turned = None
        super()._load_from_state_dict(state_dict, prefix, *given, **named)

    def _refuse_other_places(self, state: Mapping[str, Any], prefix: str) -> None:
        """Raise a ValueError for places that a product could not read, before any is taken up."""
        own = self.values, self.row_starts, self.columns
        names = "values", "row_starts", "columns"
        values, starts, columns = (
            state.get(prefix + name, tensor) for name, tensor in zip(names, own, strict=True)
        )
        try:
            if not len(values) == len(columns) == len(self.values):
                raise ValueError(
                    f"{len(values)} values at {len(columns)} places do not fit the layer's"
                    f" {len(self.values)}; load them into a layer with as many active weights"
                )
            refuse_unfit(Pattern(starts=starts, columns=columns, shape=self.shape))
        except ValueError as problem:
            raise ValueError(f"state of {prefix.rstrip('.') or 'a layer'}: {problem}") from problem
