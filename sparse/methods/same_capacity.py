"""same_capacity: one network of a pair, wide and sparse or narrow and dense, of equal capacity."""

import dataclasses
from decimal import Decimal

import torch
from torch import Tensor

from sparse.context import Context
from sparse.controls.capacity import INITS, LayerPair, first_weights, layer_pairs
from sparse.controls.narrow import ToShare
from sparse.methods import METHODS
from sparse.options import option
from sparse.random_positions import random_among
from sparse.sparsifier import Sparsifier


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SameCapacityOptions:
    """Options of same_capacity."""

    role: str = option(
        "sparse",
        choices=("sparse", "dense"),
        help="which of the pair: the wide network with a mask, or the narrow one without",
    )
    width: float = option(
        0.5, gt=0, le=1, help="widths of the dense network as a share of the model's, rounded"
    )
    init: str = option(
        "matched", choices=INITS, help="first weights of a layer: how their variance is chosen"
    )
    fan_in: str = option(
        "dense",
        choices=("dense", "wide"),
        only_with={"init": "matched"},
        help="whose inputs of a unit divide the variance: the dense network's or the wide one's",
    )


@METHODS.register(
    "same_capacity",
    summary="a pair: a wide sparse and a narrow dense network with equal weights in every layer",
    options=SameCapacityOptions,
    density="pattern",
    changes_shape=True,
    width_share="width",
    ignores=[{"field": "density", "when": None}, {"field": "allocation", "when": None}],
    models={"trait": "widths"},
    source="Tessera et al. 2021 (SC-SDC)",
)
class SameCapacity(Sparsifier):
    """A fixed random mask of the dense partner's layer-wise counts, or that partner itself.

    Two cells that differ in `role` alone are a pair: what they learn from, in which order, is the
    same. The first weights are drawn anew, and biases begin at 0, see `sparse.controls.capacity`.
    """

    Options = SameCapacityOptions

    @property
    def width(self) -> Decimal:
        """The width of the dense network as the decimal number that was written."""
        return Decimal(str(self.options.width))

    def ignored_fields(self) -> tuple[str, ...]:
        """Return both: the dense partner decides what each layer keeps."""
        return ("density", "allocation")

    def narrowing(self) -> ToShare | None:
        """Return the share of all widths that the dense network has; the sparse one has all."""
        wide = self.options.role == "sparse" or self.width == 1
        return None if wide else ToShare(share=self.width)

    def resolve(self, total_steps: int | None) -> None:
        """Learn the shapes of both networks of the pair."""
        transposed = [layer.name for layer in self.layers if layer.transposed]
        shapes = (self.context.shapes_at(Decimal(1)), self.context.shapes_at(self.width))
        self.pairs: tuple[LayerPair, ...] = layer_pairs(*shapes, transposed)

    def prepare(self, context: Context) -> None:
        """Set the mask, then draw the weights."""
        super().prepare(context)
        self._draw_weights()

    def initial_masks(self) -> dict[str, Tensor]:
        """Return random masks of the partner's counts, or masks of ones."""
        whole = {layer.name: torch.ones_like(layer.mask, dtype=torch.bool) for layer in self.layers}
        if self.options.role == "dense":
            return whole
        generator = self.context.generator("mask")
        return {
            pair.name: random_among(whole[pair.name], pair.active, generator) for pair in self.pairs
        }

    def metrics(self) -> dict[str, float]:
        """Return extra_params: parameters that no mask covers, which a pair does not match."""
        return {"extra_params": float(self.context.extra_params())}

    @torch.no_grad()
    def _draw_weights(self) -> None:
        generator = self.context.generator("weights")
        sparse = self.options.role == "sparse"
        for layer, pair in zip(self.layers, self.pairs, strict=True):
            drawn = first_weights(
                pair,
                generator,
                mask=layer.mask if sparse else None,
                init=self.options.init,
                wide_fan_in=self.options.fan_in == "wide",
            )
            layer.weight.copy_(drawn)
            if layer.bias is not None:
                layer.bias.zero_()
        self.apply_masks()
