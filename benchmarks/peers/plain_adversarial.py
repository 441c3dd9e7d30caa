"""Adversarial training and evaluation as research code does it, in float32.

The training attack freezes the parameters, the evaluation attack does not, so that every one of its
steps computes the gradients of all weights too; the loss and the hits are asked for at every batch.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON, STEP_SIZE = 8 / 255, 2 / 255


def attack(model: nn.Module, images: Tensor, labels: Tensor, steps: int) -> Tensor:
    """PGD in the L-infinity ball from a random start; images in [0, 1]."""
    delta = torch.empty_like(images).uniform_(-EPSILON, EPSILON)
    delta = (images + delta).clamp(0, 1) - images
    for _ in range(steps):
        delta.requires_grad_()
        loss = functional.cross_entropy(model(images + delta), labels)
        loss.backward()
        assert delta.grad is not None
        moved = (delta.detach() + STEP_SIZE * delta.grad.sign()).clamp(-EPSILON, EPSILON)
        delta = (images + moved).clamp(0, 1) - images
    return (images + delta).detach()


class PlainAdversary:
    """The two loops of such a script, batch by batch.

    Args:
        model: the network, pixels to logits.
        density: kept share of every convolution and linear layer, at random.
    """

    def __init__(self, model: nn.Module, density: float) -> None:
        self._model = model
        self._optimizer = torch.optim.SGD(
            model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True
        )
        self._masks = {
            name: (torch.rand_like(weight) < density).float()
            for name, weight in model.named_parameters()
            if weight.dim() > 1
        }
        self.loss, self.correct = 0.0, 0

    def train(self, images: Tensor, labels: Tensor, steps: int) -> None:
        """One step of adversarial training."""
        self._model.train()
        for parameter in self._model.parameters():
            parameter.requires_grad_(False)
        hard = attack(self._model, images, labels, steps)
        for parameter in self._model.parameters():
            parameter.requires_grad_(True)
        self._optimizer.zero_grad()
        outputs = self._model(hard)
        loss = functional.cross_entropy(outputs, labels)
        loss.backward()
        self._optimizer.step()
        for name, weight in self._model.named_parameters():
            if name in self._masks:
                weight.data = weight.data * self._masks[name]
        self.loss += loss.item()
        self.correct += outputs.argmax(1).eq(labels).sum().item()

    def evaluate(self, images: Tensor, labels: Tensor, steps: int) -> int:
        """How many images are still recognised under attack."""
        self._model.eval()
        outputs = self._model(attack(self._model, images, labels, steps))
        return int(outputs.argmax(1).eq(labels).sum().item())
