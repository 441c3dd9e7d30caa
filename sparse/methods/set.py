"""set: drop the weights closest to zero at regular steps and grow as many at random."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch

from sparse import drop, grow
from sparse.context import Layer
from sparse.flops import Passes
from sparse.methods import METHODS
from sparse.options import option
from sparse.select import positions, without
from sparse.sparsifier import Sparsifier, TopologyUpdate
from sparse.topology import Topology
from sparse.topology_options import TopologyOptions, shared_option

_EXACT = {"convention": "exact"}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SetOptions(TopologyOptions):
    """Options of set."""

    drop: str = shared_option("drop", "signed", only_with=_EXACT)
    anneal: str = shared_option("anneal", "constant")
    growth: str = shared_option("growth", "random", only_with=_EXACT)
    redistribution: str = shared_option("redistribution", "none", only_with=_EXACT)
    convention: str = option(
        "exact",
        choices=["exact", "set2018_scipy", "set2018_keras"],
        help="exact counts, or the thresholds of a published code, which may regrow what it drops",
    )


@METHODS.register(
    "set",
    summary="dynamic: drop the weights closest to zero, grow random ones",
    options=SetOptions,
    stored_weights="masked",
    density="exact",
    changes_shape=False,
    stackable=True,
    dynamic=True,
    ignores=[],
    needs=[],
    source="Mocanu et al. 2018 (SET)",
)
class SET(Sparsifier):
    """Sparse evolutionary training with exact counts.

    An update drops at most half as many weights as a layer has inactive ones, so that growth keeps
    a choice. What was just dropped does not grow back in the same update.
    """

    Options = SetOptions
    tracks_explored = True

    def resolve(self, total_steps: int | None) -> None:
        """Resolve the update steps and drop fractions."""
        self.topology = Topology(self, total_steps, headroom=2)

    def wants_gradients(self, step: int) -> bool:
        """Return whether a rule other than the default needs this step's gradients."""
        return self.topology.wants_gradients(step)

    def wants_update(self, step: int) -> bool:
        """Return whether a topology update is due."""
        return self.topology.wants_update(step)

    def after_backward(self, step: int) -> None:
        """Keep what the rules need of the gradients."""
        self.topology.after_backward(step)

    def after_step(self, step: int) -> TopologyUpdate:
        """Drop and grow."""
        if self.options.convention == "exact":
            return self.topology.update(step)
        generator = self.context.generator("grow", step)
        return self.topology.published_update(
            step, lambda layer, fraction: self._published(layer, fraction, generator)
        )

    def passes(self, dense_gradients: bool) -> Passes:
        """Return which weights a step needs; some rules look at few gradients only."""
        return self.topology.passes(dense_gradients)

    def state_dict(self) -> dict[str, Any]:
        """Return all own state, that of the updates included."""
        return {**super().state_dict(), "topology": self.topology.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state made with the same options."""
        super().load_state_dict(state)
        self.topology.load_state_dict(state["topology"])

    def _published(self, layer: Layer, fraction: float, generator: torch.Generator) -> int:
        active = positions(layer.mask, self.counts[layer.name])
        dense = self.options.convention == "set2018_keras"
        dropped = drop.set2018(layer.weight, active, fraction, dense=dense)
        occupied = without(active, dropped)
        grown = grow.random(layer.mask.numel(), occupied, len(dropped), generator)
        self.exchange(layer, dropped, grown)
        return len(dropped)
