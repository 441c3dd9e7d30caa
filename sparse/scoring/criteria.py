"""Masks that pruning an untrained network leaves, by criterion.

Every criterion is a function of a context, a target and its options (`scoring_options`). It returns
masks (bool) by layer name that keep exactly `target` weights: the largest scores over all layers
together, ties to the earlier layer and lower position. Each layer keeps one weight at least, so
that none is cut off.
"""

import itertools
from collections.abc import Callable
from typing import Any

import torch

from sparse.context import Context
from sparse.options import option
from sparse.random_positions import random_among
from sparse.schedule import exponential_counts
from sparse.scope import active_only
from sparse.scores import magnitude
from sparse.scoring.saliency import (
    Tensors,
    grasp_scores,
    sensitivities,
    snip_scores,
    synflow_scores,
)
from sparse.select import largest_global


def magnitude_masks(context: Context, target: int) -> Tensors:
    """Return masks of the largest |w|."""
    return largest_global({layer.name: magnitude(layer.weight) for layer in context.layers}, target)


def snip_masks(context: Context, target: int, *, batches: int) -> Tensors:
    """Return masks of the largest `snip_scores`."""
    return largest_global(snip_scores(context, batches), target)


def grasp_masks(context: Context, target: int, *, batches: int, temperature: float) -> Tensors:
    """Return masks of the largest `grasp_scores`."""
    return largest_global(grasp_scores(context, batches, temperature), target)


def iter_snip_masks(context: Context, target: int, *, rounds: int, batches: int) -> Tensors:
    """Return masks from rounds of snip on what is left; a pruned weight never returns.

    Source: de Jorge et al. 2021 (FORCE), section 4, "Iterative SNIP".
    """
    score = _on_fresh_batches(context, rounds, batches)
    return _in_rounds(context, target, rounds, score, returning=False)


def force_masks(context: Context, target: int, *, rounds: int, batches: int) -> Tensors:
    """Return masks from rounds of snip on what is left, in which pruned weights may return.

    Source: de Jorge et al. 2021 (FORCE), section 4 and algorithm 1.
    """
    score = _on_fresh_batches(context, rounds, batches)
    return _in_rounds(context, target, rounds, score, returning=True)


def synflow_masks(context: Context, target: int, *, rounds: int) -> Tensors:
    """Return masks from rounds of `synflow_scores` on what is left.

    Source: Tanaka et al. 2020 (SynFlow), algorithm 1.
    """

    def score(masks: Tensors) -> Tensors:
        return synflow_scores(context, masks)

    return _in_rounds(context, target, rounds, score, returning=False)


def positions_option() -> Any:
    """Declare the option whose value `placed` takes."""
    return option(
        "scored",
        choices=["scored", "redrawn"],
        help="keep the scored positions, or only the layers' counts and draw positions at random",
    )


def placed(masks: Tensors, positions: str, context: Context) -> Tensors:
    """Return the masks themselves ("scored"), or random ones of the same counts ("redrawn").

    The random ones are those that the method static has for these counts: generator "mask".
    """
    if positions == "scored":
        return masks
    generator = context.generator("mask")
    return {
        name: random_among(torch.ones_like(mask), int(mask.count_nonzero()), generator)
        for name, mask in masks.items()
    }


def _on_fresh_batches(context: Context, rounds: int, batches: int) -> Callable[[Tensors], Tensors]:
    """Return sensitivities of masked networks, each call on the next batches."""
    stream = iter(context.scoring_batches(rounds * batches))

    def score(masks: Tensors) -> Tensors:
        return sensitivities(context, itertools.islice(stream, batches), masks)

    return score


def _in_rounds(
    context: Context,
    target: int,
    rounds: int,
    score: Callable[[Tensors], Tensors],
    *,
    returning: bool,
) -> Tensors:
    """Prune to the target in rounds that keep an ever smaller count; scores are 0 or more."""
    masks = {
        layer.name: torch.ones_like(layer.weight, dtype=torch.bool) for layer in context.layers
    }
    total = sum(mask.numel() for mask in masks.values())
    for count in exponential_counts(total, target, rounds):
        scores = score(masks)
        if not returning:
            scores = {name: active_only(own, masks[name]) for name, own in scores.items()}
        masks = largest_global(scores, count)
    return masks
