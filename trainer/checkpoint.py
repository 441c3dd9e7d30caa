"""Checkpoints: everything needed to go on as if nothing had happened, per cell.

A checkpoint file holds the state of each unfinished cell under the cell's id, so that an
interrupted cell can go on alone or in a pack of any other composition, to the same bits. All
randomness is named (:mod:`trainer.seeding`), so a step number stands for every generator and for
the position in the data.
"""

import contextlib
import io
import logging
import os
import pickle
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from trainer.reading import read_tensors

FORMAT = 1
"""Raised when what a checkpoint holds changes its meaning."""

logger = logging.getLogger(__name__)


def origin_of_this_process() -> dict[str, str]:
    """What a state's bits depend on besides the cell: torch and the kind of processor."""
    return {
        "torch": str(torch.__version__),
        "processor": torch.backends.cpu.get_cpu_capability(),
    }


def write_checkpoint(
    folder: Path, number: int, origin: dict[str, str], cells: dict[str, dict[str, Any]]
) -> Path:
    """Publish a checkpoint whole: temporary name, fsync, rename; then drop all but the previous.

    Args:
        folder: this attempt's own folder, made if needed.
        number: grows with every checkpoint of the attempt.
        origin: what made it; see :func:`read_states`.
        cells: state by cell id; tensors and plain data only.

    Returns:
        The file's path, ``<number>.pt``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    torch.save({"format": FORMAT, "origin": origin, "cells": cells}, content)
    path = folder / f"{number:08d}.pt"
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(content.getbuffer())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    for old in sorted(folder.glob("*.pt"))[:-2]:
        with contextlib.suppress(FileNotFoundError):
            old.unlink()
    return path


def read_states(
    paths: Sequence[Path], cell_ids: Sequence[str], origin: dict[str, str]
) -> dict[str, dict[str, Any]]:
    """The newest state of each cell that has one.

    Args:
        paths: checkpoint files, newest first. One that cannot be read is reported and passed over.
        cell_ids: the cells wanted.
        origin: must be that of the file; going on with other code, torch or processor would give
            a cell that no version of anything computes.
    """
    wanted = set(cell_ids)
    states: dict[str, dict[str, Any]] = {}
    for path in paths:
        if wanted <= states.keys():
            break
        for cell_id, state in _read(path, origin).items():
            if cell_id in wanted:
                states.setdefault(cell_id, state)
    return states


class CheckpointClock:
    """Decides when a checkpoint is due.

    Args:
        minutes: at least so many between two checkpoints; stretched so that writing takes at most
            1 % of run time.
        steps: due every so many steps instead.
    """

    def __init__(self, minutes: float, steps: int | None) -> None:
        self._interval = 60.0 * minutes
        self._steps = steps
        self._next = time.monotonic() + self._interval

    def due(self, step: int) -> bool:
        """Whether to write one after this step."""
        if self._steps is not None:
            return step % self._steps == 0
        return time.monotonic() >= self._next

    def written(self, seconds: float) -> None:
        """Note how long the last one took."""
        self._next = time.monotonic() + max(self._interval, 99.0 * seconds)


def _read(path: Path, origin: dict[str, str]) -> dict[str, dict[str, Any]]:
    try:
        content = read_tensors(path)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        logger.warning("checkpoint %s cannot be read and is passed over: %s", path, error)
        return {}
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        logger.warning("checkpoint %s has another format and is passed over", path)
        return {}
    if content["origin"] != origin:
        made = content["origin"]
        logger.warning("checkpoint %s is passed over: made by %s, not %s", path, made, origin)
        return {}
    cells: dict[str, dict[str, Any]] = content["cells"]
    return cells
