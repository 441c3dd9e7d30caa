"""Artifacts: what a cell leaves for other cells, as the bytes of one file.

``final`` holds the weights, buffers and masks of a cell when its training ended, by the names of
the model's parameters; any engine can start from it.
"""

import io
import pickle
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from grids.artifacts import ARTIFACTS
from trainer.engines.base import Engine

FORMAT = 1
"""Raised when what an artifact holds changes its meaning."""


class ArtifactError(ValueError):
    """An artifact cannot be read, or does not fit the model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Final:
    """A cell as it was when its training ended.

    Attributes:
        weights: parameters and buffers by name, in the model's layout.
        masks: the mask of every maskable weight by the parameter's name, bool.
    """

    weights: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]


def make_artifacts(engine: Engine, n: int, names: Collection[str]) -> dict[str, bytes]:
    """The artifacts of these names that cell ``n`` of a trained engine leaves.

    Raises:
        ArtifactError: for a name that is not one of :data:`grids.artifacts.ARTIFACTS`.
    """
    unknown = sorted(set(names) - set(ARTIFACTS))
    if unknown:
        raise ArtifactError(f"no artifact is called {unknown[0]!r}; known: {', '.join(ARTIFACTS)}")
    return {name: _final(engine, n) for name in names}


def read_final(path: Path) -> Final:
    """The ``final`` in a file; nothing in it is executed.

    Raises:
        ArtifactError: when it is missing, damaged or of another format.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise ArtifactError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ArtifactError(f"{path} is no artifact of format {FORMAT}")
    return Final(weights=content["weights"], masks=content["masks"])


def _final(engine: Engine, n: int) -> bytes:
    masks = {layer.name: layer.mask.bool().to("cpu", copy=True) for layer in engine.layers(n)}
    file = io.BytesIO()
    torch.save({"format": FORMAT, "weights": engine.weights(n), "masks": masks}, file)
    return file.getvalue()
