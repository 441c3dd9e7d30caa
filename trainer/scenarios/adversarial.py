"""The adversarial scenario: every training batch is attacked before its step.

The published code moves batch norm's running statistics with every pass of the attack, and keeps
8/255 as the size of the ball when the norm is changed to L2; here neither is so unless a grid says
it, and a test holds each.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparse.options import option
from trainer import seeding
from trainer.attacks import EPSILONS, STEPS_TO_BORDER, Attack, make_attack, perturb
from trainer.data.bundle import Batch, as_pixels
from trainer.scenarios import SCENARIOS
from trainer.scenarios.base import Networks, Scenario


@dataclass(frozen=True, kw_only=True, slots=True)
class AdversarialOptions:
    """The attack on training batches."""

    norm: str = option("linf", choices=tuple(EPSILONS), help="what the size of a change means")
    epsilon: float | None = option(
        None,
        gt=0,
        lt=8,
        le_where={"norm": {"linf": 1.0}},
        means={"norm": EPSILONS},
        parts=255,
        help="largest change, of pixels in [0, 1]",
    )
    step_size: float | None = option(
        None, gt=0, lt=8, means={"epsilon": 1 / STEPS_TO_BORDER}, parts=255, help="size of a step"
    )
    steps: int = option(10, ge=1, help="steps of the attack")
    random_start: bool = option(True, help="begin at a random point of the ball")
    mode: str = option(
        "train",
        choices=("train", "eval"),
        help="mode of the network under attack; train: batch norm on the batch's statistics",
    )
    track_statistics: bool = option(
        False,
        only_with={"mode": "train"},
        help="let the attack's passes move batch norm's running statistics, as published code does",
    )

    def attack(self) -> Attack:
        """The attack that these options describe."""
        return make_attack(self.norm, self.steps, self.epsilon, self.step_size)


@SCENARIOS.register(
    "adversarial",
    summary="training on batches under projected gradient descent (Madry et al. 2018)",
    options=AdversarialOptions,
    needs_pixels=True,
    probes=["robust"],
)
class Adversarial(Scenario):
    """Min-max training: the network learns from the worst change of every image that it is shown.

    What methods see is the batch under attack: the gradients of rigl are those of it. What is
    scored before training is scored on images as they are.

    Args:
        options: the scenario's, checked.

    Attributes:
        attack: on every training batch.
    """

    options: AdversarialOptions
    attack: Attack

    def __init__(self, options: AdversarialOptions) -> None:
        super().__init__(options)
        self.attack = options.attack()

    def harden(self, engine: Networks, batch: Batch, step: int) -> Batch:
        """The batch under attack: pixels in [0, 1] (cells, b, *input_shape), and its targets."""
        pixels, targets = as_pixels(batch[0]), batch[1]
        training = self.options.mode == "train"
        track = self.options.track_statistics

        def gradient(points: Tensor) -> Tensor:
            return engine.input_gradients(
                (points, targets), step=step, training=training, track=track
            )

        draws = _starts(engine, pixels, step) if self.options.random_start else None
        rank = pixels.dim() - targets.dim()
        return perturb(pixels, gradient, self.attack, rank=rank, draws=draws), targets


def _starts(engine: Networks, like: Tensor, step: int) -> Tensor:
    """Uniform draws in [0, 1) of the batch's shape; cells of one seed draw the same."""
    seeds, device = [cell.seed for cell in engine.cells], like.device
    drawn = {
        seed: torch.rand(
            like.shape[1:],
            generator=seeding.generator(seed, "attack start", step, device),
            device=device,
        )
        for seed in dict.fromkeys(seeds)
    }
    return torch.stack([drawn[seed] for seed in seeds])
