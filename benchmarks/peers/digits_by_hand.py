"""The digits cell in plain PyTorch, without anything of sparsesweep.

`PlainCell` trains one cell the way a careful research script does: a masked MLP, the mask
multiplied in after every optimizer step, SET's topology update every hundred steps. Nothing here is
slower than it need be: data in memory once, batches by index, one thread, fused SGD, no reading of
numbers inside an epoch.
"""

import functools
import itertools
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional

EPOCHS, BATCH = 20, 32
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 0.1, 0.9, 5e-4
UPDATE_EVERY, DROP_FRACTION = 100, 0.3


@dataclass(frozen=True)
class Split:
    """Standardised images (n, 64) and labels (n,) of one part of the data."""

    x: Tensor
    y: Tensor


@functools.cache
def load_splits() -> tuple[Split, Split, Split]:
    """Training, validation and test parts: 65, 15 and 20 percent, stratified."""
    x, y = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)
    x, x_val, y, y_val = train_test_split(x, y, test_size=0.15 / 0.8, stratify=y, random_state=0)
    shift, scale = x.mean(), x.std()

    def part(images: np.ndarray, labels: np.ndarray) -> Split:
        scaled = torch.tensor((images - shift) / scale, dtype=torch.float32)
        return Split(scaled, torch.tensor(labels))

    return part(x, y), part(x_val, y_val), part(x_test, y_test)


def make_model(widths: tuple[int, ...]) -> nn.Sequential:
    """An MLP with ReLU between its layers."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in itertools.pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def erk_densities(shapes: list[torch.Size], density: float) -> list[float]:
    """Erdos-Renyi densities, layers that would exceed 1 kept dense and their budget passed on."""
    sizes = [shape.numel() for shape in shapes]
    raw = [sum(shape) / size for shape, size in zip(shapes, sizes, strict=True)]
    dense: set[int] = set()
    while True:
        rest = [i for i in range(len(shapes)) if i not in dense]
        budget = density * sum(sizes) - sum(sizes[i] for i in dense)
        scale = budget / sum(raw[i] * sizes[i] for i in rest)
        over = {i for i in rest if scale * raw[i] > 1}
        if not over:
            return [1.0 if i in dense else scale * raw[i] for i in range(len(shapes))]
        dense |= over


def random_mask(weight: Tensor, density: float) -> Tensor:
    """A mask of the weight's shape with round(density * size) ones at random places."""
    mask = torch.zeros(weight.numel())
    mask[torch.randperm(weight.numel())[: round(density * weight.numel())]] = 1
    return mask.view_as(weight)


def set_update(weight: Tensor, mask: Tensor, velocity: Tensor) -> None:
    """Drop the active weights closest to zero, sign by sign; grow as many at random places."""
    flat_weight, flat_mask, flat_velocity = weight.view(-1), mask.view(-1), velocity.view(-1)
    free = (flat_mask == 0).nonzero().squeeze(1)
    dropped = []
    for sign in (1.0, -1.0):
        active = (flat_mask * flat_weight * sign > 0).nonzero().squeeze(1)
        count = int(DROP_FRACTION * len(active))
        smallest = flat_weight[active].abs().topk(count, largest=False).indices
        dropped.append(active[smallest])
    gone = torch.cat(dropped)
    grown = free[torch.randperm(len(free))[: len(gone)]]
    flat_weight[gone], flat_mask[gone], flat_velocity[gone] = 0, 0, 0
    flat_weight[grown], flat_mask[grown], flat_velocity[grown] = 0, 1, 0


class PlainCell:
    """One cell and its training state.

    Args:
        widths: units per layer, input and classes included.
        density: kept fraction of all weights, spread over layers by ERK.
        seed: of everything random.
        method: "static" or "set".
        epochs: length of the cosine schedule.
    """

    def __init__(
        self,
        *,
        widths: tuple[int, ...],
        density: float,
        seed: int,
        method: str = "static",
        epochs: int = EPOCHS,
    ) -> None:
        torch.manual_seed(seed)
        self.train, self.validation, self.test = load_splits()
        self.method = method
        self.model = make_model(widths)
        self.weights: list[Tensor] = [w for w in self.model.parameters() if w.dim() == 2]
        densities = erk_densities([weight.shape for weight in self.weights], density)
        self.masks = [random_mask(w, d) for w, d in zip(self.weights, densities, strict=True)]
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), LEARNING_RATE, MOMENTUM, weight_decay=WEIGHT_DECAY, fused=True
        )
        self.steps_per_epoch = -(-len(self.train.y) // BATCH)
        self.total_steps = epochs * self.steps_per_epoch
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, self.total_steps)
        self.step, self.best = 0, 0.0
        self.order = torch.randperm(len(self.train.y))
        self._apply_masks()

    def advance(self, steps: int) -> None:
        """Take that many optimizer steps; validate at the end of each epoch."""
        for _ in range(steps):
            offset = self.step % self.steps_per_epoch * BATCH
            self._take_step(self.order[offset : offset + BATCH])
            if self.step % self.steps_per_epoch == 0:
                self.best = max(self.best, self.accuracy(self.validation))
                self.order = torch.randperm(len(self.train.y))

    @torch.no_grad()
    def accuracy(self, part: Split) -> float:
        """The fraction of a part that the model classifies correctly."""
        return (self.model(part.x).argmax(1) == part.y).float().mean().item()

    def _take_step(self, index: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(self.model(self.train.x[index]), self.train.y[index]).backward()
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        self._apply_masks()
        if self.method == "set" and self.step % UPDATE_EVERY == 0 and self.step < self.total_steps:
            self._update_topology()

    @torch.no_grad()
    def _apply_masks(self) -> None:
        torch._foreach_mul_(self.weights, self.masks)

    @torch.no_grad()
    def _update_topology(self) -> None:
        for weight, mask in zip(self.weights, self.masks, strict=True):
            set_update(weight, mask, self.optimizer.state[weight]["momentum_buffer"])


def train_cell(method: str, density: float, seed: int) -> dict[str, float]:
    """Train one cell of 64-256-256-10: its test accuracy and its best validation accuracy."""
    torch.set_num_threads(1)
    cell = PlainCell(widths=(64, 256, 256, 10), density=density, seed=seed, method=method)
    cell.advance(cell.total_steps)
    return {"test_accuracy": cell.accuracy(cell.test), "best_val_accuracy": cell.best}
