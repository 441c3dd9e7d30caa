"""set_np: set, and hidden units that are weakly connected are pruned while it trains."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch

from sparse.dynamic.topology import Topology
from sparse.dynamic.topology_options import shared_option
from sparse.dynamic.update_options import update_interval, update_unit_option
from sparse.method_traits import MASKED, RANDOM_GROWTH
from sparse.methods import METHODS
from sparse.schedule import known_length
from sparse.sparsifier import Sparsifier
from sparse.stats import living_share
from sparse.storage import storage_of
from sparse.structured.unit_pruning import UnitPruning, UnitPruningOptions
from sparse.updates import TopologyUpdate


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SetNpOptions(UnitPruningOptions):
    """Options of set_np."""

    drop: str = shared_option("drop", "signed")
    anneal: str = shared_option("anneal", "constant")
    growth: str = shared_option("growth", "random")
    update_unit: str = update_unit_option()


@METHODS.register(
    "set_np",
    summary="dynamic, structured: set that prunes weakly connected hidden units (SET-NP)",
    options=SetNpOptions,
    density="bounded",
    dynamic=True,
    models={"trait": "chain"},
    storages=[MASKED, {"storage": "csr", "when": RANDOM_GROWTH}],
    source="this project; after the abstract of Liu et al. 2019 and after Curci et al. 2021",
)
class SetNP(Sparsifier):
    """SET with neuron pruning in the hidden layers of a chain.

    After a step, prunings that are due come first, then the topology update; what prunings removed
    is grown last, so that it is trained before the next update can drop it.
    """

    Options = SetNpOptions
    tracks_explored = True
    topology: Topology

    def resolve(self, total_steps: int | None) -> None:
        """Resolve the steps of updates and prunings; the length of the run must be known."""
        total = known_length(total_steps, "set_np")
        every = update_interval(
            self.options.update_every, self.options.update_unit, self.context.steps_per_epoch
        )
        self.topology = Topology(self, total, headroom=2, every=every)
        self.units = UnitPruning(self, total, "set_np")

    def wants_update(self, step: int) -> bool:
        """Return whether a topology update or a pruning is due."""
        return self.units.is_due(step) or super().wants_update(step)

    @torch.no_grad()
    def after_step(self, step: int) -> TopologyUpdate:
        """Prune units, drop and grow, and grow what was pruned at places between living units."""
        storages = {layer.name: storage_of(layer) for layer in self.layers}
        before = {name: storage.active() for name, storage in storages.items()}
        self.units.prune(step)
        fraction = None
        if self.topology.wants_update(step):
            fraction = self.topology.update(step, self.units.free(before)).drop_fraction
        self.units.refill(step, before)
        after = {name: storage.active() for name, storage in storages.items()}
        return TopologyUpdate(
            step=step,
            drop_fraction=fraction,
            dropped=sum(each.lost(before[name], after[name]) for name, each in storages.items()),
            grown=sum(each.lost(after[name], before[name]) for name, each in storages.items()),
        )

    def metrics(self) -> dict[str, float]:
        """Return the base class's metrics and the share of the hidden units that live."""
        return {**super().metrics(), **living_share(self.units.alive.values())}

    def state_dict(self) -> dict[str, Any]:
        """Return all own state, that of the prunings included."""
        return {**super().state_dict(), "units": self.units.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state made with the same options."""
        super().load_state_dict(state)
        self.units.load_state_dict(state["units"])
