"""Dropping and growing in sorted flat positions: what stays, and where everything moves.

All positions are flat (int64, row-major). Nothing here is larger than the lists themselves.
"""

import dataclasses

import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A change of the active positions of a layer.

    positions: (after,) int64, ascending: the positions afterwards.
    kept: (survivors,) int64: where the survivors stood before, in order.
    places: (survivors,) int64: where they stand afterwards.
    grown: (grown,) int64: where the new ones stand afterwards, in the order they were given in.
    """

    positions: Tensor
    kept: Tensor
    places: Tensor
    grown: Tensor

    def carried(self, tensor: Tensor, new: Tensor | None = None) -> Tensor:
        """Return a tensor that has one entry per active weight as it is after the change.

        Survivors keep their entries, bit for bit; new weights get those of `new`, or zero.
        """
        after = tensor.new_zeros(len(self.positions))
        after.index_copy_(0, self.places, tensor.index_select(0, self.kept))
        if new is not None:
            after.index_copy_(0, self.grown, new.to(after))
        return after


def edited(positions: Tensor, drop: Tensor, grow: Tensor) -> Edit:
    """Return what dropping and growing at these positions makes of the active ones.

    A position in both ends active, as a new one. Dropping what is not active, growing what stays
    active, and either of them twice, are a ValueError.
    """
    at = torch.searchsorted(positions, drop)
    _refuse_strangers(positions, drop, at)
    stays = torch.ones(len(positions), dtype=torch.bool, device=positions.device)
    stays.index_fill_(0, at, False)
    kept = stays.nonzero().flatten()
    if len(kept) != len(positions) - len(drop):
        raise ValueError("a position is dropped twice")
    survivors = positions.index_select(0, kept)
    new, order = grow.sort()
    before = torch.searchsorted(survivors, new)
    _refuse_present(survivors, new, before)
    return _merged(survivors, kept, new, order, before)


def _merged(survivors: Tensor, kept: Tensor, new: Tensor, order: Tensor, before: Tensor) -> Edit:
    """Merge two ascending lists; `before` counts the survivors below every new position."""
    total = len(survivors) + len(new)
    landed = before + torch.arange(len(new), device=before.device)
    old = torch.ones(total, dtype=torch.bool, device=before.device).index_fill_(0, landed, False)
    places = old.nonzero().flatten()
    positions = survivors.new_empty(total)
    positions.index_copy_(0, places, survivors).index_copy_(0, landed, new)
    grown = torch.empty_like(landed).index_copy_(0, order, landed)
    return Edit(positions=positions, kept=kept, places=places, grown=grown)


def _refuse_strangers(positions: Tensor, drop: Tensor, at: Tensor) -> None:
    inside = at < len(positions)
    found = inside.clone()
    found[inside] = positions[at[inside]] == drop[inside]
    if not bool(found.all()):
        raise ValueError(f"position {int(drop[~found][0])} is dropped, but it is not active")


def _refuse_present(survivors: Tensor, new: Tensor, before: Tensor) -> None:
    inside = before < len(survivors)
    present = torch.zeros_like(inside)
    present[inside] = survivors[before[inside]] == new[inside]
    if bool(present.any()):
        raise ValueError(f"position {int(new[present][0])} grows, but it is active already")
    if bool((new[1:] == new[:-1]).any()):
        raise ValueError("a position grows twice")
