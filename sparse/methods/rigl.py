"""rigl: drop the smallest weights at regular steps and grow where the dense gradient is largest."""

import dataclasses

from torch import Tensor

from sparse import drop, grow
from sparse.context import Layer
from sparse.dynamic.topology import Topology
from sparse.dynamic.topology_options import TopologyOptions, shared_option
from sparse.methods import METHODS
from sparse.options import option
from sparse.select import positions, without
from sparse.sparsifier import Sparsifier
from sparse.storage import storage_of
from sparse.updates import TopologyUpdate

_EXACT = {"convention": "exact"}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class RiglOptions(TopologyOptions):
    """Options of rigl."""

    drop: str = shared_option("drop", "magnitude", only_with=_EXACT)
    growth: str = shared_option("growth", "gradient", only_with=_EXACT)
    redistribution: str = shared_option("redistribution", "none", only_with=_EXACT)
    update_stop: float = shared_option("update_stop", 0.75)
    convention: str = option(
        "exact",
        choices=["exact", "rigl", "rigl_text", "itop"],
        help="exact: what is dropped does not grow back at once; rigl: the published code, where it"
        " may and keeps its value; rigl_text: the paper, where it then starts at 0; itop: as rigl,"
        " counts rounded up and ties dropped together",
    )


@METHODS.register(
    "rigl",
    summary="dynamic: drop the smallest weights, grow those with the largest gradients",
    options=RiglOptions,
    dynamic=True,
    source="Evci et al. 2020 (RigL), algorithm 1",
)
class RigL(Sparsifier):
    """Rigging the lottery with exact counts.

    Growth uses the dense gradient of the step that the update follows; the optimizer step itself is
    taken as always. An update drops at most as many weights as a layer has inactive ones.
    """

    Options = RiglOptions
    tracks_explored = True
    topology: Topology

    def resolve(self, total_steps: int | None) -> None:
        """Resolve the update steps and drop fractions."""
        self.topology = Topology(self, total_steps)

    def after_step(self, step: int) -> TopologyUpdate:
        """Drop and grow."""
        if self.options.convention == "exact":
            return self.topology.update(step)
        return self.topology.published_update(step, self._published)

    def _published(self, layer: Layer, fraction: float) -> int:
        active = positions(layer.mask, self.counts[layer.name])
        dropped = self._dropped(storage_of(layer).values(active), active, fraction)
        scores = self.topology.gradients.latest[layer.name]
        grown = grow.gradient(scores, without(active, dropped), len(dropped))
        if self.options.convention == "rigl_text":
            self.exchange(layer, dropped, grown)
        else:
            # What is dropped and grown at once stays as it is, with its value and its slots.
            self.exchange(layer, without(dropped, grown), without(grown, dropped))
        return len(dropped)

    def _dropped(self, values: Tensor, active: Tensor, fraction: float) -> Tensor:
        if self.options.convention == "itop":
            return drop.itop(values, active, fraction)
        return drop.magnitude(values, active, drop.whole_share(fraction, len(active)))
