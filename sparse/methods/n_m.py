"""n_m: keep N of every M consecutive weights, chosen anew in every step (SR-STE)."""

import dataclasses
import logging
from decimal import Decimal
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from sparse.allocation import Density
from sparse.context import Layer
from sparse.flops import Passes
from sparse.methods import METHODS
from sparse.options import option
from sparse.scores import magnitude
from sparse.select import largest_in_rows
from sparse.sparsifier import Sparsifier
from sparse.structured.units import refuse_transposed

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class NMOptions:
    """Options of n_m."""

    m: int = option(4, ge=2, le=64, help="weights of a group, consecutive along a layer's inputs")
    decay: float = option(
        2e-4, ge=0, help="what inactive stored weights decay by, as a gradient: decay * w"
    )


@METHODS.register(
    "n_m",
    summary="structured: the N largest of every M consecutive weights (2:4), trained from scratch",
    options=NMOptions,
    stored_weights="dense",
    density="pattern",
    dynamic=True,
    ignores=[{"field": "allocation", "when": None}],
    densities={"multiple_of_one_over": "m"},
    source="Zhou et al. 2021 (SR-STE), eq. 9",
)
class NM(Sparsifier):
    """N:M sparsity with the sparse-refined straight-through estimator.

    The density is N / M, so density * m must be whole (else ValueError). Groups lie along the
    inputs of an output unit; in a kernel along the input channels of one position. A layer whose
    number of inputs m does not divide stays dense, which is logged; it is a ValueError when that is
    so in all layers.

    Gradients by the forward weights reach all stored weights; the inactive ones decay as well. The
    masks are those of the largest stored weights after every step.
    """

    Options = NMOptions
    stores_dense = True

    def __init__(
        self, density: Density | None = None, allocation: Any = "erk", **options: Any
    ) -> None:
        super().__init__(density, allocation, **options)
        kept = Fraction(self.density) * self.options.m
        if kept.denominator != 1:
            raise ValueError(
                f"density is {self.density}, but n_m keeps a whole number of {self.options.m}"
                f" weights; allowed: {', '.join(legal_densities(self.options.m))}"
            )
        self.kept = int(kept)

    def ignored_fields(self) -> tuple[str, ...]:
        """Return allocation: all groups have the same density."""
        return ("allocation",)

    def resolve(self, total_steps: int | None) -> None:
        """Refuse transposed layers, whose inputs do not lie along the second side."""
        refuse_transposed(self.layers, "n_m")

    def initial_masks(self) -> dict[str, Tensor]:
        """Return the masks of the initial weights."""
        whole = [layer.name for layer in self.layers if not self._has_groups(layer)]
        if len(whole) == len(self.layers) and self.kept < self.options.m:
            raise ValueError(f"n_m found no layer whose inputs m: {self.options.m} divides")
        if whole:
            names = ", ".join(whole)
            logger.warning("m: %d does not divide the inputs of %s: dense", self.options.m, names)
        return {
            layer.name: self._mask(layer)
            if self._is_sparse(layer)
            else torch.ones_like(layer.mask, dtype=torch.bool)
            for layer in self.layers
        }

    def effective_weight(self, layer: Layer) -> Tensor:
        """Return the weight where it is active, zero elsewhere."""
        return layer.weight * layer.mask

    def stored_gradient(self, layer: Layer, gradient: Tensor) -> Tensor:
        """Return the gradient, with the decay of what is inactive."""
        if not self._is_sparse(layer):
            return gradient
        return gradient + self.options.decay * (1 - layer.mask) * layer.weight

    def learn(self, rate: float) -> None:
        """Choose the active weights again."""
        for layer in self.layers:
            if self._is_sparse(layer):
                layer.mask.copy_(self._mask(layer))

    def passes(self, dense_gradients: bool) -> Passes:
        """Return a sparse forward pass, and dense others: transposed, the pattern is none."""
        sizes = self.sizes()
        return Passes(forward=self.counts, input_gradients=sizes, weight_gradients=sizes)

    def _has_groups(self, layer: Layer) -> bool:
        return bool(layer.weight.shape[1] % self.options.m == 0)

    def _is_sparse(self, layer: Layer) -> bool:
        return self.kept < self.options.m and self._has_groups(layer)

    def _mask(self, layer: Layer) -> Tensor:
        inputs_last = magnitude(layer.weight).movedim(1, -1)
        kept = largest_in_rows(inputs_last.reshape(-1, self.options.m), self.kept)
        return kept.view(inputs_last.shape).movedim(-1, 1)


def legal_densities(m: int) -> list[str]:
    """Return the densities, as decimal text, that keep a whole number of m weights."""
    shares = {kept: (Decimal(kept) / m).normalize() for kept in range(1, m + 1)}
    return [f"{share:f}" for kept, share in shares.items() if Fraction(share) * m == kept]
