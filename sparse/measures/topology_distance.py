"""Distance of two topologies when their hidden units may be numbered in any order (NNSTD).

A unit is the set of its incoming weights. The units of two networks are matched layer by layer so
that matched ones differ least, and a layer reads the units before it as they were matched.
"""

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TopologyDistance:
    """Distances in [0, 1] by layer, and which unit of the second network each was matched with."""

    layers: tuple[float, ...]
    matchings: tuple[tuple[int, ...], ...]

    @property
    def network(self) -> float:
        """The mean over layers."""
        return sum(self.layers) / len(self.layers)


def topology_distance(
    first: Sequence[Tensor], second: Sequence[Tensor], *, fix_output: bool = False
) -> TopologyDistance:
    """Compare two chains of layers (Liu et al. 2020, arXiv 2006.14085).

    first, second: masks (out, in, ...) in the order of the chain, of equal shapes; the places of a
    kernel count as inputs of their own. The order of the network's inputs is never changed.
    fix_output: the units of the last layer are classes and stay as they are; the published code
    matches them like all others.
    """
    _refuse_other_shapes(first, second)
    before: Tensor | None = None
    distances, matchings = [], []
    for place, (one, other) in enumerate(zip(first, second, strict=True)):
        costs = unit_distances(one, other if before is None else _reordered(other, before))
        fixed = fix_output and place == len(first) - 1
        matching = torch.arange(len(costs)) if fixed else _matched(costs)
        distances.append(float(costs.gather(1, matching.unsqueeze(1)).mean()))
        matchings.append(tuple(matching.tolist()))
        before = matching
    return TopologyDistance(layers=tuple(distances), matchings=tuple(matchings))


def unit_distances(first: Tensor, second: Tensor) -> Tensor:
    """Return the Jaccard distances (units, units), float64 on the CPU, of all pairs of units.

    1 - |a and b| / |a or b| for the sets of incoming weights a and b; 0 where both are empty.
    """
    one, other = (mask.flatten(1).bool().float().cpu() for mask in (first, second))
    both = (one @ other.T).double()
    either = one.sum(1).double().unsqueeze(1) + other.sum(1).double() - both
    return (1 - both / either.clamp_min(1)).where(either > 0, torch.zeros_like(both))


def _matched(costs: Tensor) -> Tensor:
    from scipy.optimize import linear_sum_assignment

    _, columns = linear_sum_assignment(costs.numpy())
    return torch.from_numpy(columns)


def _reordered(mask: Tensor, matching: Tensor) -> Tensor:
    """Return the mask with its inputs in the order of the first network's units."""
    per_unit = mask.shape[1] // len(matching)
    inside = torch.arange(per_unit)
    order = (matching.unsqueeze(1) * per_unit + inside).flatten()
    return mask.index_select(1, order.to(mask.device))


def _refuse_other_shapes(first: Sequence[Tensor], second: Sequence[Tensor]) -> None:
    shapes = [[tuple(mask.shape) for mask in masks] for masks in (first, second)]
    if shapes[0] != shapes[1] or not first:
        raise ValueError(f"topologies of other shapes cannot be compared: {shapes[0]}, {shapes[1]}")
    for (out, *_), (_, into, *_) in zip(shapes[0], shapes[0][1:], strict=False):
        if into % out:
            raise ValueError(f"no chain: a layer of {out} units feeds one of {into} inputs")
