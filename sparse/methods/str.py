"""str: soft thresholds that are learned, one for each layer."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sparse.context import Layer
from sparse.methods import METHODS
from sparse.options import option
from sparse.schedule import UpdateSchedule
from sparse.scores import widened
from sparse.sparsifier import Sparsifier
from sparse.stats import collapsed_layers, layer_stats

CHECK_EVERY = 100
"""Most optimizer steps between two counts of the active weights; a device is waited for them."""

CHECKS = 100
"""Shares of a shorter run, rounded up to whole steps, between two counts."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class StrOptions:
    """Options of str."""

    initial: float = option(
        -5.0, ge=-1e5, le=10, help="first value of s; sigmoid(s) is a layer's threshold"
    )
    decay: float = option(
        0.01, ge=0, help="weight decay of s: towards 0, which is a threshold of 0.5"
    )
    momentum: float = option(0.9, ge=0, lt=1, help="momentum of the steps of s")


@METHODS.register(
    "str",
    summary="learn a soft threshold for each layer while training; the density follows",
    options=StrOptions,
    stored_weights="dense",
    density="learned",
    dynamic=True,
    ignores=[{"field": "density", "when": None}, {"field": "allocation", "when": None}],
    source="Kusupati et al. 2020 (STR), eqs. 3 to 6",
)
class STR(Sparsifier):
    """Soft threshold reparameterisation: the forward weight is sign(w) relu(|w| - sigmoid(s)).

    The s of a layer takes SGD steps of its own at the learning rate of the weights. Where the
    forward weight is zero the stored one has no gradient, but the recipe's weight decay. A layer
    without any active weight is a ValueError: at the beginning, at checks and at the end. A check
    comes every hundredth of the run, rounded up to whole steps, at the longest every 100 steps.

    `thresholds` holds every layer's s, a float32 scalar; `counts` holds what the last check found.
    """

    Options = StrOptions
    stores_dense = True

    def ignored_fields(self) -> tuple[str, ...]:
        """Return both fields: the density is learned."""
        return ("density", "allocation")

    def resolve(self, total_steps: int | None) -> None:
        """Set every s to its first value."""
        share = CHECK_EVERY if total_steps is None else math.ceil(total_steps / CHECKS)
        self.checks = UpdateSchedule(every=min(CHECK_EVERY, share), total=total_steps)
        self.slopes: dict[str, Tensor] = {}
        self.thresholds = {
            layer.name: torch.tensor(self.options.initial, device=layer.weight.device)
            for layer in self.layers
        }
        self.velocities = {name: torch.zeros_like(s) for name, s in self.thresholds.items()}

    def initial_masks(self) -> dict[str, Tensor]:
        """Return where the initial weights are above their thresholds."""
        self._update_masks()
        self._count()
        return {layer.name: layer.mask.bool() for layer in self.layers}

    def wants_update(self, step: int) -> bool:
        """Return whether the active weights are counted."""
        return self.checks.is_update(step)

    def after_step(self, step: int) -> None:
        """Count the active weights; masks do not change here."""
        self._count()

    def effective_weight(self, layer: Layer) -> Tensor:
        """Return sign(w) relu(|w| - sigmoid(s))."""
        threshold = self.thresholds[layer.name].sigmoid()
        return layer.weight.sign() * (layer.weight.abs() - threshold).clamp_min(0)

    def stored_gradient(self, layer: Layer, gradient: Tensor) -> Tensor:
        """Return the gradient where the weight is active, and keep that of the layer's s."""
        active = gradient * layer.mask
        sigmoid = self.thresholds[layer.name].double().sigmoid()
        # In double precision, so that the number of threads does not show in the sum.
        along = (widened(active) * layer.weight.sign()).sum(dtype=torch.float64)
        self.slopes[layer.name] = (-along * sigmoid * (1 - sigmoid)).float()
        return active

    def learn(self, rate: float) -> None:
        """Take a step of every s, and threshold again."""
        for name, s in self.thresholds.items():
            slope = self.options.decay * s
            if name in self.slopes:
                slope = slope + self.slopes.pop(name).to(s.device)
            self.velocities[name].mul_(self.options.momentum).add_(slope)
            s.sub_(rate * self.velocities[name])
        self._update_masks()

    def finish(self) -> None:
        """Count the active weights for the last time."""
        self._count()

    def state_dict(self) -> dict[str, Any]:
        """Return all own state, with every s and its velocity."""
        learned = {"thresholds": dict(self.thresholds), "velocities": dict(self.velocities)}
        return {**super().state_dict(), **learned}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state made with the same options."""
        super().load_state_dict(state)
        for name in self.thresholds:
            self.thresholds[name].copy_(state["thresholds"][name])
            self.velocities[name].copy_(state["velocities"][name])

    def _update_masks(self) -> None:
        for layer in self.layers:
            layer.mask.copy_(self.effective_weight(layer) != 0)

    def _count(self) -> None:
        counted = layer_stats(self.layers)
        self.counts = {stats.name: stats.active for stats in counted}
        if empty := collapsed_layers(counted):
            raise ValueError(
                f"str has left no weight in {', '.join(empty)}: all are below the threshold;"
                " give a lower initial or a lower decay"
            )
