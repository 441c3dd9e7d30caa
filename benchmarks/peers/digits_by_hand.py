"""The digits cell in plain PyTorch, without anything of sparsesweep.

One function trains one cell the way a research script does: a masked MLP, the mask multiplied in
after every optimizer step, SET's topology update every hundred steps, validation accuracy once per
epoch, test accuracy at the end. Nothing here is slower than it need be: data on the device once,
batches by index, one thread, foreach SGD, no per-step reading of numbers.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (64, 256, 256, 10)
EPOCHS, BATCH, LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 20, 32, 0.1, 0.9, 5e-4
UPDATE_EVERY, DROP_FRACTION = 100, 0.3


@dataclass(frozen=True)
class Split:
    """Images (n, 64) scaled to [0, 1] and labels (n,) of one part of the data."""

    x: Tensor
    y: Tensor


def load_splits() -> tuple[Split, Split, Split]:
    """Training, validation and test parts: 70, 15 and 15 percent, one fixed shuffle."""
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    x = torch.tensor(digits.data[order] / 16.0, dtype=torch.float32)
    y = torch.tensor(digits.target[order])
    first, second = round(0.7 * len(y)), round(0.85 * len(y))
    bounds = ((0, first), (first, second), (second, len(y)))
    train, validation, test = (Split(x[low:high], y[low:high]) for low, high in bounds)
    return train, validation, test


def make_model() -> nn.Sequential:
    """The MLP 64-256-256-10."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(WIDTHS, WIDTHS[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def erk_densities(shapes: list[torch.Size], density: float) -> list[float]:
    """Erdos-Renyi densities, layers that would exceed 1 kept dense and their budget passed on."""
    dense: set[int] = set()
    while True:
        sizes = [shape.numel() for shape in shapes]
        budget = density * sum(sizes) - sum(sizes[i] for i in dense)
        raw = [sum(shape) / shape.numel() for shape in shapes]
        scale = budget / sum(raw[i] * sizes[i] for i in range(len(shapes)) if i not in dense)
        over = {i for i in range(len(shapes)) if i not in dense and scale * raw[i] > 1}
        if not over:
            return [1.0 if i in dense else scale * raw[i] for i in range(len(shapes))]
        dense |= over


def random_mask(weight: Tensor, density: float) -> Tensor:
    """A mask of the weight's shape with round(density * size) ones at random places."""
    mask = torch.zeros(weight.numel())
    mask[torch.randperm(weight.numel())[: round(density * weight.numel())]] = 1
    return mask.view_as(weight)


@torch.no_grad()
def set_update(weight: Tensor, mask: Tensor, slot: Tensor) -> None:
    """Drop the active weights of smallest magnitude, grow as many at random, both from zero."""
    count = int(DROP_FRACTION * mask.sum().item())
    magnitude = torch.where(mask.bool(), weight.abs(), torch.inf).flatten()
    free = (mask.flatten() == 0).nonzero().squeeze(1)
    dropped = magnitude.topk(count, largest=False).indices
    grown = free[torch.randperm(len(free))[:count]]
    for flat in (weight.view(-1), slot.view(-1)):
        flat[dropped] = 0
        flat[grown] = 0
    mask.view(-1)[dropped] = 0
    mask.view(-1)[grown] = 1


@torch.no_grad()
def accuracy(model: nn.Module, part: Split) -> float:
    """The fraction of a part that the model classifies correctly."""
    return (model(part.x).argmax(1) == part.y).float().mean().item()


def train_cell(method: str, density: float, seed: int) -> dict[str, float]:
    """Train one cell and return its test accuracy and its best validation accuracy."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train, validation, test = load_splits()
    model = make_model()
    weights = [parameter for parameter in model.parameters() if parameter.dim() == 2]
    densities = erk_densities([weight.shape for weight in weights], density)
    masks = [random_mask(w, d) for w, d in zip(weights, densities, strict=True)]
    optimizer = torch.optim.SGD(
        model.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY, foreach=True
    )
    steps = EPOCHS * -(-len(train.y) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    best, step = 0.0, 0
    with torch.no_grad():
        torch._foreach_mul_(weights, masks)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(train.y)).split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(model(train.x[index]), train.y[index]).backward()
            optimizer.step()
            schedule.step()
            step += 1
            with torch.no_grad():
                torch._foreach_mul_(weights, masks)
            if method == "set" and step % UPDATE_EVERY == 0 and step < steps:
                for weight, mask in zip(weights, masks, strict=True):
                    set_update(weight, mask, optimizer.state[weight]["momentum_buffer"])
        best = max(best, accuracy(model, validation))
    return {"test_accuracy": accuracy(model, test), "best_val_accuracy": best}
