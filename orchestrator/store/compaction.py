"""Compaction: folding hot records into a new generation, safe to kill and to run twice at once.

The order is the proof. Parts are on the disk before the generation that names them is published;
records are archived, and the archive is on the disk, only when the newest generation holds them;
they are removed only after that. Whoever dies in between leaves files that the next one takes up.
"""

import gc
import hashlib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from orchestrator.store.archive import archive_line, has_curve, publish_archive
from orchestrator.store.folding import Outcome, encode, fold
from orchestrator.store.generations import (
    Generation,
    newest,
    publish_generation,
    read_newest,
    read_part,
    remove_old_parts,
    write_parts,
)
from orchestrator.store.index_part import INDEX, decode_index
from orchestrator.store.layout import Store, StoreError, StoreWarning
from orchestrator.store.publishing import replace
from orchestrator.store.reading import Snapshot, read_snapshot
from orchestrator.store.records import hot_paths, name_of
from orchestrator.store.schema import TABLES

_DUE = 256  # hot records; below that, reading them is not worth a generation
_DUE_SHARE = 10  # and a tenth of what is folded, so that all rewriting together stays linear


def compact_if_due(store: Store) -> Generation | None:
    """Compact when enough records are hot to be worth it; never an error.

    A store that cannot be written, or a disk that is full, only costs a StoreWarning: readers
    merge hot records in memory, so every answer stays right.
    """
    try:
        generation = newest(store)
        folded = generation.attempts if generation else 0
        due = len(hot_paths(store)) >= max(_DUE, folded // _DUE_SHARE)
        return compact(store) if due and store.writable else None
    except StoreError as error:
        warnings.warn(str(error), StoreWarning, stacklevel=2)
        return None


def compact(store: Store, *, minimum: int = 1) -> Generation | None:
    """Fold the hot records into a new generation and tidy up after it.

    What an earlier compaction left unfinished is finished too, whether or not there is something
    new. Any number of processes may call this at once, and each may die anywhere.

    Args:
        store: A writable store.
        minimum: Fold only when at least this many records are new, at least 1.

    Returns:
        The generation that this call published, None when there was too little to fold.

    Raises:
        CollisionError: When two different cells carry one id; nothing is changed.
        StoreError: When the store cannot be written or the newest generation is damaged.
    """
    try:
        with collector_paused():
            generation = _fold_hot(store, max(1, minimum))
            _archive_folded(store)
        _copy_tables(store)
        remove_old_parts(store)
    except OSError as error:
        raise StoreError(f"cannot compact the store at {store.root}: {error}") from error
    return generation


@contextmanager
def collector_paused() -> Iterator[None]:
    """Look for no garbage meanwhile.

    Folding makes millions of objects that live until it ends, and no cycles among them: searching
    them again and again would take a fifth of its time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _fold_hot(store: Store, minimum: int) -> Generation | None:
    while True:
        if len(hot_paths(store)) < minimum:
            return None
        snapshot = read_snapshot(store)
        if len(snapshot.outcomes) < minimum:
            return None
        generation = publish_folded(store, snapshot, snapshot.outcomes)
        if generation is not None:
            return generation


def publish_folded(
    store: Store, snapshot: Snapshot, outcomes: Sequence[Outcome]
) -> Generation | None:
    """Publish the next generation: a snapshot's own, with these attempts folded in.

    Returns:
        None when somebody published the generation of that number first.

    Raises:
        CollisionError: When two different cells carry one id.
    """
    folded = fold(snapshot.folded, outcomes)
    number = snapshot.number + 1
    generation = write_parts(store, number, len(folded.entries), encode(folded))
    return generation if publish_generation(store, generation) else None


def _archive_folded(store: Store) -> None:
    """Archive the hot records that the newest generation holds, then remove them."""
    paths = hot_paths(store)
    found = read_newest(store, [INDEX]) if paths else None
    if found is None:
        return
    generation, parts = found
    held = {(entry.cell, entry.attempt) for entry in decode_index(parts[INDEX])[0]}
    names = [name_of(path) for path in paths if name_of(path) in held]
    lines = {name: line for name in names if (line := _archive_line(store, *name)) is not None}
    if lines:
        publish_archive(store, str(generation.number), lines)
        for (cell, attempt), line in lines.items():
            # The curve first: a record without its curve is known to be folded, the reverse not.
            if has_curve(line):
                store.curve_path(cell, attempt).unlink(missing_ok=True)
            store.record_path(cell, attempt).unlink(missing_ok=True)


def _archive_line(store: Store, cell: str, attempt: str) -> bytes | None:
    try:
        record = store.record_path(cell, attempt).read_bytes()
    except FileNotFoundError:
        return None  # another compactor archived and removed it
    curve = None
    with suppress(FileNotFoundError):
        curve = store.curve_path(cell, attempt).read_bytes()
    return archive_line(record, curve)


def _copy_tables(store: Store) -> None:
    """Bring the convenience copies up to the newest generation."""
    generation = newest(store)
    while generation is not None:
        stale = [table for table in TABLES if not _is_copied(store, generation, table)]
        for table in stale:
            replace(store.table_path(table), read_part(store, generation, table))
        latest = newest(store)
        if latest is None or latest.number == generation.number:
            return
        generation = latest


def _is_copied(store: Store, generation: Generation, table: str) -> bool:
    try:
        data = store.table_path(table).read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(data).hexdigest() == generation.parts[table].sha256
