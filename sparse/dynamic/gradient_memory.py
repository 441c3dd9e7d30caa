"""What a dynamic method remembers of its layers' dense gradients, and when it must see them."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sparse.context import Layer
from sparse.drop import whole_share
from sparse.dynamic.topology_options import PHASED, TopologyOptions
from sparse.random_positions import random_among
from sparse.schedule import UpdateSchedule, known_length, resolve_step
from sparse.scores import gradient, widened
from sparse.select import largest, refuse_nan

_SAVED = ("average", "stale", "candidates")
_CURRENT = ("gradient", "candidates", "gradient_subset")


def required_gradient(layer: Layer, method: str) -> Tensor:
    """Return the gradient of a layer; where there is none, a ValueError names layer and method."""
    if layer.gradient is None:
        raise ValueError(f"{layer.name} has no gradient, which {method} needs; exclude the layer")
    return layer.gradient


def gradient_sizes(layers: Sequence[Layer], method: str) -> dict[str, Tensor]:
    """Return |gradient| of every layer by name, apart from what the engine goes on to change."""
    return {layer.name: gradient(required_gradient(layer, method)) for layer in layers}


class GradientMemory:
    """Gradients by layer name, as far as the chosen rules need them; all of the weight's shape.

    `latest` is |gradient| of the step of an update and lives until that update. `average` is the
    running mean m * average + (1 - m) * gradient, from 0: optimizer slots cannot serve, because
    those of inactive weights are 0. `stale` is |gradient| of the last update that saw it;
    `candidates` (bool) are the weights that were once among the first by |gradient|.
    """

    def __init__(
        self, options: TopologyOptions, updates: UpdateSchedule, total_steps: int | None
    ) -> None:
        self.latest: dict[str, Tensor] = {}
        self.average: dict[str, Tensor] = {}
        self.stale: dict[str, Tensor] = {}
        self.candidates: dict[str, Tensor] = {}
        self._options = options
        self._updates = updates
        self._averages = "momentum" in (options.growth, options.redistribution)
        self._seen = 0
        self._dense_end = 0
        if options.growth in PHASED:
            total = known_length(total_steps, f"growth: {options.growth}")
            least = 0 if options.growth == "gradient_then_random" else updates.every
            self._dense_end = max(resolve_step(options.dense_until, total), least)

    def is_dense(self, step: int) -> bool:
        """Return whether a growth rule that sees all gradients at first still does."""
        return step <= self._dense_end

    def wants(self, step: int) -> bool:
        """Return whether the gradients of this step are needed."""
        last = self._updates.last
        return (self._averages and (last is None or step <= last)) or self._wants_latest(step)

    def see(self, step: int, layers: Sequence[Layer], method: str) -> None:
        """Take in the gradients of a step; a layer without one is a ValueError."""
        self._seen = step
        for layer in layers if self._averages else ():
            self._add_to_average(layer.name, widened(required_gradient(layer, method)))
        if self._wants_latest(step):
            self.latest = gradient_sizes(layers, method)

    def ranked(self, layer: Layer, active: int) -> int:
        """Return how many gradients of a layer the rules ranked or averaged in the last such step.

        An implementation that skips zeros would compute no others but those of `active` weights.
        """
        growth = self._options.growth
        if self._averages or growth == "gradient" or self.is_dense(self._seen):
            return layer.mask.numel()
        if growth == "candidates":
            return int((self.candidates[layer.name] | layer.mask.bool()).count_nonzero())
        if growth == "gradient_subset":
            return active + int(self.candidates[layer.name].count_nonzero())
        return active

    def kept_values(self) -> int:
        """Return how many numbers are remembered from one step to the next: means, old scores."""
        return sum(each.numel() for kept in (self.average, self.stale) for each in kept.values())

    def draw(self, layer: Layer, active: int, generator: torch.Generator) -> None:
        """Draw the inactive weights that the update of this step looks at, as `candidates`.

        Of a layer with so many active weights `subset_factor` times as many, or all there are.
        """
        inactive = layer.mask == 0
        count = min(whole_share(self._options.subset_factor, active), inactive.numel() - active)
        self.candidates[layer.name] = random_among(inactive, count, generator)

    def refuse_nan(self) -> None:
        """Raise a ValueError that names the layers whose gradients cannot be ranked, on the CPU."""
        refuse_nan(
            {f"gradient of {name}": scores for name, scores in self.latest.items()}
            | {f"mean gradient of {name}": scores for name, scores in self.average.items()},
            wait=False,
        )

    def scores(self, step: int, name: str) -> Tensor:
        """Return what the growth rule ranks a layer's weights by."""
        if self._options.growth == "momentum":
            return self.average[name].abs()
        if self._options.growth == "stale_gradient" and not self.is_dense(step):
            return self.stale[name]
        return self.latest[name]

    def collect(self, name: str, grown: int) -> None:
        """Add to a layer's candidates the first by |gradient|, for an update that grows so many."""
        scores = self.latest[name]
        count = min(self._options.candidate_factor * grown, scores.numel())
        chosen = largest(scores, count, checked=True)
        self.candidates[name] = chosen | self.candidates.get(name, torch.zeros_like(chosen))

    def end_update(self, step: int) -> None:
        """Let go of the gradients of the step of an update."""
        if self._options.growth == "stale_gradient" and self.is_dense(step):
            self.stale = self.latest
        self.latest = {}

    def state_dict(self) -> dict[str, Any]:
        """Return all tensors that outlive a step."""
        return {kind: dict(getattr(self, kind)) for kind in _SAVED}

    def load_state_dict(
        self, state: Mapping[str, Any], devices: Mapping[str, torch.device]
    ) -> None:
        """Take up a state; its tensors go to the devices of their layers."""
        for kind in _SAVED:
            copies = {name: kept.to(devices[name], copy=True) for name, kept in state[kind].items()}
            setattr(self, kind, copies)

    def _wants_latest(self, step: int) -> bool:
        options = self._options
        growing = options.growth in _CURRENT or self.is_dense(step)
        return self._updates.is_update(step) and (growing or options.drop == "taylor")

    def _add_to_average(self, name: str, values: Tensor) -> None:
        if name not in self.average:
            self.average[name] = torch.zeros_like(values)
        past = self._options.momentum
        self.average[name].mul_(past).add_(values, alpha=1 - past)
