"""Loss and accuracy of all cells of a block on one split, and what final metrics there are."""

from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.data.bundle import Split
from trainer.engines.base import Engine

CHUNK = 1024
"""Examples per forward pass. Fixed, so that bits do not depend on the size of the block."""

METRICS: tuple[dict[str, str], ...] = (
    {
        "name": "test_accuracy",
        "unit": "fraction",
        "better": "higher",
        "help": "accuracy of the final weights on the test split",
    },
    {
        "name": "test_loss",
        "unit": "nats",
        "better": "lower",
        "help": "mean cross-entropy of the final weights on the test split",
    },
    {
        "name": "val_accuracy",
        "unit": "fraction",
        "better": "higher",
        "help": "accuracy of the final weights on the validation split",
    },
    {
        "name": "val_loss",
        "unit": "nats",
        "better": "lower",
        "help": "mean cross-entropy of the final weights on the validation split",
    },
    {
        "name": "train_accuracy",
        "unit": "fraction",
        "better": "higher",
        "help": "accuracy of the final weights on the training split",
    },
    {
        "name": "train_loss",
        "unit": "nats",
        "better": "lower",
        "help": "mean cross-entropy of the final weights on the training split",
    },
    {
        "name": "generalisation_gap",
        "unit": "fraction",
        "better": "lower",
        "help": "train_accuracy minus test_accuracy",
    },
    {
        "name": "best_val_accuracy",
        "unit": "fraction",
        "better": "higher",
        "help": "highest validation accuracy after any epoch",
    },
    {
        "name": "best_val_epoch",
        "unit": "epochs",
        "better": "lower",
        "help": "first epoch that reached best_val_accuracy",
    },
    {
        "name": "density",
        "unit": "fraction",
        "better": "lower",
        "help": "active share of the maskable weights at the end",
    },
    {
        "name": "train_flops",
        "unit": "FLOPs",
        "better": "lower",
        "help": "operations of the whole training, scoring before it included; producers are not",
    },
    {
        "name": "train_flops_ratio",
        "unit": "fraction",
        "better": "lower",
        "help": "train_flops over those of training the dense network on the same samples",
    },
    {
        "name": "inference_flops",
        "unit": "FLOPs",
        "better": "lower",
        "help": "operations of the final network for one sample",
    },
    {
        "name": "inference_flops_ratio",
        "unit": "fraction",
        "better": "lower",
        "help": "inference_flops over those of the dense network",
    },
    {
        "name": "explored_rate",
        "unit": "fraction",
        "better": "higher",
        "help": "share of the maskable weights that was ever active (dynamic methods)",
    },
    {
        "name": "collapsed_layers",
        "unit": "layers",
        "better": "lower",
        "help": "maskable layers without a single active weight at the end",
    },
    {
        "name": "alive_neurons",
        "unit": "fraction",
        "better": "lower",
        "help": "share of the units of all layers but the last that was not pruned (srigl, set_np)",
    },
)
"""Every final metric the trainer writes: name, unit, which way is better, meaning."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """Mean loss and accuracy (a fraction), one entry per cell of the block."""

    loss: list[float]
    accuracy: list[float]


@torch.no_grad()
def evaluate(engine: Engine, split: Split) -> Score:
    """Mean cross-entropy and accuracy of every cell of the block.

    The only host synchronisation is the one that brings the result back.
    """
    device = split.targets.device
    loss = torch.zeros(len(engine.cells), dtype=torch.float64, device=device)
    correct = torch.zeros(len(engine.cells), dtype=torch.int64, device=device)
    for start in range(0, len(split), CHUNK):
        targets = split.targets[start : start + CHUNK]
        logits = engine.logits(split.inputs[start : start + CHUNK])
        loss += _summed_loss(logits, targets)
        correct += (logits.argmax(2) == targets).sum(1)
    count = len(split)
    return Score(loss=(loss / count).tolist(), accuracy=(correct.double() / count).tolist())


def _summed_loss(logits: Tensor, targets: Tensor) -> Tensor:
    # (cells, b, classes) -> (cells,), summed in double precision row by row.
    log_p = torch.log_softmax(logits, 2)
    picked = log_p.gather(2, targets.view(1, -1, 1).expand(len(logits), -1, 1))
    return -picked.squeeze(2).double().sum(1)
