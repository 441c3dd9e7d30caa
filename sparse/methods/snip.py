"""snip: prune once before training, keeping the weights that the loss depends on most."""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from sparse.methods import METHODS
from sparse.options import option
from sparse.scores import snip, widened
from sparse.select import largest_global
from sparse.sparsifier import Sparsifier


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SnipOptions:
    """Options of snip."""

    batches: int = option(
        1, ge=1, help="training batches whose gradients are averaged for the scores"
    )


@METHODS.register(
    "snip",
    summary="prune once before training by |weight * gradient|, over all layers together",
    options=SnipOptions,
    stored_weights="masked",
    density="exact",
    changes_shape=False,
    stackable=True,
    dynamic=False,
    ignores=[{"field": "allocation", "when": None}],
    needs=[],
    source="Lee et al. 2019 (SNIP), section 4 and algorithm 1",
)
class SNIP(Sparsifier):
    """Keeps the weights with the largest |w * dL/dw| at the real initial weights.

    The selection is over all layers together, exact, with at least one weight per layer. Scores are
    not taken on re-drawn weights and positions are not drawn again, as some ports do.
    """

    Options = SnipOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation: the layers' densities follow from the scores."""
        return ("allocation",)

    def initial_masks(self) -> dict[str, Tensor]:
        """Score with training batches and return the masks."""
        scores = self._scores(self.context.scoring_batches(self.options.batches))
        return largest_global(scores, self.target())

    def _scores(self, batches: Any) -> dict[str, Tensor]:
        weights = {
            layer.name: layer.weight.detach().clone().requires_grad_() for layer in self.layers
        }
        sums = {name: torch.zeros_like(widened(weight)) for name, weight in weights.items()}
        with torch.enable_grad():
            for batch in batches:
                loss = self.context.loss(batch, weights)
                gradients = torch.autograd.grad(
                    loss, list(weights.values()), materialize_grads=True
                )
                for total, gradient in zip(sums.values(), gradients, strict=True):
                    total += gradient
        return {name: snip(weights[name].detach(), sums[name]) for name in weights}
