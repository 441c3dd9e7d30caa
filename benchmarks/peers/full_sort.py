"""RigL's topology update as research code does it: everything sorted, thresholds on the host.

Per layer all |w| are sorted for the drop, the zeros of inactive weights included, and all
|gradients| for the growth; thresholds and counts come to the host one by one. Masks are floats. The
rules are those of the published loops (counts rounded up, what is dropped may grow again); no line
is copied.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class FullSort:
    """Layers with their masks, gradients and momentum.

    Args:
        weights: one tensor per layer; zeroed where the mask is false.
        masks: bool, of the same shapes.
        drop_fraction: share of a layer's active weights that an update moves.
    """

    def __init__(
        self, weights: Sequence[Tensor], masks: Sequence[Tensor], drop_fraction: float
    ) -> None:
        self.masks = [mask.float() for mask in masks]
        self.weights = [weight * mask for weight, mask in zip(weights, self.masks, strict=True)]
        self.gradients = [torch.zeros_like(weight) for weight in weights]
        self.velocities = [torch.zeros_like(weight) for weight in weights]
        self.drop_fraction = drop_fraction

    def active(self) -> int:
        """How many weights are active."""
        return sum(int(mask.sum().item()) for mask in self.masks)

    @torch.no_grad()
    def update(self) -> None:
        """Drop the smallest active weights of every layer and grow as many by |gradient|."""
        layers = zip(self.weights, self.masks, self.gradients, self.velocities, strict=True)
        for weight, mask, gradient, velocity in layers:
            before = int(mask.sum().item())
            mask.copy_(self._dropped(weight, mask, before))
            self._grow(mask, gradient, before - int(mask.sum().item()))
            weight.mul_(mask)
            velocity.mul_(mask)

    def _dropped(self, weight: Tensor, mask: Tensor, active: int) -> Tensor:
        count = math.ceil(self.drop_fraction * active)
        ascending, _ = torch.sort(weight.abs().view(-1))
        threshold = ascending[mask.numel() - active + count - 1].item()
        return (weight.abs() > threshold).float()

    def _grow(self, mask: Tensor, gradient: Tensor, count: int) -> None:
        inactive = gradient.abs() * (mask == 0).float()
        _, order = torch.sort(inactive.view(-1), descending=True)
        mask.view(-1)[order[:count]] = 1.0
