"""Failures: one signature per cause, so that forty cells that failed alike are told as one."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.store.index import CellState

_FRAME = re.compile(r'File "(?:.*/)?([^/"]+)", line \d+, in (\S+)')
_VARYING = re.compile(r"0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
_FRAMES = 3  # the innermost frames name the cause; the outer ones are the same for all


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureCluster:
    """Cells that failed in the same way.

    Attributes:
        signature: What they have in common, from `signature_of`.
        state: The state they ended in.
        type: Name of the exception.
        message: Its message in the first of these cells.
        cells: Their ids, in the order given.
    """

    signature: str
    state: str
    type: str
    message: str
    cells: tuple[str, ...]


def signature_of(error: Mapping[str, str]) -> str:
    """12 hex digits over an error's type, its message without numbers and its innermost frames.

    Line numbers and values are left out, so that the same fault in two cells has one signature.
    """
    frames = _FRAME.findall(error.get("traceback", ""))[-_FRAMES:]
    message = _VARYING.sub("#", error.get("message", ""))
    parts = [error.get("type", ""), message, *(f"{file}:{name}" for file, name in frames)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def cluster(states: Iterable[CellState]) -> list[FailureCluster]:
    """The failed cells grouped by signature, the largest group first."""
    groups: dict[tuple[str, str], list[CellState]] = defaultdict(list)
    for state in states:
        if not state.completed:
            groups[state.state, state.answer.error_signature or ""].append(state)
    clusters = [
        FailureCluster(
            signature=signature,
            state=word,
            type=members[0].answer.error_type or word,
            message=members[0].answer.error_message or "",
            cells=tuple(member.cell for member in members),
        )
        for (word, signature), members in groups.items()
    ]
    return sorted(clusters, key=lambda found: (-len(found.cells), found.signature))
