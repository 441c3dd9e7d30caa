"""Learning-rate schedules and torch optimizers, from the recipe of a cell."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from trainer.recipe import Recipe

ADAM_BETAS = (0.9, 0.999)
"""Decay rates of Adam's two moments (Kingma and Ba 2015, section 2)."""

ADAM_EPSILON = 1e-8
"""Adam's denominator offset (Kingma and Ba 2015, section 2)."""


def learning_rate_factor(
    recipe: Recipe, step: int, total_steps: int, steps_per_epoch: int
) -> float:
    """The learning rate of one optimizer step, relative to the recipe's ``lr``.

    Args:
        recipe: the cell's recipe.
        step: which optimizer step, from 1 to ``total_steps``.
        total_steps: optimizer steps of the whole run.
        steps_per_epoch: optimizer steps of one epoch, the unit of the warm-up.

    Returns:
        The warm-up (linear, reaching 1 at its last step) times the schedule: ``constant``;
        ``step``, which multiplies by ``gamma`` once each milestone (a fraction of the run) has
        passed; or ``cosine``, half a period from 1 to 0 (Loshchilov and Hutter 2017, equation 5).
    """
    done = (step - 1) / total_steps
    warmup_steps = recipe.warmup_epochs * steps_per_epoch
    warmup = min(1.0, step / warmup_steps) if warmup_steps else 1.0
    if recipe.schedule == "cosine":
        return warmup * 0.5 * (1.0 + math.cos(math.pi * done))
    if recipe.schedule == "step":
        passed = sum(done >= milestone for milestone in recipe.milestones)
        return warmup * recipe.gamma**passed
    return warmup


def slots_per_weight(recipe: Recipe) -> int:
    """How many numbers the recipe's optimizer remembers of every weight that it moves."""
    if recipe.optimizer == "sgd":
        return 1 if recipe.momentum else 0
    return {"adam": 2, "adamw": 2}[recipe.optimizer]


def make_optimizer(recipe: Recipe, parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
    """The recipe's optimizer over ordinary parameters, as the ``solo`` engine uses it.

    The fused kernels make one pass over weights, gradients and slots.
    """
    decay, rate = recipe.weight_decay, recipe.lr
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=rate,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=decay,
            fused=True,
        )
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer]
    return kind(
        parameters, lr=rate, betas=ADAM_BETAS, eps=ADAM_EPSILON, weight_decay=decay, fused=True
    )
