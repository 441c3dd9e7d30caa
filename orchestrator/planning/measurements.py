"""What a store has measured of durations: blocks of cells that stepped together, and starts.

A block is one observation, however many cells are in it: these are charged equal shares of its
time. Blocks of one worker share what that worker was held up by, and workers of one occasion, which
is a machine at one time, what that machine was busy with.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import NamedTuple

from orchestrator.planning.cost import Kind, kind_of_state
from orchestrator.store.answering import COMPLETED
from orchestrator.store.index import CellState
from orchestrator.store.index_part import IndexEntry

OCCASION_SECONDS = 1800.0
"""A pause of a machine between two of its workers that begins another occasion."""

_BORN = "%Y%m%dT%H%M%S.%fZ"


class Block(NamedTuple):
    """Cells of one kind that one worker stepped together.

    Attributes:
        kind: Their kind.
        place: What they ran on, from `place_of`.
        worker: Id of the attempt at their pack.
        occasion: Number of the occasion.
        cells: How many they are.
        width: How many cells, those of other kinds too, stepped together.
        log_seconds: Natural logarithm of the seconds that each was charged.
    """

    kind: Kind
    place: str
    worker: str
    occasion: int
    cells: int
    width: int
    log_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What is known of durations.

    Attributes:
        blocks: Every block, by worker.
        starts: Of every worker the seconds that it spent besides its blocks.
    """

    blocks: tuple[Block, ...]
    starts: tuple[float, ...]


def place_of(device: str | None, machine: str | None) -> str:
    """What decides how fast a cell is: the name of the GPU, or "cpu" and the machine type."""
    return f"cpu {machine}" if device in (None, "cpu") else str(device)


def on_cpu(place: str) -> bool:
    """Whether a place is a CPU."""
    return place.startswith("cpu ")


def measured(states: Iterable[CellState]) -> Measured:
    """The blocks and starts of all completed attempts of a store."""
    found: dict[tuple[str, str, Kind], list[IndexEntry]] = defaultdict(list)
    for state in states:
        for entry in state.entries:
            if entry.state == COMPLETED and entry.seconds:
                found[entry.attempt, entry.started_at, kind_of_state(state)].append(entry)
    spans: dict[str, dict[str, str]] = defaultdict(dict)
    hosts: dict[str, str] = {}
    for (worker, started_at, _), entries in found.items():
        ended = max(entry.finished_at for entry in entries)
        spans[worker][started_at] = max(ended, spans[worker].get(started_at, ""))
        hosts[worker] = entries[0].host or ""
    births = {worker: _born(worker, spans[worker]) for worker in spans}
    occasions = _occasions(births, hosts)
    blocks = (
        _block(kind, worker, occasions[worker], entries)
        for (worker, _, kind), entries in found.items()
    )
    starts = (_start(births[worker], own) for worker, own in sorted(spans.items()))
    return Measured(
        blocks=tuple(sorted(blocks)), starts=tuple(one for one in starts if one is not None)
    )


def born(worker: str) -> float | None:
    """When an attempt began, in seconds since 1970, by its id; None where that does not tell."""
    try:
        moment = datetime.strptime(worker.partition("-")[0], _BORN)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC).timestamp()


def start_of_run(index: Mapping[str, CellState], grid: str, submitted_at: str) -> float:
    """Seconds from a submission to its first worker; 0 where no worker tells.

    Args:
        index: What the store holds, by cell id.
        grid: The grid that was submitted.
        submitted_at: When, from `records.timestamp`; "" when it never was.
    """
    # Ids of attempts begin with a moment whose text order is time order.
    since = submitted_at.replace("-", "").replace(":", "")
    workers = [
        entry.attempt
        for state in (index.values() if since else ())
        for entry in state.entries
        if entry.grid == grid and entry.attempt >= since
    ]
    first = born(min(workers)) if workers else None
    return 0.0 if first is None else max(0.0, first - _seconds(submitted_at))


def _block(kind: Kind, worker: str, occasion: int, entries: Sequence[IndexEntry]) -> Block:
    seconds = median(entry.seconds or 0.0 for entry in entries)
    first = entries[0]
    return Block(
        kind=kind,
        place=place_of(first.device, first.machine),
        worker=worker,
        occasion=occasion,
        cells=len(entries),
        width=first.stack_width or 1,
        log_seconds=math.log(seconds),
    )


def _born(worker: str, spans: Mapping[str, str]) -> float:
    told = born(worker)
    return _seconds(min(spans)) if told is None else told


def _start(birth: float, spans: Mapping[str, str]) -> float | None:
    """Seconds of a worker that no block covers; None where its clocks make no sense of them."""
    in_blocks = sum(_seconds(end) - _seconds(begin) for begin, end in spans.items())
    rest = _seconds(max(spans.values())) - birth - in_blocks
    return rest if rest >= 0.0 else None


def _occasions(births: Mapping[str, float], hosts: Mapping[str, str]) -> dict[str, int]:
    """Worker to the number of its occasion."""
    numbers: dict[str, int] = {}
    counter = itertools.count()
    last: tuple[str, float] | None = None
    number = 0
    for worker in sorted(births, key=lambda one: (hosts[one], births[one])):
        here = hosts[worker], births[worker]
        if last is None or last[0] != here[0] or here[1] - last[1] > OCCASION_SECONDS:
            number = next(counter)
        numbers[worker], last = number, here
    return numbers


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
