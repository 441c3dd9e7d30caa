"""snfs: drop the smallest weights, grow those with the largest running mean of the gradient."""

import dataclasses

from sparse.dynamic.topology import Topology
from sparse.dynamic.topology_options import TopologyOptions, shared_option
from sparse.methods import METHODS
from sparse.sparsifier import Sparsifier


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
    dynamic=True,
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
