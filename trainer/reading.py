"""Reading files of tensors and plain data; nothing in them is executed."""

import warnings
from pathlib import Path
from typing import Any

import torch


def read_tensors(path: Path) -> Any:
    """What ``torch.save`` wrote, on the CPU.

    Raises:
        OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError: when the file is
            missing or damaged, or holds anything but tensors and plain data.
    """
    with warnings.catch_warnings():
        # torch tells that it checks the indices of sparse tensors, which is what we want.
        warnings.filterwarnings("ignore", "Validating sparse tensor invariants", UserWarning)
        return torch.load(path, map_location="cpu", weights_only=True)
