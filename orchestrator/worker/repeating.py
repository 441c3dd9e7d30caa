"""Training a cell again that has results: what the new attempt must agree with, or replaces.

In the exact tier the same code with the same torch on the same kind of machine and device computes
the same bits. A repeated cell that does not has a fault somewhere, and saying so is worth more than
a second number. Everywhere else the new results replace the old as a whole.

What only one of the two holds is no disagreement: a cell is trained again to measure what nobody
asked for before. A metric of a probe is compared only with that of the same probe with the same
options.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from orchestrator.store.answering import ranked
from orchestrator.store.index import DISAGREEMENT, CellState
from orchestrator.store.index_part import ORIGIN, IndexEntry, origin
from orchestrator.store.layout import Store
from orchestrator.store.measured import Output, outputs
from orchestrator.store.records import Record

_SHOWN = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """The results that a cell has already.

    Attributes:
        attempt: The attempt that answers for the cell.
        origin: Its code, torch, machine, device and tier.
        outputs: Its measurements, those among them that later attempts of this origin added.
    """

    attempt: str
    origin: tuple[str | None, ...]
    outputs: Mapping[Output, float]


def earlier_results(
    store: Store, index: Mapping[str, CellState], cells: Collection[str]
) -> dict[str, Earlier]:
    """What those of these cells that have results came to, by their ids."""
    standing = {
        cell: _alike(index[cell]) for cell in cells if cell in index and index[cell].completed
    }
    if not standing:
        return {}
    from orchestrator.store.reading import read_outputs

    names = [(cell, one.attempt) for cell, entries in standing.items() for one in entries]
    found = read_outputs(store, names)
    return {
        cell: Earlier(
            attempt=entries[0].attempt,
            origin=origin(entries[0]),
            outputs=_first_of_each(found[cell, one.attempt] for one in entries),
        )
        for cell, entries in standing.items()
    }


def _alike(state: CellState) -> list[IndexEntry]:
    """The attempt that answers for a cell, and those after it that stand and have its origin."""
    first, *others = ranked(state.entries)
    return [first, *(one for one in others if origin(one) == origin(first))]


def _first_of_each(held: Iterable[Mapping[Output, float]]) -> dict[Output, float]:
    found: dict[Output, float] = {}
    for one in held:
        found = {**one, **found}
    return found


def settled(record: Record, earlier: Earlier) -> Record:
    """The record of a repeated cell in view of its earlier results.

    Where equal bits are promised it replaces nothing, and is a failure when a measurement that
    both hold is another. Else it replaces what it was told to.
    """
    own = tuple(record.provenance.get(name) for name in ORIGIN)
    if record.state != "COMPLETED" or own != earlier.origin or "exact" not in own:
        return record
    now, then = outputs(record), earlier.outputs
    differing = {
        one[0]: (then[one], now[one]) for one in now.keys() & then.keys() if now[one] != then[one]
    }
    if not differing:
        return replace(record, supersedes=())
    error = {
        "type": DISAGREEMENT,
        "message": _difference(differing, earlier.attempt),
        "traceback": "",
        "phase": "repeat",
    }
    return replace(record, state="FAILED", supersedes=(), metrics={}, error=error)


def _difference(differing: Mapping[str, tuple[float, float]], attempt: str) -> str:
    told = [f"{name} {then!r} then, {now!r} now" for name, (then, now) in sorted(differing.items())]
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    listed = "; ".join(told[:_SHOWN])
    return f"the same cell came to other results than attempt {attempt}: {listed}{more}"
