"""Weights to begin with on a mask that was found elsewhere: other ones of a network's initial ones.

Zhou et al. 2019 ("Deconstructing lottery tickets", section 4) ask which part of the initial weights
a mask needs: their values, their places, their signs.
"""

import math

import torch
from torch import Tensor

from sparse.random_positions import random_among
from sparse.select import positions


def permuted_mask(mask: Tensor, generator: torch.Generator) -> Tensor:
    """Return a mask (bool) of the same shape and count at random positions."""
    whole = torch.ones_like(mask, dtype=torch.bool)
    return random_among(whole, int(mask.count_nonzero()), generator)


def permuted_weight(weight: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
    """Return the weight with its active entries in a random order among the active positions."""
    places = positions(mask.bool())
    order = torch.randperm(len(places), generator=generator).to(places.device)
    values = weight.flatten()
    moved = values.clone()
    moved[places] = values[places[order]]
    return moved.view(weight.shape)


def with_signs(magnitudes: Tensor, signs: Tensor) -> Tensor:
    """Return the absolute values of one tensor with the signs of another; zero where that is."""
    return magnitudes.abs() * signs.sign()


def signed_constant(weight: Tensor) -> Tensor:
    """Return the signs of a weight times its standard deviation, that of all of its entries."""
    return weight.sign() * weight.std(unbiased=False)


def fan_in_factor(mask: Tensor) -> float:
    """Return sqrt(fan-in / mean active fan-in), over all units of a layer; 1 where none is active.

    Draws for the whole fan-in get the variance that an initialisation gives units of so few inputs.
    """
    active = int(mask.count_nonzero())
    return math.sqrt(mask.numel() / active) if active else 1.0
