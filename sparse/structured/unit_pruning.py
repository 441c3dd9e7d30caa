"""Pruning hidden units of a chain while it trains, and what becomes of the weights they had.

A method owns one `UnitPruning` and calls it in its hooks. A pruned unit loses its weights on both
sides, its bias and their optimizer slots, and nothing of it ever grows again.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from sparse.dynamic.topology_options import TopologyOptions
from sparse.options import option
from sparse.schedule import resolve_step
from sparse.select import smallest
from sparse.sparsifier import Sparsifier
from sparse.storage import Free, Storage, storage_of
from sparse.structured.chain import refuse_other_than_chain, strengths
from sparse.structured.units import refuse_transposed


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class UnitPruningOptions(TopologyOptions):
    """The options of a dynamic method that prunes units."""

    target_fraction: float = option(
        0.5, ge=0, lt=1, help="share of the units of every hidden layer that is pruned in all"
    )
    prune_events: int = option(
        5, ge=1, help="prunings, evenly spaced from prune_start to prune_stop"
    )
    prune_start: float = option(
        0.1, ge=0, lt=1, at_most="prune_stop", help="fraction of the run at the first pruning"
    )
    prune_stop: float = option(0.5, gt=0, le=1, help="fraction of the run at the last pruning")
    score: str = option(
        "both",
        choices=["in", "out", "both"],
        help="a unit's strength: sum of |w| of its incoming weights, its outgoing ones, or both",
    )
    normalise: bool = option(False, help="divide a strength by the number of weights in it")
    budget: str = option(
        "keep",
        choices=["keep", "shrink"],
        help="grow as many weights elsewhere as a pruning removes, or let the network shrink",
    )


class UnitPruning:
    """The prunings of one method, made in its `resolve`.

    method: its `options` (`UnitPruningOptions`), `layers` and `context` are used, and its
    `exchange` changes the masks. Layers that are transposed or no chain are a ValueError.

    `alive` holds the living units (bool) of the hidden layers by layer name, all layers but the
    last; `missing` the weights of each layer that a pruning removed and that found no place yet.
    """

    def __init__(self, method: Sparsifier, total_steps: int, name: str) -> None:
        refuse_transposed(method.layers, name)
        refuse_other_than_chain(method.layers, name)
        self._method = method
        self._options: UnitPruningOptions = method.options
        self._events = self._steps(total_steps)
        self.alive = {layer.name: _all_alive(storage_of(layer)) for layer in method.layers[:-1]}
        self.missing = {layer.name: 0 for layer in method.layers}

    def is_due(self, step: int) -> bool:
        """Return whether units are pruned after a step."""
        return step in self._events

    def prune(self, step: int) -> None:
        """Prune what is due after a step: the weakest living units of every hidden layer.

        All layers are scored before any unit goes. One unit stays in every layer; of equal ones
        the lower index goes.
        """
        over = sum(count for at, count in self._events.items() if at < step)
        for event in range(over + 1, over + self._events[step] + 1):
            scores = self._scores()
            for alive, score in zip(self.alive.values(), scores, strict=True):
                alive &= ~smallest(score, self._count(alive, event), among=alive)
            self._clear()

    def refill(self, step: int, before: Mapping[str, Tensor]) -> None:
        """Grow at random what prunings removed, as far as there are free places."""
        generator = self._method.context.generator("refill", step)
        free = self.free(before)
        for layer in self._method.layers:
            count = min(self.missing[layer.name], len(free[layer.name]))
            grown = free[layer.name].draw(count, generator)
            self._method.exchange(layer, grown[:0], grown)
            self.missing[layer.name] -= count

    def free(self, before: Mapping[str, Tensor]) -> dict[str, Free]:
        """Return the places, by layer, that may grow: not active, nor `before` so, nor pruned.

        `before` holds choices (`sparse/storage.py`) by layer name.
        """
        return {
            layer.name: storage_of(layer).free(before[layer.name], *units)
            for layer, units in zip(self._method.layers, self._units(), strict=True)
        }

    def state_dict(self) -> dict[str, Any]:
        """Return all that later prunings depend on."""
        return {"alive": dict(self.alive), "missing": dict(self.missing)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state made with the same options."""
        for name, alive in self.alive.items():
            alive.copy_(state["alive"][name])
        self.missing = dict(state["missing"])

    def _steps(self, total: int) -> Counter[int]:
        """Return how many prunings follow each step; the last step has none."""
        options = self._options
        first, last = (resolve_step(at, total) for at in (options.prune_start, options.prune_stop))
        parts = max(1, options.prune_events - 1)
        steps = [first + (last - first) * n // parts for n in range(options.prune_events)]
        return Counter(min(max(1, step), total - 1) for step in steps if total > 1)

    def _scores(self) -> list[Tensor]:
        options = self._options
        return [
            strengths(layer, following, score=options.score, normalise=options.normalise)
            for layer, following in pairwise(self._method.layers)
        ]

    def _count(self, alive: Tensor, event: int) -> int:
        """Return how many units of a layer a pruning takes, the events counted from 1.

        After event i of n, floor(target_fraction * width * i / n + 1/2) of its units are gone.
        """
        width, living = len(alive), int(alive.count_nonzero())
        share = Fraction(str(self._options.target_fraction)) * event / self._options.prune_events
        return min(int(share * width + Fraction(1, 2)) - (width - living), living - 1)

    def _clear(self) -> None:
        """Take from all units that are not alive what they have."""
        for layer, units in zip(self._method.layers, self._units(), strict=True):
            removed = storage_of(layer).cut_off(*units)
            self._method.exchange(layer, removed, removed[:0])
            if self._options.budget == "keep":
                self.missing[layer.name] += len(removed)
            if layer.bias is not None and layer.name in self.alive:
                for tensor in (layer.bias, *layer.bias_slots().values()):
                    tensor.mul_(self.alive[layer.name])

    def _units(self) -> list[tuple[Tensor | None, Tensor | None]]:
        """Return the units after and before each layer that live; None where none is pruned."""
        units = [None, *self.alive.values(), None]
        return list(zip(units[1:], units, strict=False))


def _all_alive(storage: Storage) -> Tensor:
    return torch.ones(storage.shape[0], dtype=torch.bool, device=storage.device)
