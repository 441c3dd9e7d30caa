"""A topology update as dynamic methods share it: drop x grow x redistribute, with exact counts.

A method owns one `Topology`, to which the hooks of its base class go. What an update drops never
grows back in it. Which rules apply, and when, are the method's options (`TopologyOptions`).
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from sparse import drop, grow
from sparse.context import Layer
from sparse.dynamic import redistribute
from sparse.dynamic.gradient_memory import GradientMemory
from sparse.dynamic.topology_options import PHASED, TopologyOptions
from sparse.dynamic.update_options import dynamic_schedules
from sparse.flops import Passes
from sparse.masked_storage import MaskedFree
from sparse.select import refuse_nan
from sparse.sparsifier import Sparsifier
from sparse.storage import Free, storage_of
from sparse.updates import TopologyUpdate


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    """One layer in one update; positions as in `sparse.drop`."""

    layer: Layer
    active: Tensor
    free: Free
    dropped: Tensor

    @property
    def occupied(self) -> Tensor:
        """The positions that may not grow, for rules that rank the dense tensors of a layer."""
        assert isinstance(self.free, MaskedFree)
        return self.free.occupied


class Topology:
    """The topology updates of one method, and all that they remember.

    method: its `options`, `layers`, `counts`, `explored` and `context` are used, and its `exchange`
    changes the masks. Made in the method's `resolve`, as its `topology`.
    headroom: an update drops at most free / headroom weights of a layer, so that growth has at
    least that many places to choose from for each.
    every: steps between two updates, where it is not the option `update_every`.
    """

    def __init__(
        self,
        method: Sparsifier,
        total_steps: int | None,
        *,
        headroom: int = 1,
        every: int | None = None,
    ) -> None:
        options: TopologyOptions = method.options
        self.updates, self.drops = dynamic_schedules(options, total_steps, every)
        self.gradients = GradientMemory(options, self.updates, total_steps)
        self._method = method
        self._options = options
        self._headroom = headroom

    def wants_gradients(self, step: int) -> bool:
        """Return whether a rule needs this step's gradients."""
        return self.gradients.wants(step)

    def wants_update(self, step: int) -> bool:
        """Return whether a topology update is due."""
        return self.updates.is_update(step)

    def passes(self, dense_gradients: bool) -> Passes:
        """Return which weights a step needs, as `Sparsifier.passes` does.

        Where the rules look at gradients, they may look at some only: of candidates, or of active
        weights.
        """
        counts = seen = self._method.counts
        if dense_gradients:
            layers = self._method.layers
            seen = {each.name: self.gradients.ranked(each, counts[each.name]) for each in layers}
        return Passes(forward=counts, input_gradients=counts, weight_gradients=seen)

    def kept_values(self) -> int:
        """Return how many numbers the rules remember besides weights and masks."""
        return self.gradients.kept_values()

    @torch.no_grad()
    def after_backward(self, step: int) -> None:
        """Keep what the rules need of the gradients."""
        layers = self._method.layers
        self.gradients.see(step, layers, type(self._method).__name__.lower())
        if self._options.growth == "gradient_subset" and self.wants_update(step):
            generator = self._method.context.generator("subset", step)
            for layer in layers:
                self.gradients.draw(layer, self._method.counts[layer.name], generator)

    @torch.no_grad()
    def update(self, step: int, free: Mapping[str, Free] | None = None) -> TopologyUpdate:
        """Drop in every layer, then grow as many weights in the layers that are to have them.

        `free` holds, by layer name, the places that may grow: inactive ones without those that the
        method itself has just made so. Without it these are all inactive ones.
        """
        self._refuse_nan()
        by_threshold = self._options.drop == "threshold"
        fraction = None if by_threshold else self.drops.drop_fraction(step)
        changes = [
            self._change(layer, fraction, (free or {}).get(layer.name))
            for layer in self._method.layers
        ]
        counts = self._regrown(changes)
        generator = self._method.context.generator("grow", step)
        for change, count in zip(changes, counts, strict=True):
            grown = self._grown(change, count, step, generator)
            self._method.exchange(change.layer, change.dropped, grown)
        self.gradients.end_update(step)
        moved = sum(counts)
        return TopologyUpdate(step=step, drop_fraction=fraction, dropped=moved, grown=moved)

    @torch.no_grad()
    def published_update(
        self, step: int, exchange: Callable[[Layer, float], int]
    ) -> TopologyUpdate:
        """Update by the rule of a published code instead.

        `exchange` drops and grows in one layer at a drop fraction and returns how many.
        """
        self._refuse_nan()
        fraction = self.drops.drop_fraction(step)
        moved = sum(exchange(layer, fraction) for layer in self._method.layers)
        self.gradients.end_update(step)
        return TopologyUpdate(step=step, drop_fraction=fraction, dropped=moved, grown=moved)

    def state_dict(self) -> dict[str, Any]:
        """Return all that later updates depend on."""
        return self.gradients.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state made with the same options."""
        devices = {layer.name: storage_of(layer).device for layer in self._method.layers}
        self.gradients.load_state_dict(state, devices)

    def _refuse_nan(self) -> None:
        layers = self._method.layers
        weights = {f"weight of {layer.name}": storage_of(layer).weights() for layer in layers}
        refuse_nan(weights, wait=False)
        self.gradients.refuse_nan()

    def _change(self, layer: Layer, fraction: float | None, free: Free | None) -> _Change:
        storage = storage_of(layer)
        active = storage.positions(self._method.counts[layer.name])
        free = storage.others(active) if free is None else free
        limit = len(free) // self._headroom
        dropped = self._dropped(layer.name, storage.values(active), active, fraction, limit)
        return _Change(layer=layer, active=active, free=free, dropped=dropped)

    def _dropped(
        self, name: str, values: Tensor, active: Tensor, fraction: float | None, limit: int
    ) -> Tensor:
        """Return which of the active weights of a layer, of these values, go."""
        rule = self._options.drop
        if fraction is None:
            return drop.threshold(values, active, self._options.drop_threshold, limit=limit)
        if rule == "taylor":
            k = min(drop.whole_share(fraction, len(active)), limit)
            gradients = _at(self.gradients.latest[name], active)
            return drop.taylor(values, gradients, active, k)
        return drop.by_size(rule, values, active, fraction, limit=limit)

    def _regrown(self, changes: list[_Change]) -> list[int]:
        """Return how many weights each layer grows."""
        dropped = [len(change.dropped) for change in changes]
        if self._options.redistribution == "none":
            return dropped
        shares = self._shares(changes)
        return redistribute.regrown(dropped, shares, [len(change.free) for change in changes])

    def _shares(self, changes: list[_Change]) -> list[float]:
        rule, average = self._options.redistribution, self.gradients.average
        if rule == "nonzeros":
            return [float(len(change.active) - len(change.dropped)) for change in changes]
        ranked = [
            _at(average[change.layer.name], change.active)
            if rule == "momentum"
            else storage_of(change.layer).values(change.active)
            for change in changes
        ]
        return redistribute.mean_sizes(ranked)

    def _grown(self, change: _Change, count: int, step: int, generator: torch.Generator) -> Tensor:
        name, rule = change.layer.name, self._growth(step)
        if rule == "random":
            return change.free.draw(count, generator)
        occupied = change.occupied
        if rule == "random_unexplored":
            return grow.unexplored(self._method.explored[name], occupied, count, generator)
        scores = self.gradients.scores(step, name)
        if rule in ("candidates", "gradient_subset"):
            among = self.gradients.candidates[name]
            return grow.candidates(scores, among, occupied, count, generator)
        if self._options.growth == "candidates":
            self.gradients.collect(name, count)
        return grow.gradient(scores, occupied, count)

    def _growth(self, step: int) -> str:
        """Return the growth rule of a step: what grows in two phases begins as `gradient`."""
        rule: str = self._options.growth
        if rule in PHASED and self.gradients.is_dense(step):
            return "gradient"
        return "random" if rule == "gradient_then_random" else rule


def _at(tensor: Tensor, positions: Tensor) -> Tensor:
    return tensor.flatten().index_select(0, positions)
