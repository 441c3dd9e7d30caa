"""gmp: gradual magnitude pruning, from dense to the target along a cubic."""

import dataclasses
import math

import torch
from torch import Tensor

from sparse.methods import METHODS
from sparse.options import option
from sparse.schedule import CubicDensity, resolve_step
from sparse.scores import active_magnitude
from sparse.select import largest, largest_global, refuse_nan
from sparse.sparsifier import Sparsifier, TopologyUpdate

_NETWORK = ""  # no layer has this name


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class GmpOptions:
    """Options of gmp."""

    start: float = option(
        0.1, ge=0, lt=1, below="stop", help="fraction of the run at which pruning begins"
    )
    stop: float = option(0.8, gt=0, le=1, help="fraction of the run at which the target is reached")
    update_every: int = option(100, ge=1, help="optimizer steps between two prunings")
    scope: str = option(
        "global",
        choices=["global", "layer"],
        help="rank weights over all layers together, or within layers to the allocated densities",
    )


@METHODS.register(
    "gmp",
    summary="prune the smallest weights gradually while training, from dense to the target",
    options=GmpOptions,
    stored_weights="masked",
    density="scheduled",
    changes_shape=False,
    stackable=True,
    dynamic=False,
    ignores=[{"field": "allocation", "when": {"scope": "global"}}],
    needs=[],
    source="Zhu and Gupta 2017, eq. 1",
)
class GMP(Sparsifier):
    """Follows a cubic density schedule; a pruned weight never returns.

    Prunings happen at the multiples of `update_every` inside (start, stop) and at the stop itself,
    which lands on the target exactly, also in runs shorter than `update_every`. The stop is at most
    the last but one step, so that the final network is trained; a run of one step is pruned before.
    """

    Options = GmpOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation when weights are ranked over all layers together."""
        return ("allocation",) if self.options.scope == "global" else ()

    def resolve(self, total_steps: int | None) -> None:
        """Turn start and stop into steps; a run of unknown length is a ValueError."""
        if total_steps is None:
            raise ValueError("gmp needs to know the length of the run: give total_steps")
        self.stop = min(resolve_step(self.options.stop, total_steps), total_steps - 1)
        self.start = min(resolve_step(self.options.start, total_steps), self.stop)
        self.network_target = self.target() if self._is_global() else 0

    def initial_masks(self) -> dict[str, Tensor]:
        """Return masks of ones, or the final ones in a run of a single step."""
        for layer in self.layers:
            layer.mask.fill_(1)
        if self.stop == 0:
            return self._kept(self.stop)
        return {layer.name: layer.mask.bool() for layer in self.layers}

    def wants_update(self, step: int) -> bool:
        """Return whether a pruning is due."""
        between = self.start < step < self.stop and step % self.options.update_every == 0
        return between or step == self.stop

    @torch.no_grad()
    def after_step(self, step: int) -> TopologyUpdate:
        """Prune to the density of the schedule."""
        before = sum(self.counts.values())
        self.set_masks(self._kept(step))
        dropped = before - sum(self.counts.values())
        return TopologyUpdate(step=step, drop_fraction=None, dropped=dropped, grown=0)

    def _kept(self, step: int) -> dict[str, Tensor]:
        """Return which of the active weights stay."""
        scores = {layer.name: active_magnitude(layer.weight, layer.mask) for layer in self.layers}
        if self._is_global():
            return largest_global(scores, self._count(_NETWORK, sum(self.sizes().values()), step))
        refuse_nan(scores)
        sizes = self.sizes()
        return {
            name: largest(values, self._count(name, sizes[name], step), checked=True)
            for name, values in scores.items()
        }

    def _count(self, pool: str, size: int, step: int) -> int:
        """Return how many weights of a pool (a layer or the network) are kept at a step."""
        target = self.network_target if self._is_global() else self.allocated[pool]
        final = target / size
        schedule = CubicDensity(initial=1.0, final=final, start=self.start, stop=self.stop)
        return math.floor(schedule.density(step) * size + 0.5)

    def _is_global(self) -> bool:
        return bool(self.options.scope == "global")
