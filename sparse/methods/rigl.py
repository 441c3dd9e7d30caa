"""rigl: drop the smallest weights at regular steps and grow where the dense gradient is largest."""

import dataclasses

import torch
from torch import Tensor

from sparse import drop, grow
from sparse.context import Layer
from sparse.methods import METHODS
from sparse.options import option
from sparse.schedule import dynamic_schedules
from sparse.scores import gradient
from sparse.select import positions, refuse_nan, without
from sparse.sparsifier import Sparsifier, TopologyUpdate


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class RiglOptions:
    """Options of rigl."""

    drop_fraction: float = option(
        0.3, gt=0, lt=1, help="share of a layer's active weights dropped at the first update"
    )
    anneal: str = option(
        "cosine",
        choices=["constant", "cosine"],
        help="keep the drop fraction, or let it fall to final_drop_fraction at update_stop",
    )
    final_drop_fraction: float = option(
        0.0,
        ge=0,
        lt=1,
        at_most="drop_fraction",
        only_with={"anneal": "cosine"},
        help="drop fraction at update_stop; used by anneal: cosine",
    )
    update_every: int = option(100, ge=1, help="optimizer steps between two topology updates")
    update_stop: float = option(0.75, gt=0, le=1, help="fraction of the run after which masks stay")
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
    stored_weights="masked",
    density="exact",
    changes_shape=False,
    stackable=True,
    dynamic=True,
    ignores=[],
    needs=[],
    source="Evci et al. 2020 (RigL), algorithm 1",
)
class RigL(Sparsifier):
    """Rigging the lottery with layer-wise exact counts.

    Growth uses the dense gradient of the step that the update follows; the optimizer step itself is
    taken as always. An update drops at most as many weights as a layer has inactive ones.
    """

    Options = RiglOptions
    tracks_explored = True

    def resolve(self, total_steps: int | None) -> None:
        """Resolve the update steps and drop fractions."""
        options = self.options
        self.growth_scores: dict[str, Tensor] = {}
        self.updates, self.drops = dynamic_schedules(
            every=options.update_every,
            stop=options.update_stop,
            anneal=options.anneal,
            initial=options.drop_fraction,
            final=options.final_drop_fraction,
            total=total_steps,
        )

    def wants_gradients(self, step: int) -> bool:
        """Return whether this step's gradients decide what grows."""
        return self.updates.is_update(step)

    def wants_update(self, step: int) -> bool:
        """Return whether a topology update is due."""
        return self.updates.is_update(step)

    @torch.no_grad()
    def after_backward(self, step: int) -> None:
        """Keep |gradient| of every layer until the update."""
        for layer in self.layers:
            if layer.gradient is None:
                raise ValueError(
                    f"{layer.name} has no gradient, which rigl needs; exclude the layer"
                )
            self.growth_scores[layer.name] = gradient(layer.gradient)

    @torch.no_grad()
    def after_step(self, step: int) -> TopologyUpdate:
        """Drop and grow in every layer."""
        fraction = self.drops.drop_fraction(step)
        refuse_nan({f"weight of {layer.name}": layer.weight for layer in self.layers})
        refuse_nan({f"gradient of {name}": scores for name, scores in self.growth_scores.items()})
        dropped = sum(self._exchange(layer, fraction) for layer in self.layers)
        self.growth_scores = {}
        return TopologyUpdate(step=step, drop_fraction=fraction, dropped=dropped, grown=dropped)

    def _exchange(self, layer: Layer, fraction: float) -> int:
        active = positions(layer.mask, self.counts[layer.name])
        dropped = self._dropped(layer.weight, active, fraction)
        occupied = active if self.options.convention == "exact" else without(active, dropped)
        grown = grow.gradient(self.growth_scores[layer.name], occupied, len(dropped))
        if self.options.convention in ("rigl", "itop"):
            # What is dropped and grown at once stays as it is, with its value and its slots.
            self.exchange(layer, without(dropped, grown), without(grown, dropped))
        else:
            self.exchange(layer, dropped, grown)
        return len(dropped)

    def _dropped(self, weight: Tensor, active: Tensor, fraction: float) -> Tensor:
        if self.options.convention == "itop":
            return drop.itop(weight, active, fraction)
        k = drop.whole_share(fraction, len(active))
        if self.options.convention == "exact":
            k = min(k, weight.numel() - len(active))
        return drop.magnitude(weight, active, k)
