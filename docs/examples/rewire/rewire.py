"""rewire: at regular steps swap some of the active weights for random inactive ones."""

import dataclasses

import torch

from sparse.methods import METHODS
from sparse.options import option
from sparse.random_positions import random_positions
from sparse.schedule import UpdateSchedule
from sparse.sparsifier import Sparsifier
from sparse.updates import TopologyUpdate


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class RewireOptions:
    """Options of rewire."""

    share: float = option(0.1, gt=0, lt=1, help="share of a layer's active weights that is swapped")
    update_every: int = option(100, ge=1, help="optimizer steps between two topology updates")


@METHODS.register(
    "rewire",
    summary="dynamic: swap random active weights for random inactive ones",
    options=RewireOptions,
    dynamic=True,
    source="an example",
)
class Rewire(Sparsifier):
    """Begins with a random mask of the allocated counts and keeps these counts."""

    Options = RewireOptions
    tracks_explored = True

    def resolve(self, total_steps: int | None) -> None:
        """Resolve the update steps."""
        self.updates = UpdateSchedule(every=self.options.update_every, total=total_steps)

    def wants_update(self, step: int) -> bool:
        """Return whether a topology update is due."""
        return self.updates.is_update(step)

    @torch.no_grad()
    def after_step(self, step: int) -> TopologyUpdate:
        """Swap weights in every layer."""
        generator, moved = self.context.generator("rewire", step), 0
        for layer in self.layers:
            active = layer.mask.bool()
            k = min(int(self.options.share * int(active.sum())), int((~active).sum()))
            dropped = random_positions(active, k, generator)
            self.exchange(layer, dropped, random_positions(~active, k, generator))
            moved += k
        return TopologyUpdate(
            step=step, drop_fraction=self.options.share, dropped=moved, grown=moved
        )
