"""Dropping and growing in sorted flat positions: what stays, and where everything moves.

All positions are flat (int64, row-major). Nothing here is larger than the lists themselves.
"""

import dataclasses

import torch
from torch import Tensor

from sparse.select import found_in


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A change of the active positions of a layer.

    positions: (after,) int64, ascending: the positions afterwards.
    stays: (before,) bool: which of the former weights survive.
    old: (after,) bool: which of the weights are such survivors.
    grown: (grown,) int64: where the new ones stand afterwards, in the order they were given in.
    """

    positions: Tensor
    stays: Tensor
    old: Tensor
    grown: Tensor

    def carried(self, tensor: Tensor, new: Tensor | None = None) -> Tensor:
        """Return a tensor that has one entry per active weight as it is after the change.

        Survivors keep their entries, bit for bit; new weights get those of `new`, or zero.
        """
        after = tensor.new_zeros(len(self.positions))
        after.masked_scatter_(self.old, tensor.masked_select(self.stays))
        if new is not None:
            after.index_copy_(0, self.grown, new.to(after))
        return after


def edited(positions: Tensor, drop: Tensor, grow: Tensor) -> Edit:
    """Return what dropping and growing at these positions makes of the active ones.

    A position in both ends active, as a new one. Dropping what is not active, growing what stays
    active, and either of them twice, are a ValueError.
    """
    at, active = found_in(positions, drop)
    if not bool(active.all()):
        raise ValueError(f"position {int(drop[~active][0])} is dropped, but it is not active")
    stays = torch.ones_like(positions, dtype=torch.bool).index_fill_(0, at, False)
    survivors = positions.masked_select(stays)
    if len(survivors) != len(positions) - len(drop):
        raise ValueError("a position is dropped twice")
    new, order = grow.sort()
    landed = _landing(survivors, new)
    old = stays.new_ones(len(survivors) + len(new)).index_fill_(0, landed, False)
    merged = survivors.new_empty(len(old)).masked_scatter_(old, survivors)
    merged.index_copy_(0, landed, new)
    grown = torch.empty_like(landed).index_copy_(0, order, landed)
    return Edit(positions=merged, stays=stays, old=old, grown=grown)


def _landing(survivors: Tensor, new: Tensor) -> Tensor:
    """Return where ascending new positions stand among the survivors and themselves."""
    below, active = found_in(survivors, new)
    if bool(active.any()):
        raise ValueError(f"position {int(new[active][0])} grows, but it is active already")
    if bool((new[1:] == new[:-1]).any()):
        raise ValueError("a position grows twice")
    return below.add_(torch.arange(len(new), device=new.device))
