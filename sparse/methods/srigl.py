"""srigl: rigl with the same number of weights in every unit, and without units that matter little.

A unit is one output of a layer: a row of a matrix, an output channel of a kernel.
"""

import dataclasses

import torch
from torch import Tensor

from sparse.context import Layer
from sparse.drop import whole_share
from sparse.dynamic.gradient_memory import gradient_sizes
from sparse.dynamic.update_options import UpdateOptions, dynamic_schedules, redefined
from sparse.methods import METHODS
from sparse.options import option
from sparse.scores import magnitude
from sparse.select import positions, refuse_nan
from sparse.sparsifier import Sparsifier
from sparse.stats import living_share
from sparse.structured.units import random_rows, refuse_transposed, rewired
from sparse.updates import TopologyUpdate


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SriglOptions(UpdateOptions):
    """Options of srigl."""

    update_stop: float = redefined(UpdateOptions, "update_stop", 0.75)
    ablate_below: float = option(
        0.3,
        ge=0,
        le=1,
        help="a unit is removed when fewer than this share of its weights are salient; 0: never",
    )


@METHODS.register(
    "srigl",
    summary="dynamic, structured: rigl with equally many weights per unit; weak units are removed",
    options=SriglOptions,
    density="pattern",
    dynamic=True,
    source="Lasby et al. 2024 (SRigL)",
)
class SRigL(Sparsifier):
    """Constant fan-in: all units of a layer that are left have equally many weights.

    That number is the layer's allocated count over its units, rounded, so a layer's count differs
    from the allocated one by at most half a weight per unit. When units are removed the others grow
    denser, up to the dense fan-in. A removed unit never returns. The last layer keeps all its units
    and therefore at least one weight for each.
    """

    Options = SriglOptions
    tracks_explored = True

    def resolve(self, total_steps: int | None) -> None:
        """Resolve the update steps and drop fractions; a transposed layer is a ValueError."""
        refuse_transposed(self.layers, "srigl")
        self.growth_scores: dict[str, Tensor] = {}
        self.updates, self.drops = dynamic_schedules(self.options, total_steps)

    def initial_masks(self) -> dict[str, Tensor]:
        """Return random masks of constant fan-in."""
        generator = self.context.generator("mask")
        return {layer.name: self._random_mask(layer, generator) for layer in self.layers}

    def wants_gradients(self, step: int) -> bool:
        """Return whether this step's gradients decide what grows."""
        return self.updates.is_update(step)

    def wants_update(self, step: int) -> bool:
        """Return whether a topology update is due."""
        return self.updates.is_update(step)

    @torch.no_grad()
    def after_backward(self, step: int) -> None:
        """Keep |gradient| of every layer until the update."""
        self.growth_scores = gradient_sizes(self.layers, "srigl")

    @torch.no_grad()
    def after_step(self, step: int) -> TopologyUpdate:
        """Remove units, drop and grow in every layer."""
        fraction = self.drops.drop_fraction(step)
        refuse_nan({f"weight of {layer.name}": layer.weight for layer in self.layers})
        refuse_nan({f"gradient of {name}": scores for name, scores in self.growth_scores.items()})
        dropped = grown = 0
        for layer in self.layers:
            before = layer.mask.flatten(1).bool()
            after = self._updated(layer, before, fraction)
            leaving, coming = positions(before & ~after), positions(after & ~before)
            self.exchange(layer, leaving, coming)
            dropped, grown = dropped + len(leaving), grown + len(coming)
        self.growth_scores = {}
        return TopologyUpdate(step=step, drop_fraction=fraction, dropped=dropped, grown=grown)

    def metrics(self) -> dict[str, float]:
        """Return the base class's metrics and the share of the hidden units that is left."""
        hidden = (layer.mask.flatten(1).any(1) for layer in self.layers[:-1])
        return {**super().metrics(), **living_share(hidden)}

    def _random_mask(self, layer: Layer, generator: torch.Generator) -> Tensor:
        units, inputs = layer.mask.flatten(1).shape
        budget = self.allocated[layer.name]
        chosen = random_rows(units, inputs, budget, generator, every=layer is self.layers[-1])
        return chosen.to(layer.mask.device).view(layer.mask.shape)

    def _updated(self, layer: Layer, active: Tensor, fraction: float) -> Tensor:
        """Return the new mask (units, inputs) of a layer with this mask of active weights."""
        return rewired(
            magnitude(layer.weight).flatten(1),
            self.growth_scores[layer.name].flatten(1),
            active,
            k=whole_share(fraction, self.counts[layer.name]),
            budget=self.allocated[layer.name],
            ablate_below=0.0 if layer is self.layers[-1] else self.options.ablate_below,
        )
