"""Artifacts: what a cell leaves for other cells, as the bytes of one file.

``final`` holds the weights, buffers and masks of a cell when its training ended, by the names of
the model's parameters, ``rewind@500`` as they were after optimizer step 500; any engine can start
from them. Scores of examples are in :mod:`trainer.score_files`.
"""

import io
import pickle
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from grids.artifacts import check_name, moment_of
from sparse.context import Layer
from sparse.storage import storage_of
from trainer.engines.base import Engine
from trainer.reading import read_tensors

FORMAT = 1
"""Raised when what an artifact holds changes its meaning."""


class ArtifactError(ValueError):
    """An artifact cannot be read, or does not fit the model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """A cell as it was after one of its steps, or when its training ended.

    Attributes:
        weights: parameters and buffers by name, in the model's layout.
        masks: the mask of every maskable weight by the parameter's name, bool.

    Truly sparse weights and their masks are sparse CSR tensors here and in the file; who reads it
    gets dense ones.
    """

    weights: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]


def due_steps(
    names: Collection[str], *, total_steps: int, steps_per_epoch: int, first_step: int = 0
) -> dict[int, tuple[str, ...]]:
    """The steps after which artifacts of these names are taken, each with its names.

    Args:
        names: what a cell shall leave.
        total_steps: optimizer steps of its run.
        steps_per_epoch: those of one epoch.
        first_step: the step that its run goes on from.

    Raises:
        ValueError: for a name that no artifact has, or a step that the run does not take.
    """
    found: dict[int, tuple[str, ...]] = {}
    for name in sorted(names):
        if (moment := moment_of(check_name(name))) is None:
            continue
        step = moment.step(steps_per_epoch)
        if step > total_steps:
            raise ArtifactError(f"it shall leave {name}, but its run has {total_steps} steps")
        if step <= first_step:
            raise ArtifactError(
                f"it shall leave {name}, but its run goes on from step {first_step}"
            )
        found[step] = (*found.get(step, ()), name)
    return found


def take_snapshot(engine: Engine, n: int, layers: Iterable[Layer] | None = None) -> Snapshot:
    """Copies, on the CPU, of what cell ``n`` of an engine holds now.

    Args:
        layers: those of the cell's sparsifier, which may have masks apart from the engine's.
    """
    masked = engine.layers(n) if layers is None else layers
    masks = {layer.name: storage_of(layer).mask() for layer in masked}
    return Snapshot(weights=engine.weights(n), masks=masks)


def to_bytes(snapshot: Snapshot) -> bytes:
    """The file that holds a snapshot: the same bytes, whether it went through a checkpoint or not.

    The pickle inside writes a text that it has met before as a reference to that very object.
    """
    content = {
        "format": FORMAT,
        "weights": {sys.intern(name): value for name, value in snapshot.weights.items()},
        "masks": {sys.intern(name): value for name, value in snapshot.masks.items()},
    }
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def read_snapshot(path: Path) -> Snapshot:
    """The snapshot in the file of an artifact; nothing in it is executed.

    Raises:
        ArtifactError: when it is missing, damaged or of another format.
    """
    try:
        content = read_tensors(path)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise ArtifactError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ArtifactError(f"{path} is no artifact of format {FORMAT}")
    return Snapshot(weights=_dense(content["weights"]), masks=_dense(content["masks"]))


def _dense(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: _unpacked(tensor) for name, tensor in tensors.items()}


def _unpacked(tensor: Tensor) -> Tensor:
    return tensor.to_dense() if tensor.layout == torch.sparse_csr else tensor
