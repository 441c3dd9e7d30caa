"""Files of scores: what a trained network says of every example of its training split."""

import io
import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

FORMAT = 1
"""Raised when what a file of scores holds changes its meaning."""


class ScoreError(ValueError):
    """Scores cannot be read, or are of other examples than they should be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """The scores of one network.

    Attributes:
        cell: id of the cell that trained the network.
        name: name of the artifact: the kind of score, and when it was taken.
        ids: (n,) int64, the examples.
        values: (n,) float64, their scores in the same order.
    """

    cell: str
    name: str
    ids: Tensor
    values: Tensor


def to_bytes(scores: Scores) -> bytes:
    """The file that holds the scores; the same scores always give the same bytes."""
    content = {"format": FORMAT, "cell": scores.cell, "name": scores.name}
    file = io.BytesIO()
    torch.save({**content, "ids": scores.ids.clone(), "values": scores.values.clone()}, file)
    return file.getvalue()


def read_scores(path: Path) -> Scores:
    """The scores in a file; nothing in it is executed.

    Raises:
        ScoreError: when it is missing, damaged or of another format.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise ScoreError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise ScoreError(f"{path} holds no scores of format {FORMAT}")
    try:
        return Scores(**content)
    except TypeError as error:
        raise ScoreError(f"{path} holds no scores: {error}") from error
