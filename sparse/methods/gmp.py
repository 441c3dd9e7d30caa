"""gmp: gradual magnitude pruning, from dense to the target along a cubic."""

import dataclasses

import torch
from torch import Tensor

from sparse.gradual import GradualPruning, active_magnitudes
from sparse.methods import METHODS
from sparse.options import option
from sparse.schedule import known_length
from sparse.scope import IGNORES_ALLOCATION, ignored_by, kept, scope_option
from sparse.sparsifier import Sparsifier
from sparse.updates import TopologyUpdate


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class GmpOptions:
    """Options of gmp."""

    start: float = option(
        0.1, ge=0, lt=1, below="stop", help="fraction of the run at which pruning begins"
    )
    stop: float = option(0.8, gt=0, le=1, help="fraction of the run at which the target is reached")
    update_every: int = option(100, ge=1, help="optimizer steps between two prunings")
    scope: str = scope_option()


@METHODS.register(
    "gmp",
    summary="prune the smallest weights gradually while training, from dense to the target",
    options=GmpOptions,
    density="scheduled",
    ignores=[IGNORES_ALLOCATION],
    source="Zhu and Gupta 2017, eq. 1",
)
class GMP(Sparsifier):
    """Follows a cubic density schedule; a pruned weight never returns.

    When it prunes, and how many weights stay, is said by `GradualPruning`.
    """

    Options = GmpOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation when weights are ranked over all layers together."""
        return ignored_by(self.options.scope)

    def resolve(self, total_steps: int | None) -> None:
        """Turn start and stop into steps; a run of unknown length is a ValueError."""
        self.pruning = GradualPruning(
            start=self.options.start,
            stop=self.options.stop,
            every=self.options.update_every,
            total=known_length(total_steps, "gmp"),
        )

    @torch.no_grad()
    def initial_masks(self) -> dict[str, Tensor]:
        """Return masks of ones, or the final ones in a run of a single step."""
        for layer in self.layers:
            layer.mask.fill_(1)
        return self._kept(0)

    def wants_update(self, step: int) -> bool:
        """Return whether a pruning is due."""
        return self.pruning.is_due(step)

    @torch.no_grad()
    def after_step(self, step: int) -> TopologyUpdate:
        """Prune to the density of the schedule."""
        before = sum(self.counts.values())
        self.set_masks(self._kept(step))
        dropped = before - sum(self.counts.values())
        return TopologyUpdate(step=step, drop_fraction=None, dropped=dropped, grown=0)

    def _kept(self, step: int) -> dict[str, Tensor]:
        """Return which of the active weights stay at a step."""
        sizes = self.sizes()
        counts = {name: self._count(step, sizes[name], own) for name, own in self.allocated.items()}
        target = self._count(step, sum(sizes.values()), self.target())
        return kept(active_magnitudes(self.layers), self.options.scope, target, counts)

    def _count(self, step: int, size: int, target: int) -> int:
        return self.pruning.count(step, first=size, target=target, size=size)
