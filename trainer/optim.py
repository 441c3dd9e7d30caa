"""Learning-rate schedules and torch optimizers, from the recipe of a cell."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from trainer.models.activations import learned_by_activations
from trainer.recipe import Recipe

ADAM_BETAS = (0.9, 0.999)
"""Decay rates of Adam's two moments (Kingma and Ba 2015, section 2)."""

ADAM_EPSILON = 1e-8
"""Adam's denominator offset (Kingma and Ba 2015, section 2)."""

ADAGRAD_EPSILON = 1e-10
"""Adagrad's denominator offset; its sums begin at 0, its rate does not decay (torch's defaults)."""

RMSPROP_DECAY = 0.99
"""Decay rate of RMSProp's mean of squares, which is not centred (torch's default)."""

RMSPROP_EPSILON = 1e-8
"""RMSProp's denominator offset, outside of the root (torch's default)."""


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
    return {"adam": 2, "adamw": 2, "adagrad": 1, "rmsprop": 1}[recipe.optimizer]


def parameter_groups(model: nn.Module) -> list[dict[str, Any]]:
    """The parameters of a model as an optimizer takes them.

    What activations learn is a group of its own that never decays: a decay to 0 would not shrink
    such a function but bend it. A model without such has one group.
    """
    learned = learned_by_activations(model)
    spared = {id(parameter) for parameter in learned}
    others = [parameter for parameter in model.parameters() if id(parameter) not in spared]
    groups: list[dict[str, Any]] = [{"params": others}]
    return [*groups, {"params": learned, "weight_decay": 0.0}] if learned else groups


def make_optimizer(
    recipe: Recipe, parameters: Iterable[Tensor] | Iterable[dict[str, Any]]
) -> torch.optim.Optimizer:
    """The recipe's optimizer over parameters or groups of them, as the ``solo`` engine uses it.

    The fused kernels make one pass over weights, gradients and slots; torch has none of RMSProp.
    """
    common: dict[str, Any] = {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    if recipe.optimizer == "sgd":
        momentum, nesterov = recipe.momentum, recipe.nesterov
        return torch.optim.SGD(
            parameters, momentum=momentum, nesterov=nesterov, fused=True, **common
        )
    if recipe.optimizer == "adagrad":
        return torch.optim.Adagrad(parameters, eps=ADAGRAD_EPSILON, fused=True, **common)
    if recipe.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, alpha=RMSPROP_DECAY, eps=RMSPROP_EPSILON, **common)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer]
    return kind(parameters, betas=ADAM_BETAS, eps=ADAM_EPSILON, fused=True, **common)
