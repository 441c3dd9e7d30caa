"""acdc: train dense and sparse in turns, and end sparse."""

import dataclasses
import math
from fractions import Fraction

import torch
from torch import Tensor

from sparse.methods import METHODS
from sparse.options import option
from sparse.schedule import known_length
from sparse.scope import IGNORES_ALLOCATION, ignored_by, kept, scope_option
from sparse.scores import magnitude
from sparse.sparsifier import Sparsifier
from sparse.updates import TopologyUpdate


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class AcdcOptions:
    """Options of acdc."""

    warm_up: float = option(
        0.1,
        ge=0,
        le=1,
        at_most="final_start",
        help="fraction of the run that is dense before the first compressed phase",
    )
    phase: float = option(
        0.05, gt=0, lt=1, help="length of each phase in between, as a fraction of the run"
    )
    final_start: float = option(
        0.85, ge=0, le=1, help="fraction of the run at which the last, compressed phase begins"
    )
    scope: str = scope_option()


@METHODS.register(
    "acdc",
    summary="train dense and sparse in turns: prune the smallest weights, let all back, ...",
    options=AcdcOptions,
    density="scheduled",
    dynamic=True,
    ignores=[IGNORES_ALLOCATION],
    source="Peste et al. 2021 (AC/DC), algorithm 1",
)
class ACDC(Sparsifier):
    """Alternating compressed and decompressed training.

    At the beginning of a compressed phase the largest weights stay, as many as the density asks
    for; at its end all others return at 0 with empty optimizer slots. The masks that the last phase
    begins with are final. It begins at the last but one step at the latest, so that the network is
    trained with them; a run of one step is compressed before.
    """

    Options = AcdcOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation when weights are ranked over all layers together."""
        return ignored_by(self.options.scope)

    def resolve(self, total_steps: int | None) -> None:
        """Turn the phases into steps; a run of unknown length is a ValueError."""
        options, total = self.options, known_length(total_steps, "acdc")
        self.compressed_from = phase_starts(
            options.warm_up, options.phase, options.final_start, total
        )

    def initial_masks(self) -> dict[str, Tensor]:
        """Return masks of ones, or compressed ones where there is no warm-up."""
        return self._compressed() if self.compressed_from.get(0) else self._dense()

    def wants_update(self, step: int) -> bool:
        """Return whether a phase begins after this step."""
        return step > 0 and step in self.compressed_from

    @torch.no_grad()
    def after_step(self, step: int) -> TopologyUpdate:
        """Compress, or let all weights return."""
        before = sum(self.counts.values())
        self.set_masks(self._compressed() if self.compressed_from[step] else self._dense())
        change = sum(self.counts.values()) - before
        return TopologyUpdate(
            step=step, drop_fraction=None, dropped=max(0, -change), grown=max(0, change)
        )

    def _compressed(self) -> dict[str, Tensor]:
        scores = {layer.name: magnitude(layer.weight) for layer in self.layers}
        return kept(scores, self.options.scope, self.target(), self.allocated_counts())

    def _dense(self) -> dict[str, Tensor]:
        return {layer.name: torch.ones_like(layer.mask, dtype=torch.bool) for layer in self.layers}


def phase_starts(warm_up: float, phase: float, final_start: float, total: int) -> dict[int, bool]:
    """Return the steps after which a phase begins, and whether that phase is compressed.

    Compressed and decompressed phases take turns after the warm-up. A compressed phase is left out
    when no whole decompressed one fits between it and the last: with the defaults the last
    decompressed phase is twice as long as the others. Of phases that begin at one step in a short
    run the last counts, and phases that change nothing are not listed.
    """
    begin, length, end = (Fraction(str(float(share))) for share in (warm_up, phase, final_start))
    starts = {0: False}
    while begin + 2 * length <= end:
        starts[_step(begin, total)] = True
        starts[_step(begin + length, total)] = False
        begin += 2 * length
    last = min(_step(end, total), total - 1)
    kinds = {step: compressed for step, compressed in starts.items() if step < last}
    changes: dict[int, bool] = {}
    for step, compressed in sorted({**kinds, last: True}.items()):
        if not changes or compressed != changes[max(changes)]:
            changes[step] = compressed
    return changes


def _step(share: Fraction, total: int) -> int:
    return math.floor(share * total + Fraction(1, 2))
