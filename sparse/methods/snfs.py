"""snfs: drop the smallest weights, grow those with the largest running mean of the gradient."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sparse.flops import Passes
from sparse.methods import METHODS
from sparse.sparsifier import Sparsifier, TopologyUpdate
from sparse.topology import Topology
from sparse.topology_options import TopologyOptions, shared_option


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SnfsOptions(TopologyOptions):
    """Options of snfs."""

    drop_fraction: float = shared_option("drop_fraction", 0.5)
    final_drop_fraction: float = shared_option("final_drop_fraction", 0.005)
    growth: str = shared_option("growth", "momentum")
    redistribution: str = shared_option("redistribution", "momentum")


@METHODS.register(
    "snfs",
    summary="dynamic: grow by the running mean of the gradient, most in layers where it is large",
    options=SnfsOptions,
    stored_weights="masked",
    density="exact",
    changes_shape=False,
    stackable=True,
    dynamic=True,
    ignores=[],
    needs=[],
    source="Dettmers and Zettlemoyer 2019 (sparse networks from scratch), algorithm 1",
)
class SNFS(Sparsifier):
    """Sparse momentum with an exact total.

    What all layers drop is shared among them by the mean |running gradient| of their active
    weights, so layers change their density while the network keeps its own.
    """

    Options = SnfsOptions
    tracks_explored = True

    def resolve(self, total_steps: int | None) -> None:
        """Resolve the update steps and drop fractions."""
        self.topology = Topology(self, total_steps)

    def wants_gradients(self, step: int) -> bool:
        """Return whether the running mean takes this step's gradients: all, up to the last."""
        return self.topology.wants_gradients(step)

    def wants_update(self, step: int) -> bool:
        """Return whether a topology update is due."""
        return self.topology.wants_update(step)

    def after_backward(self, step: int) -> None:
        """Add the gradients to their running means."""
        self.topology.after_backward(step)

    def after_step(self, step: int) -> TopologyUpdate:
        """Drop, share and grow."""
        return self.topology.update(step)

    def passes(self, dense_gradients: bool) -> Passes:
        """Return which weights a step needs; some rules look at few gradients only."""
        return self.topology.passes(dense_gradients)

    def state_dict(self) -> dict[str, Any]:
        """Return all own state, the running means included."""
        return {**super().state_dict(), "topology": self.topology.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state made with the same options."""
        super().load_state_dict(state)
        self.topology.load_state_dict(state["topology"])
