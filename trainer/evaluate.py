"""Loss, accuracy and calibration of all cells of a block on one split."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainer.data.bundle import Split
from trainer.engines.base import Engine

Change = Callable[[Tensor, Tensor], Tensor]
"""From inputs (b, *input_shape) and targets (b,) to inputs."""

CHUNK = 1024
"""Examples per forward pass. Fixed: with another number the last bits of sums are others."""

CALIBRATION_BINS = 15
"""Bins of equal width of the expected calibration error (Guo et al. 2017, section 4)."""


def chunks(split: Split, size: int = CHUNK) -> Iterator[tuple[Tensor, Tensor]]:
    """A split in order: views of inputs (b, *input_shape) and targets (b,), b at most ``size``."""
    yield from zip(split.inputs.split(size), split.targets.split(size), strict=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluated:
    """Mean loss and accuracy (a fraction), one entry per cell of the block."""

    loss: list[float]
    accuracy: list[float]


@torch.no_grad()
def evaluate(engine: Engine, split: Split) -> Evaluated:
    """Mean cross-entropy and accuracy of every cell of the block.

    The only host synchronisation is the one that brings the result back.
    """
    device = split.targets.device
    loss = torch.zeros(len(engine.cells), dtype=torch.float64, device=device)
    correct = torch.zeros(len(engine.cells), dtype=torch.int64, device=device)
    for inputs, targets in chunks(split):
        logits = engine.logits(inputs)
        loss += _summed_loss(logits, targets)
        correct += (logits.argmax(2) == targets).sum(1)
    count = len(split)
    return Evaluated(loss=(loss / count).tolist(), accuracy=(correct.double() / count).tolist())


@torch.no_grad()
def accuracy_of(
    network: nn.Module, split: Split, change: Change | None = None, *, at_once: int = CHUNK
) -> float:
    """The share of a split's examples that a network, as it is, recognises.

    Args:
        network: from inputs (b, *input_shape) to logits (b, classes).
        split: inputs may lie on the CPU: they go where the targets are, a pass at a time.
        change: what is done to the inputs first, as an attack.
        at_once: examples per pass. The bits depend on it, so let it follow from nothing that
            differs between machines.
    """
    correct = torch.zeros((), dtype=torch.int64, device=split.targets.device)
    for inputs, targets in chunks(split, at_once):
        seen = inputs.to(targets.device)
        if change is not None:
            seen = change(seen, targets)
        correct += (network(seen).argmax(1) == targets).sum()
    return int(correct) / len(split)


def constant_accuracy(split: Split) -> float:
    """The accuracy of the best constant answer: the share of the most frequent class."""
    return int(split.targets.bincount().max()) / len(split)


@torch.no_grad()
def calibration_errors(engine: Engine, split: Split) -> list[float]:
    """The expected calibration error of every cell of the block, a fraction.

    By how much confidence (the largest probability) and accuracy differ within bins of equal width,
    weighted by the examples in them (Guo et al. 2017, equation 3).
    """
    shape = (len(engine.cells), CALIBRATION_BINS)
    surplus = torch.zeros(shape, dtype=torch.float64, device=split.targets.device)
    for inputs, targets in chunks(split):
        confidence, predicted = torch.softmax(engine.logits(inputs), 2).max(2)
        bins = (confidence * CALIBRATION_BINS).ceil().long().clamp(1, CALIBRATION_BINS) - 1
        members = F.one_hot(bins, CALIBRATION_BINS).double()
        beyond = confidence.double() - (predicted == targets).double()
        surplus += (beyond.unsqueeze(2) * members).sum(1)
    errors: list[float] = (surplus.abs().sum(1) / len(split)).tolist()
    return errors


def _summed_loss(logits: Tensor, targets: Tensor) -> Tensor:
    # (cells, b, classes) -> (cells,), summed in double precision row by row.
    log_p = torch.log_softmax(logits, 2)
    picked = log_p.gather(2, targets.view(1, -1, 1).expand(len(logits), -1, 1))
    return -picked.squeeze(2).double().sum(1)
