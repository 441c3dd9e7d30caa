"""imp: iterative magnitude pruning, one round of it; the rounds before are other networks."""

import dataclasses

import torch
from torch import Tensor

from sparse.inherited import DENSE_CELL, inherited_masks, inherited_weights
from sparse.methods import METHODS
from sparse.options import option
from sparse.scope import IGNORES_ALLOCATION, active_only, ignored_by, kept, scope_option
from sparse.scores import magnitude
from sparse.sparsifier import Sparsifier

_REWIND = "rewind@{rewind_step}"
_EARLY = {"when": {"rewind": "weights"}, "unless": {"rewind_step": 0}}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ImpOptions:
    """Options of imp."""

    rate: float = option(
        0.2, ge=0.01, le=0.99, help="share of the active weights that a round prunes"
    )
    rewind: str = option(
        "weights",
        choices=["weights", "learning_rate"],
        help="what a round begins with: early weights of the dense run, or those just trained",
    )
    rewind_step: int = option(
        0,
        ge=0,
        help="optimizer step that a round goes on from: its weights in the dense run, or its rate",
    )
    scope: str = scope_option()


@METHODS.register(
    "imp",
    summary="iterative magnitude pruning: train, prune a share, rewind, again; one cell a round",
    options=ImpOptions,
    ignores=[IGNORES_ALLOCATION],
    needs=[
        {"ladder": {"rate": "rate"}, "first": DENSE_CELL, "artifact": "final"},
        {"cell": DENSE_CELL, "artifact": _REWIND, **_EARLY},
    ],
    starts_from=[
        {"artifact": "final", "when": {"rewind": "learning_rate"}},
        {"artifact": _REWIND, **_EARLY},
    ],
    first_step="{rewind_step}",
    source="Frankle and Carbin 2019; rewinding: Frankle et al. 2020 (weights), Renda et al. 2020",
)
class IMP(Sparsifier):
    """Prunes what is smallest among the weights that were active at the end of the round before.

    That round's network is the artifact `final`, the dense one before the first round. The weights
    to go on from are those that it is given: the initial ones, those of an early step of the dense
    run, or with `rewind` of the learning rate those of `final`. Schedule and data go on from the
    step that is rewound to; the optimizer begins anew.
    """

    Options = ImpOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation when weights are ranked over all layers together."""
        return ignored_by(self.options.scope)

    @property
    def first_step(self) -> int:
        """Return the step that is rewound to, of weights or learning rate."""
        return int(self.options.rewind_step)

    @torch.no_grad()
    def initial_masks(self) -> dict[str, Tensor]:
        """Return masks of the largest weights that were active; inactive ones rank below, at -1."""
        active = inherited_masks(self.context, "final")
        trained = inherited_weights(self.context, "final")
        limits = {name: int(mask.count_nonzero()) for name, mask in active.items()}
        self._refuse_too_few(sum(limits.values()))
        scores = {
            name: active_only(magnitude(weight), active[name]) for name, weight in trained.items()
        }
        counts = _within(self.allocated_counts(), limits)
        return kept(scores, self.options.scope, self.target(), counts)

    def _refuse_too_few(self, active: int) -> None:
        if active < self.target():
            raise ValueError(
                f"density {self.density} keeps {self.target()} weights, but only {active} of the"
                " round before were active"
            )


def _within(counts: dict[str, int], limits: dict[str, int]) -> dict[str, int]:
    """Return counts of the same sum, none above its limit.

    Rounding may give a layer more weights at a lower density; it gives them to the layers with the
    most room.
    """
    kept = {name: min(count, limits[name]) for name, count in counts.items()}
    surplus = sum(counts.values()) - sum(kept.values())
    for name in sorted(kept, key=lambda each: kept[each] - limits[each]):
        more = min(surplus, limits[name] - kept[name])
        kept[name] += more
        surplus -= more
    return kept
