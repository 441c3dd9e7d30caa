"""Training a cell again that has results: what the new attempt must agree with, or replaces.

In the exact tier the same code with the same torch on the same kind of machine and device computes
the same bits. A repeated cell that does not has a fault somewhere, and saying so is worth more than
a second number. Everywhere else the new results replace the old as a whole.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from orchestrator.store.index import DISAGREEMENT, CellState
from orchestrator.store.layout import Store
from orchestrator.store.records import Record

_ORIGIN = ("code", "torch", "machine", "device", "tier")
_SHOWN = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """The results that a cell has already.

    Attributes:
        attempt: The attempt that answers for the cell.
        origin: Its code, torch, machine, device and tier.
        metrics: Its measurements by name.
    """

    attempt: str
    origin: tuple[str | None, ...]
    metrics: Mapping[str, float]


def earlier_results(
    store: Store, index: Mapping[str, CellState], cells: Collection[str]
) -> dict[str, Earlier]:
    """What those of these cells that have results came to, by their ids."""
    answers = {
        cell: index[cell].answer for cell in cells if cell in index and index[cell].completed
    }
    if not answers:
        return {}
    from orchestrator.store.reading import read_metrics

    metrics = read_metrics(store, [(cell, answer.attempt) for cell, answer in answers.items()])
    return {
        cell: Earlier(
            attempt=answer.attempt,
            origin=tuple(getattr(answer, name) for name in _ORIGIN),
            metrics=metrics[cell, answer.attempt],
        )
        for cell, answer in answers.items()
    }


def settled(record: Record, earlier: Earlier) -> Record:
    """The record of a repeated cell in view of its earlier results.

    Where equal bits are promised it replaces nothing, and is a failure when its measurements are
    others. Else it replaces what it was told to.
    """
    origin = tuple(record.provenance.get(name) for name in _ORIGIN)
    if record.state != "COMPLETED" or origin != earlier.origin or "exact" not in origin:
        return record
    if dict(record.metrics) == dict(earlier.metrics):
        return replace(record, supersedes=())
    error = {
        "type": DISAGREEMENT,
        "message": _difference(record.metrics, earlier),
        "traceback": "",
        "phase": "repeat",
    }
    return replace(record, state="FAILED", supersedes=(), metrics={}, error=error)


def _difference(metrics: Mapping[str, float], earlier: Earlier) -> str:
    differing = [
        f"{name} {earlier.metrics.get(name)!r} then, {metrics.get(name)!r} now"
        for name in sorted({*metrics, *earlier.metrics})
        if metrics.get(name) != earlier.metrics.get(name)
    ]
    more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    listed = "; ".join(differing[:_SHOWN])
    return f"the same cell came to other results than attempt {earlier.attempt}: {listed}{more}"
