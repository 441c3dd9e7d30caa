"""What stopped a cell, as plain data, and the state that follows from it."""

import traceback
from dataclasses import dataclass

import torch

_OUT_OF_MEMORY = (MemoryError, torch.OutOfMemoryError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why a cell has no results.

    Attributes:
        state: ``OUT_OF_MEMORY``, for which fewer cells or a bigger machine may help, else
            ``FAILED``.
        error: type, message, traceback and the phase, which is what was being done.
    """

    state: str
    error: dict[str, str]

    @classmethod
    def of(cls, error: BaseException, phase: str) -> "Failure":
        """The failure that an exception is."""
        return cls(
            state="OUT_OF_MEMORY" if isinstance(error, _OUT_OF_MEMORY) else "FAILED",
            error={
                "type": type(error).__name__,
                "message": str(error),
                "traceback": "".join(traceback.format_exception(error)),
                "phase": phase,
            },
        )
