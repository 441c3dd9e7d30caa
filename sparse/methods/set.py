"""set: drop the weights closest to zero at regular steps and grow as many at random."""

import dataclasses

import torch

from sparse import drop, grow
from sparse.context import Layer
from sparse.dynamic.topology import Topology
from sparse.dynamic.topology_options import TopologyOptions, shared_option
from sparse.dynamic.update_options import update_interval, update_unit_option
from sparse.method_traits import MASKED, RANDOM_GROWTH
from sparse.methods import METHODS
from sparse.options import option
from sparse.select import positions, without
from sparse.sparsifier import Sparsifier
from sparse.storage import storage_of
from sparse.updates import TopologyUpdate

_EXACT = {"convention": "exact"}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SetOptions(TopologyOptions):
    """Options of set."""

    drop: str = shared_option("drop", "signed", only_with=_EXACT)
    anneal: str = shared_option("anneal", "constant")
    growth: str = shared_option("growth", "random", only_with=_EXACT)
    update_unit: str = update_unit_option()
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
    dynamic=True,
    storages=[MASKED, {"storage": "csr", "when": {"convention": "exact", **RANDOM_GROWTH}}],
    source="Mocanu et al. 2018 (SET)",
)
class SET(Sparsifier):
    """Sparse evolutionary training with exact counts.

    An update drops at most half as many weights as a layer has inactive ones, so that growth keeps
    a choice. What was just dropped does not grow back in the same update.
    """

    Options = SetOptions
    tracks_explored = True
    topology: Topology

    def resolve(self, total_steps: int | None) -> None:
        """Resolve the update steps and drop fractions."""
        every = update_interval(
            self.options.update_every, self.options.update_unit, self.context.steps_per_epoch
        )
        self.topology = Topology(self, total_steps, headroom=2, every=every)

    def after_step(self, step: int) -> TopologyUpdate:
        """Drop and grow."""
        if self.options.convention == "exact":
            return self.topology.update(step)
        generator = self.context.generator("grow", step)
        return self.topology.published_update(
            step, lambda layer, fraction: self._published(layer, fraction, generator)
        )

    def _published(self, layer: Layer, fraction: float, generator: torch.Generator) -> int:
        active = positions(layer.mask, self.counts[layer.name])
        inactive = layer.mask.numel() - len(active)
        zeros = inactive if self.options.convention == "set2018_keras" else 0
        dropped = drop.set2018(storage_of(layer).values(active), active, fraction, zeros=zeros)
        occupied = without(active, dropped)
        grown = grow.random(layer.mask.numel(), occupied, len(dropped), generator)
        self.exchange(layer, dropped, grown)
        return len(dropped)
