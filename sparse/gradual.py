"""Gradual pruning: when weights are pruned while a network trains, and how many stay."""

import math
from collections.abc import Iterable

from torch import Tensor

from sparse.context import Layer
from sparse.schedule import CubicDensity, resolve_step
from sparse.scope import active_only
from sparse.scores import magnitude


class GradualPruning:
    """Prunings along a cubic (Zhu and Gupta 2017, eq. 1); a pure function of the step.

    start, stop: fractions of the run of `total` steps; every: steps between two prunings.

    Prunings happen at the multiples of `every` inside (start, stop) and at the stop itself, which
    lands on the target exactly, also in runs shorter than `every`. The stop is at most the last but
    one step, so that the final network is trained; in a run of one step it is 0, before that step.
    """

    def __init__(self, *, start: float, stop: float, every: int, total: int) -> None:
        self._stop = min(resolve_step(stop, total), total - 1)
        self._start = min(resolve_step(start, total), self._stop)
        self._every = every

    def is_due(self, step: int) -> bool:
        """Return whether weights are pruned after a step."""
        between = self._start < step < self._stop and step % self._every == 0
        return between or step == self._stop

    def count(self, step: int, *, first: int, target: int, size: int) -> int:
        """Return how many of `size` weights, a layer's or the network's, are active after a step.

        `first` are active at the start; `target` at the stop and later. Step 0 is before training.
        """
        initial, final = first / size, target / size
        schedule = CubicDensity(initial=initial, final=final, start=self._start, stop=self._stop)
        return math.floor(schedule.density(step) * size + 0.5)


def active_magnitudes(layers: Iterable[Layer]) -> dict[str, Tensor]:
    """Return |w| by layer name, and -1 for inactive weights: the smallest active ones go first."""
    return {layer.name: active_only(magnitude(layer.weight), layer.mask) for layer in layers}
