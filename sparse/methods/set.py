"""set: drop the weights closest to zero at regular steps and grow as many at random."""

import dataclasses

import torch
from torch import Tensor

from sparse import drop, grow
from sparse.context import Layer
from sparse.methods import METHODS
from sparse.options import option
from sparse.schedule import dynamic_schedules
from sparse.select import positions, refuse_nan, without
from sparse.sparsifier import Sparsifier, TopologyUpdate


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SetOptions:
    """Options of set."""

    drop: str = option(
        "signed",
        choices=["signed", "magnitude"],
        only_with={"convention": "exact"},
        help="drop the smallest of each sign (the original rule) or the smallest |w| of all",
    )
    drop_fraction: float = option(
        0.3, gt=0, lt=1, help="share of a layer's active weights dropped at a topology update"
    )
    anneal: str = option(
        "constant",
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
    update_stop: float = option(1.0, gt=0, le=1, help="fraction of the run after which masks stay")
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
    """Sparse evolutionary training with layer-wise exact counts.

    An update drops at most half as many weights as a layer has inactive ones, so that growth keeps
    a choice. What was just dropped does not grow back in the same update.
    """

    Options = SetOptions
    tracks_explored = True

    def resolve(self, total_steps: int | None) -> None:
        """Resolve the update steps and drop fractions."""
        options = self.options
        self.updates, self.drops = dynamic_schedules(
            every=options.update_every,
            stop=options.update_stop,
            anneal=options.anneal,
            initial=options.drop_fraction,
            final=options.final_drop_fraction,
            total=total_steps,
        )

    def wants_update(self, step: int) -> bool:
        """Return whether a topology update is due."""
        return self.updates.is_update(step)

    @torch.no_grad()
    def after_step(self, step: int) -> TopologyUpdate:
        """Drop and grow in every layer."""
        fraction = self.drops.drop_fraction(step)
        generator = self.context.generator("grow", step)
        refuse_nan({f"weight of {layer.name}": layer.weight for layer in self.layers})
        dropped = sum(self._exchange(layer, fraction, generator) for layer in self.layers)
        return TopologyUpdate(step=step, drop_fraction=fraction, dropped=dropped, grown=dropped)

    def _exchange(self, layer: Layer, fraction: float, generator: torch.Generator) -> int:
        active = positions(layer.mask, self.counts[layer.name])
        dropped = self._dropped(layer.weight, active, fraction)
        occupied = active if self.options.convention == "exact" else without(active, dropped)
        grown = grow.random(layer.mask.numel(), occupied, len(dropped), generator)
        self.exchange(layer, dropped, grown)
        return len(dropped)

    def _dropped(self, weight: Tensor, active: Tensor, fraction: float) -> Tensor:
        if self.options.convention != "exact":
            dense = self.options.convention == "set2018_keras"
            return drop.set2018(weight, active, fraction, dense=dense)
        limit = (weight.numel() - len(active)) // 2
        if self.options.drop == "signed":
            return drop.signed(weight, active, fraction, limit=limit)
        return drop.magnitude(weight, active, min(drop.whole_share(fraction, len(active)), limit))
