"""Failures: one signature per cause, so that forty cells that failed alike are told as one."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.store.index import CellState

_FRAME = re.compile(r'File "(?:.*/)?([^/"]+)", line \d+, in (\S+)')
_VARYING = re.compile(r"0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
_FRAMES = 3  # the innermost frames name the cause; the outer ones are the same for all


@dataclass(frozen=True, kw_only=True, slots=True)
class FailureCluster:
    """Cells that failed in the same way.

    Attributes:
        signature: From `signature_of`; of those that were merged, that of most cells.
        state: The state they ended in.
        type: Name of the exception.
        message: Its message in the first of these cells.
        cells: Their ids, in the order given.
        places: At how many places in the code the same was raised: one cause may be met by
            several of a network's layers, or by several steps of the training.
        repeating: Of cells that have results, what was being added to these; else "".
    """

    signature: str
    state: str
    type: str
    message: str
    cells: tuple[str, ...]
    places: int = 1
    repeating: str = ""

    @property
    def text(self) -> str:
        """What was raised, for people."""
        raised = f" (raised at {self.places} places)" if self.places > 1 else ""
        they = "it has" if len(self.cells) == 1 else "they have"
        stands = f"{they} results, but {self.repeating} failed: " if self.repeating else ""
        return f"{stands}{self.type}: {self.message}{raised}"


def signature_of(error: Mapping[str, str]) -> str:
    """12 hex digits over an error's type, its message without numbers and its innermost frames.

    Line numbers and values are left out, so that the same fault in two cells has one signature.
    """
    frames = _FRAME.findall(error.get("traceback", ""))[-_FRAMES:]
    message = _without_values(error.get("message", ""))
    parts = [error.get("type", ""), message, *(f"{file}:{name}" for file, name in frames)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def cluster(states: Iterable[CellState]) -> list[FailureCluster]:
    """The failed cells grouped by cause, the largest group first.

    Those of one state, type and message are one cause, whichever place in the code raised it; a
    message may differ in its numbers. Where there is no message, the place tells causes apart.
    """
    groups: dict[tuple[str, ...], list[CellState]] = defaultdict(list)
    for state in states:
        if not state.completed:
            groups[_cause_of(state)].append(state)
    clusters = [_joined(members) for members in groups.values()]
    return sorted(clusters, key=lambda found: (-len(found.cells), found.signature))


def _cause_of(state: CellState) -> tuple[str, ...]:
    answer = state.answer
    message = _without_values(answer.error_message or "")
    return state.state, answer.error_type or "", message or (answer.error_signature or "")


def _joined(members: Sequence[CellState]) -> FailureCluster:
    first = members[0]
    signatures = Counter(member.answer.error_signature or "" for member in members)
    return FailureCluster(
        signature=signatures.most_common(1)[0][0],
        state=first.state,
        type=first.answer.error_type or first.state,
        message=first.answer.error_message or "",
        cells=tuple(member.cell for member in members),
        places=len(signatures),
    )


def _without_values(message: str) -> str:
    return _VARYING.sub("#", message)
