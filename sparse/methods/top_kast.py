"""top_kast: compute with the largest weights, train some more of them, store all."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sparse.context import Layer
from sparse.drop import whole_share
from sparse.flops import Passes
from sparse.methods import METHODS
from sparse.optim_state import zero_inactive
from sparse.options import option
from sparse.schedule import update_schedule
from sparse.scores import magnitude
from sparse.select import largest, refuse_nan
from sparse.sparsifier import Sparsifier
from sparse.updates import TopologyUpdate


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TopKastOptions:
    """Options of top_kast."""

    backward_extra: float = option(
        0.1, ge=0, le=1, help="share of a layer that is trained besides its active weights"
    )
    penalty: str = option(
        "l1",
        choices=["none", "l1", "l2"],
        help="what the loss adds for each trained weight: nothing, |w| or w^2 / 2",
    )
    penalty_rate: float = option(
        1e-4, gt=0, only_with={"penalty": ["l1", "l2"]}, help="factor of the penalty in the loss"
    )
    update_every: int = option(100, ge=1, help="optimizer steps between two topology updates")
    update_stop: float = option(
        0.75, gt=0, le=1, help="fraction of the run after which only active weights are trained"
    )


@METHODS.register(
    "top_kast",
    summary="dynamic: compute with the largest weights, train some more, store all of them",
    options=TopKastOptions,
    stored_weights="dense",
    dynamic=True,
    source="Jayakumar et al. 2020 (Top-KAST), section 2",
)
class TopKAST(Sparsifier):
    """Always sparse in the forward and in the backward pass.

    The forward weights are the largest of each layer, as many as allocated. Those and the next
    largest are trained; all others keep their value. The penalty is 1 / density times as strong on
    trained weights that are not active, which keeps the active ones in place. A layer that keeps
    all its weights has no penalty: there is nothing to choose.

    `trained` holds the trained weights of each layer, 1 or 0 in its type.
    """

    Options = TopKastOptions
    tracks_explored = True
    stores_dense = True

    def resolve(self, total_steps: int | None) -> None:
        """Resolve the update steps; without a total, exploration never stops, and that is said."""
        self.trained: dict[str, Tensor] = {}
        options = self.options
        self.updates = update_schedule(
            every=options.update_every, stop=options.update_stop, total=total_steps
        )

    def initial_masks(self) -> dict[str, Tensor]:
        """Return masks of the largest weights, and choose what is trained with them."""
        return self._chosen(0)

    def wants_update(self, step: int) -> bool:
        """Return whether masks are chosen again; the last time is when exploration stops."""
        stop, total = self.updates.stop, self.updates.total
        stops = stop is not None and total is not None and 0 < step == stop < total
        return stops or self.updates.is_update(step)

    @torch.no_grad()
    def after_step(self, step: int) -> TopologyUpdate:
        """Choose the active and the trained weights again."""
        before = {layer.name: layer.mask.bool() for layer in self.layers}
        self.set_masks(self._chosen(step))
        grown = 0
        for layer in self.layers:
            active = layer.mask.bool()
            grown += int((active & ~before[layer.name]).count_nonzero())
            self.explored[layer.name] |= active
        return TopologyUpdate(step=step, drop_fraction=None, dropped=grown, grown=grown)

    def effective_weight(self, layer: Layer) -> Tensor:
        """Return the weight where it is active, zero elsewhere."""
        return layer.weight * layer.mask

    def stored_gradient(self, layer: Layer, gradient: Tensor) -> Tensor:
        """Return the gradient, with that of the penalty, where weights are trained."""
        size = layer.weight.numel()
        if self.options.penalty != "none" and self.counts[layer.name] < size:
            gradient = gradient + self._penalty_gradient(layer, self.counts[layer.name] / size)
        return gradient * self.trained[layer.name]

    def updated_mask(self, layer: Layer) -> Tensor:
        """Return the trained weights."""
        return self.trained[layer.name]

    def passes(self, dense_gradients: bool) -> Passes:
        """Return sparse passes; the gradients of the weights are those of all that are trained."""
        trained = {name: int(mask.count_nonzero()) for name, mask in self.trained.items()}
        return Passes(forward=self.counts, input_gradients=self.counts, weight_gradients=trained)

    def state_dict(self) -> dict[str, Any]:
        """Return all own state, the trained weights included."""
        return {**super().state_dict(), "trained": dict(self.trained)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state made with the same options."""
        super().load_state_dict(state)
        trained = state["trained"]
        self.trained = {
            layer.name: trained[layer.name].to(layer.mask, copy=True) for layer in self.layers
        }

    def _chosen(self, step: int) -> dict[str, Tensor]:
        """Set what is trained from this step on, and return the active weights."""
        scores = {layer.name: magnitude(layer.weight) for layer in self.layers}
        refuse_nan(scores)
        counts = self.allocated_counts()
        stop = self.updates.stop
        extra = self.options.backward_extra if stop is None or step < stop else 0.0
        for layer in self.layers:
            size = layer.weight.numel()
            wider = min(size, counts[layer.name] + whole_share(extra, size))
            trained = largest(scores[layer.name], wider, checked=True)
            self.trained[layer.name] = trained.to(layer.mask.dtype)
            zero_inactive(layer.slots().values(), self.trained[layer.name])
        return {name: largest(scores[name], counts[name], checked=True) for name in scores}

    def _penalty_gradient(self, layer: Layer, density: float) -> Tensor:
        slope = layer.weight.sign() if self.options.penalty == "l1" else layer.weight
        strength = layer.mask + (1 - layer.mask) / density
        return self.options.penalty_rate * strength * slope
