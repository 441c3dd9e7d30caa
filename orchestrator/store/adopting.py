"""Adopting: records of another store become part of the tables at once, without ever being hot.

A record that is published by itself costs a wait for the disk; here many share one archive and one
generation. Again the order is the proof: they are archived, and the archive is on the disk, before
the generation that holds them is published. Whoever dies in between leaves an archive that nobody
counts, and that serves whoever does it again.
"""

import warnings
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.store.archive import archive_line, publish_archive
from orchestrator.store.compaction import collector_paused, publish_folded
from orchestrator.store.folding import Outcome
from orchestrator.store.generations import newest
from orchestrator.store.layout import Store, StoreError, StoreWarning
from orchestrator.store.reading import read_snapshot
from orchestrator.store.records import decode_curve
from orchestrator.store.written import Written

_AT_ONCE = 32 << 20  # bytes of records and curves that share a generation, at least


def adopt(store: Store, records: Iterable[Written]) -> None:
    """Make whole records part of the tables; those that are there already are left alone.

    Any number of processes may do this, publish and compact at once, and each may die anywhere.
    Memory is that of a compaction: the tables, and as many records as are folded at once.

    Args:
        store: A writable store.
        records: With their curves, where they have one.

    Raises:
        CollisionError: When two different cells carry one id.
        StoreError: When the newest generation is damaged.
        OSError: When the store cannot be written.
    """
    left = iter(records)
    while chunk := _chunk(left, _due(store)):
        with collector_paused():
            _adopt(store, chunk)


def _due(store: Store) -> int:
    """How many bytes to fold at once: as many as the tables have, if that is more.

    So memory stays in proportion to the tables, and all rewriting of them together stays linear.
    """
    generation = newest(store)
    folded = sum(part.size for part in generation.parts.values()) if generation else 0
    return max(_AT_ONCE, folded)


def _chunk(records: Iterator[Written], size: int) -> list[Written]:
    """The next records: as many as have so many bytes."""
    chunk = list[Written]()
    for one in records:
        chunk.append(one)
        size -= one.size
        if size <= 0:
            break
    return chunk


def _adopt(store: Store, chunk: Sequence[Written]) -> None:
    lines = {one.name: archive_line(one.text, one.curve) for one in chunk}
    publish_archive(store, "merged", lines)
    outcomes = [_outcome(one) for one in chunk]
    while True:
        snapshot = read_snapshot(store)
        held = snapshot.folded.holds()
        held |= {(record.cell, record.attempt) for record, _ in snapshot.outcomes}
        fresh = [one for one in outcomes if (one[0].cell, one[0].attempt) not in held]
        if not fresh or publish_folded(store, snapshot, [*snapshot.outcomes, *fresh]):
            return


def _outcome(written: Written) -> Outcome:
    if not written.record.curve or written.curve is None:
        return written.record, None
    try:
        return written.record, decode_curve(written.curve)
    except StoreError as error:
        cell, attempt = written.name
        told = f"skipped the curve of cell {cell}, attempt {attempt}: {error}"
        warnings.warn(told, StoreWarning, stacklevel=2)
        return written.record, None
