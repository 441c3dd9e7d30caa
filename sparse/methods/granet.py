"""granet: prune gradually, and at every update exchange weights within the layers as rigl does."""

import dataclasses

import torch
from torch import Tensor

from sparse.allocation import Density, decides_density, parse_density
from sparse.context import Layer
from sparse.dynamic.topology import Topology
from sparse.dynamic.topology_options import BY_FRACTION, TopologyOptions, shared_option
from sparse.gradual import GradualPruning, active_magnitudes
from sparse.methods import METHODS
from sparse.options import option
from sparse.schedule import known_length
from sparse.select import largest_global
from sparse.sparsifier import Sparsifier
from sparse.storage import Free, storage_of
from sparse.updates import TopologyUpdate


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class GranetOptions(TopologyOptions):
    """Options of granet."""

    initial_density: float = option(
        0.5, gt=0, le=1, help="density at the start, or the cell's own where that is larger"
    )
    prune_start: float = option(
        0.0, ge=0, lt=1, below="prune_stop", help="fraction of the run at which pruning begins"
    )
    prune_stop: float = option(
        0.5, gt=0, le=1, at_most="update_stop", help="fraction of the run at which it ends"
    )
    drop_fraction: float = option(
        0.5, ge=0, lt=1, only_with={"drop": BY_FRACTION}, help="share exchanged; 0: prune only"
    )
    final_drop_fraction: float = shared_option(
        "final_drop_fraction", 0.005, unless={"drop_fraction": 0}
    )
    anneal_stop: float | None = shared_option("anneal_stop", None, unless={"drop_fraction": 0})


@METHODS.register(
    "granet",
    summary="dynamic: prune gradually over all layers, and exchange weights within them",
    options=GranetOptions,
    density="scheduled",
    dynamic=True,
    ignores=[{"field": "allocation", "when": {"initial_density": 1.0}}],
    needs_density=True,
    source="Liu et al. 2021 (GraNet), algorithm 1",
)
class GraNet(Sparsifier):
    """Gradual pruning with zero-cost neuroregeneration, both with exact counts.

    An update first prunes the smallest weights of the whole network to the density of a cubic from
    start to stop, and then exchanges weights within each layer. What it prunes or drops does not
    grow back in it. Where no update falls on the stop, that step prunes alone, so that the density
    is reached exactly; it is at most the last but one step.
    """

    Options = GranetOptions
    tracks_explored = True
    topology: Topology

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation in a run that starts dense."""
        return ("allocation",) if self.options.initial_density == 1 else ()

    def resolve(self, total_steps: int | None) -> None:
        """Turn fractions of the run into steps; a run of unknown length is a ValueError.

        So is an allocation that decides the density: there would be nothing to prune.
        """
        total = known_length(total_steps, "granet")
        if decides_density(self.allocation):
            raise ValueError(
                f"allocation {self.allocation} decides the density itself, but granet is to divide"
                f" an initial density of {self.first_density()}; allowed: an allocation that does"
            )
        self.topology = Topology(self, total)
        self.pruning = GradualPruning(
            start=self.options.prune_start,
            stop=self.options.prune_stop,
            every=self.options.update_every,
            total=total,
        )

    def first_density(self) -> Density:
        """Return the initial density, or the final one where that is larger."""
        return max(parse_density(self.options.initial_density), self.density)

    @torch.no_grad()
    def initial_masks(self) -> dict[str, Tensor]:
        """Return random masks of the initial density, pruned at once in a run of a single step."""
        dense = {layer.name: torch.ones_like(layer.mask).bool() for layer in self.layers}
        self.set_masks(super().initial_masks() if self.allocated else dense)
        return self._kept(self._count(0))

    def wants_update(self, step: int) -> bool:
        """Return whether an update is due, or the density must be reached."""
        return super().wants_update(step) or self.pruning.is_due(step)

    @torch.no_grad()
    def after_step(self, step: int) -> TopologyUpdate:
        """Prune all layers together, then drop and grow."""
        free = {each.name: self._inactive(each) for each in self.layers}
        left, count = sum(self.counts.values()), self._count(step)
        if count < left:
            self.set_masks(self._kept(count))
        pruned = left - sum(self.counts.values())
        if not self.topology.wants_update(step):
            return TopologyUpdate(step=step, drop_fraction=None, dropped=pruned, grown=0)
        update = self.topology.update(step, free)
        return dataclasses.replace(update, dropped=update.dropped + pruned)

    def _inactive(self, layer: Layer) -> Free:
        storage = storage_of(layer)
        return storage.others(storage.positions(self.counts[layer.name]))

    def _kept(self, count: int) -> dict[str, Tensor]:
        return largest_global(active_magnitudes(self.layers), count)

    def _count(self, step: int) -> int:
        """Return how many weights of the network are active after a step."""
        size = sum(self.sizes().values())
        first = sum(self.allocated.values()) or size
        return self.pruning.count(step, first=first, target=self.target(), size=size)
