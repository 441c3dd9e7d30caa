"""Attacks on inputs: projected gradient descent within a ball about every example.

Untargeted, on the cross-entropy of the true labels, in units of pixels in [0, 1]. An attack asks
for gradients of inputs alone; who calls it says what they are gradients of. Nothing in it waits for
the device or depends on another example. Madry et al. 2018, equation 3.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

Gradient = Callable[[Tensor], Tensor]
"""The gradient of the summed loss with regard to inputs (..., *shape), of their shape."""

EPSILONS = {"linf": 8 / 255, "l2": 128 / 255}
"""The usual size of the ball for images of 32 and 64 pixels, by norm."""

STEPS_TO_BORDER = 4
"""Steps of the default size from the middle of the ball to its border: 2/255 of 8/255."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """Projected gradient descent.

    Attributes:
        norm: ``"linf"``, the largest change of a pixel, or ``"l2"``, the length of all changes.
        epsilon: the largest norm of a change.
        step_size: the norm of a step.
        steps: how many; 0 leaves the start.
    """

    norm: str
    epsilon: float
    step_size: float
    steps: int

    @property
    def single(self) -> "Attack":
        """The fast gradient method (Goodfellow et al. 2015): one step to the border."""
        return replace(self, step_size=self.epsilon, steps=1)


def make_attack(
    norm: str, steps: int, epsilon: float | None = None, step_size: float | None = None
) -> Attack:
    """An attack; without ``epsilon`` the norm's usual one, without ``step_size`` a quarter of it.

    Raises:
        ValueError: for a change of more than 1 of a pixel, which no pixel has room for.
    """
    size = EPSILONS[norm] if epsilon is None else epsilon
    if norm == "linf" and size > 1.0:
        raise ValueError(f"epsilon is {size:g}; pixels lie in [0, 1]: write {size:g}/255")
    length = size / STEPS_TO_BORDER if step_size is None else step_size
    return Attack(norm=norm, epsilon=size, step_size=length, steps=steps)


@torch.no_grad()
def perturb(
    inputs: Tensor, gradient: Gradient, attack: Attack, *, rank: int, draws: Tensor | None = None
) -> Tensor:
    """The inputs as the attack leaves them: within the ball, to rounding, and within [0, 1].

    Args:
        inputs: (..., *shape) float, pixels in [0, 1].
        gradient: asked once per step.
        attack: which one.
        rank: number of dimensions of one example, those of ``shape``.
        draws: for a random start; uniform in [0, 1), of the inputs' shape.

    Returns:
        A tensor of the inputs' shape; the inputs themselves where there is nothing to do.
    """
    if attack.norm == "linf":
        return _perturb_linf(inputs, gradient, attack, draws)
    return _perturb_l2(inputs, gradient, attack, tuple(range(-rank, 0)), draws)


def _perturb_linf(
    inputs: Tensor, gradient: Gradient, attack: Attack, draws: Tensor | None
) -> Tensor:
    # The ball and the box in one: both are intervals about the pixel.
    lower = (inputs - attack.epsilon).clamp_min_(0.0)
    upper = (inputs + attack.epsilon).clamp_max_(1.0)
    found = inputs
    if draws is not None:
        found = inputs.add(2.0 * draws - 1.0, alpha=attack.epsilon).clamp_(lower, upper)
    for _ in range(attack.steps):
        found = found.add(gradient(found).sign(), alpha=attack.step_size).clamp_(lower, upper)
    return found


def _perturb_l2(
    inputs: Tensor, gradient: Gradient, attack: Attack, dims: tuple[int, ...], draws: Tensor | None
) -> Tensor:
    found = inputs
    if draws is not None:
        # A point of the box, drawn towards the example.
        found = _into_ball(draws, inputs, attack.epsilon, dims).clamp_(0.0, 1.0)
    for _ in range(attack.steps):
        moved = found.add(_direction(gradient(found), dims), alpha=attack.step_size)
        found = _into_ball(moved.clamp_(0.0, 1.0), inputs, attack.epsilon, dims)
    return found.clamp(0.0, 1.0)


def _into_ball(points: Tensor, centres: Tensor, radius: float, dims: tuple[int, ...]) -> Tensor:
    """Each point, or where the way to its centre enters the ball about that."""
    changes = points - centres
    lengths = torch.linalg.vector_norm(changes, dim=dims, keepdim=True)
    return centres + changes * (radius / lengths.clamp_min(radius))


def _direction(gradient: Tensor, dims: tuple[int, ...]) -> Tensor:
    """The gradient of each example at length 1; 0 where it is 0."""
    # Divided by the largest entry first: squares of what a sure network leaves vanish in float32.
    largest = gradient.abs().amax(dims, keepdim=True)
    scaled = gradient / largest.clamp_min(torch.finfo(gradient.dtype).tiny)
    return scaled / torch.linalg.vector_norm(scaled, dim=dims, keepdim=True).clamp_min_(1.0)
