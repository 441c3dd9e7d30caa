"""Records for tests: whole, plausible and short to write."""

import hashlib
import json
from typing import Any

from orchestrator.store.records import Curve, Record, timestamp

ATTEMPT = "20261120T231400.{:06d}Z-00000000"
NOON = 1_795_176_000.0  # 2026-11-20T12:00:00Z

METRICS = {
    "test_accuracy": 0.9,
    "test_loss": 0.4,
    "val_accuracy": 0.91,
    "best_val_epoch": 3.0,
    "density": 0.05,
}

PROVENANCE = {
    "code": "c0de",
    "plugins": [],
    "environment": "e0",
    "torch": "2.15.0",
    "python": "3.11.7",
    "host": "node1",
    "machine": "x86_64",
    "device": "cpu",
    "engine": "stack",
    "stack_width": 6,
    "tier": "exact",
    "threads": 1,
    "backend": "inline",
    "grid": "digits",
    "pack": "ab12",
    "pack_size": 6,
    "seconds": 2.5,
    "device_seconds": 0.0,
    "memory_mb": 300.0,
    "resumed_step": 0,
    "topology_updates": 4,
}


def attempt(number: int) -> str:
    """The id of the attempt of that number: ids order as their numbers do."""
    return ATTEMPT.format(number)


def fields(**changed: Any) -> dict[str, Any]:
    """The flat fields of a cell, some of them changed: `method="set"`, `**{"recipe.lr": 0.2}`."""
    return {
        "method": "rigl",
        "method.update_every": 100,
        "density": "0.05",
        "allocation": "erk",
        "scenario": "clean",
        "dataset": "digits",
        "data_ratio": "1",
        "model": "mlp",
        "model.hidden": [256, 256],
        "recipe.epochs": 20,
        "recipe.batch": 32,
        "recipe.optimizer": "sgd",
        "recipe.lr": 0.1,
        "recipe.momentum": 0.9,
        "recipe.precision": "fp32",
        "recipe.tier": "exact",
        "recipe.threads": 1,
        "seed": 0,
        **changed,
    }


def record(number: int = 1, /, *, after: float | None = None, **changed: Any) -> Record:
    """Attempt `number` at the cell with the given fields, finished `after` seconds past noon.

    Arguments that are attributes of a record replace them; all others are fields of the cell.
    """
    own = {name: changed.pop(name) for name in list(changed) if name in Record.__slots__}
    flat = own.pop("fields", None) or fields(**changed)
    canonical = own.pop("canonical", {"fields": flat})
    text = json.dumps(canonical, sort_keys=True)
    values = {
        "cell": hashlib.sha256(text.encode()).hexdigest()[:16],
        "attempt": attempt(number),
        "state": "COMPLETED",
        "started_at": timestamp(NOON),
        "finished_at": timestamp(NOON + (number if after is None else after)),
        "metrics": METRICS,
        "layers": [{"layer": "fc1", "shape": [256, 64], "total": 16384, "active": 819}],
        "provenance": PROVENANCE,
    }
    return Record(**{**values, "canonical": canonical, "fields": flat, **own})


def failure(number: int = 1, /, **changed: Any) -> Record:
    """A failed attempt."""
    error = {
        "type": "RuntimeError",
        "message": "loss is nan",
        "traceback": "Traceback: ...",
        "signature": "RuntimeError@run.py:12",
        "phase": "training",
    }
    nothing = {"state": "FAILED", "metrics": {}, "layers": [], "error": error}
    return record(number, **{**nothing, **changed})


def curve(epochs: int = 3) -> Curve:
    """A curve of so many epochs."""
    points = range(1, epochs + 1)
    return {
        "epoch": [float(epoch) for epoch in points],
        "step": [float(45 * epoch) for epoch in points],
        "train_loss": [1.0 / epoch for epoch in points],
        "val_accuracy": [None if epoch == 1 else 0.9 for epoch in points],
        "lr": [0.1 for _ in points],
    }
