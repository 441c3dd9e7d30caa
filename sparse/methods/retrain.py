"""retrain: a network trained anew on the structure that another method found."""

import dataclasses
from collections.abc import Mapping

import torch
from torch import Tensor

from sparse import restarts
from sparse.context import Context, Layer
from sparse.inherited import inherited_masks
from sparse.method_texts import MethodText, plain_method
from sparse.methods import METHODS
from sparse.options import option
from sparse.random_positions import random_among
from sparse.registry import Entry
from sparse.sparsifier import Sparsifier

_INITIAL = ["same_init", "reshuffle", "sign_reinit", "signed_const"]
_FRESH = ["reinit", "sign_reinit"]
_INHERITED = ["kept", "shuffled"]
_WEIGHTS, _ORDER = "retrain.weights", "retrain.order"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class RetrainOptions:
    """Options of retrain."""

    source: MethodText = option(
        "rigl",
        only_with={"mask": _INHERITED},
        help="method that found the structure, by name or with its options",
    )
    start: str = option(
        "same_init",
        choices=[*_INITIAL, "reinit", "final_weights"],
        help="weights to begin with: the source's initial ones, what is made of them, or others",
    )
    mask: str = option(
        "kept",
        choices=[*_INHERITED, "random"],
        unless={"start": "final_weights"},
        help="the source's last mask, its layers' counts at random places, or the allocation's",
    )
    fan_in: str = option(
        "dense",
        choices=["dense", "active"],
        only_with={"start": _FRESH},
        help="what drawn weights are scaled for: a unit's inputs, or on average its active ones",
    )
    draw: int = option(
        0,
        ge=0,
        only_with=[{"start": [*_FRESH, "reshuffle"]}, {"mask": ["shuffled", "random"]}],
        help="names the random draws of mask and start, beside the seed",
    )
    source_seed: int | None = option(
        None,
        ge=0,
        only_with=[{"mask": _INHERITED}, {"start": _INITIAL}],
        help="seed of the source; null: the cell's own",
    )

    def __post_init__(self) -> None:
        """Refuse a source that is no method, or that leaves no structure; ValueError."""
        _source(self.source)


@METHODS.register(
    "retrain",
    summary="the mask of another method, kept or moved at random, on weights of a choice",
    options=RetrainOptions,
    density="inherited",
    ignores_as={"option": "source", "when": {"mask": _INHERITED}},
    needs=[
        {
            "cell": {"method": "{source}"},
            "artifact": "final",
            "when": {"mask": _INHERITED, "source_seed": None},
        },
        {
            "cell": {"method": "{source}", "seed": "{source_seed}"},
            "artifact": "final",
            "when": {"mask": _INHERITED},
            "unless": {"source_seed": None},
        },
    ],
    starts_from=[{"artifact": "final", "when": {"start": "final_weights"}}],
    source="the question of Van Gelder et al. 2020; starts as in Zhou et al. 2019, section 4",
)
class Retrain(Sparsifier):
    """Trains on a mask that does not move, whatever the source does.

    The mask is that of the artifact `final`, the source's cell with the same fields, or is made of
    it; with `mask: random` it is a random one of the allocated counts. The weights to begin with
    are the initial ones of the source or of another draw, for all parameters and buffers alike.
    """

    Options = RetrainOptions

    def ignored_fields(self) -> tuple[str, ...]:
        """Return what the source ignores; a random mask needs density and allocation."""
        if self.options.mask == "random":
            return ()
        entry, options = _source(self.options.source)
        made: Sparsifier = entry.target(density="1", **options)
        return made.ignored_fields()

    def prepare(self, context: Context) -> None:
        """Give the network the weights to begin with, set the masks, and change what is active."""
        begun = self._begun(context)
        if begun is not None:
            context.load_weights(begun)
        super().prepare(context)
        if begun is not None:
            self._change(begun)

    def initial_masks(self) -> dict[str, Tensor]:
        """Return the source's masks, the same at other places, or random ones."""
        generator = self.context.generator(f"retrain.{self.options.mask}", self.options.draw)
        if self.options.mask == "random":
            counts = self.allocated_counts()
            return {
                layer.name: random_among(_whole(layer), counts[layer.name], generator)
                for layer in self.layers
            }
        masks = inherited_masks(self.context, "final")
        self._refuse_denser(masks)
        if self.options.mask == "kept":
            return masks
        return {name: restarts.permuted_mask(mask, generator) for name, mask in masks.items()}

    def _begun(self, context: Context) -> Mapping[str, Tensor] | None:
        """Return all parameters and buffers to begin with; None for those that are there."""
        start, seed = self.options.start, self.options.source_seed
        if start == "final_weights" or (start == "same_init" and seed is None):
            return None
        if start == "reinit":
            return context.fresh_weights(_WEIGHTS, self.options.draw)
        return context.initial_weights(seed)

    @torch.no_grad()
    def _change(self, begun: Mapping[str, Tensor]) -> None:
        """Put into every layer what is made of its first weights, under its mask."""
        fresh: Mapping[str, Tensor] = {}
        if self.options.start == "sign_reinit":
            fresh = self.context.fresh_weights(_WEIGHTS, self.options.draw)
        generator = self.context.generator(_ORDER, self.options.draw)
        for layer in self.layers:
            first = begun[layer.name].to(layer.weight.device)
            if self.options.start == "reshuffle":
                first = restarts.permuted_weight(first, layer.mask, generator)
            elif self.options.start == "sign_reinit":
                first = restarts.with_signs(fresh[layer.name].to(first.device), first)
            elif self.options.start == "signed_const":
                first = restarts.signed_constant(first)
            if self.options.fan_in == "active":
                first = first * restarts.fan_in_factor(layer.mask)
            layer.weight.copy_(first)
        self.apply_masks()

    def _refuse_denser(self, masks: Mapping[str, Tensor]) -> None:
        entry, _ = _source(self.options.source)
        if entry.traits["density"] not in ("exact", "scheduled"):
            return
        kept, target = sum(int(mask.count_nonzero()) for mask in masks.values()), self.target()
        if kept > target:
            raise ValueError(
                f"the final keeps {kept} weights, but density {self.density} only {target}:"
                " it is of another density"
            )


def _whole(layer: Layer) -> Tensor:
    return torch.ones_like(layer.mask, dtype=torch.bool)


def _source(text: str) -> tuple[Entry, dict[str, object]]:
    """The method that found the structure, with its options; ValueError where it finds none."""
    options = plain_method(text)
    entry = METHODS.get(str(options.pop("name")))
    entry.chosen(options)
    if reason := entry.traits["no_structure"]:
        raise ValueError(f"source is {entry.name}, which {reason}")
    return entry, options
