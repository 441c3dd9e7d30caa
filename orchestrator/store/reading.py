"""Reading the tables: the newest generation, with the hot records folded in, in memory."""

import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.store.folding import Folded, Outcome, decode, fold, nothing
from orchestrator.store.generations import newest, read_newest
from orchestrator.store.layout import Store, StoreError, StoreWarning
from orchestrator.store.measured import Output
from orchestrator.store.records import Record, read_curve, scan_hot
from orchestrator.store.rows import outputs_of

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """Everything in a store at one moment.

    Attributes:
        tables: Table name to Arrow table, sorted, as `schema` describes them.
        hot: How many of the attempts are only in hot records.
        damaged: Record files that cannot be read; nothing of them is in the tables.
    """

    tables: Mapping[str, "pa.Table"]
    hot: int
    damaged: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The newest generation, and what is published but not in it.

    Attributes:
        number: The generation's number; 0 before the first compaction.
        folded: What the generation holds.
        outcomes: Hot attempts that it does not hold.
        waiting: Hot records that it does not hold and whose curve cannot be seen yet.
        damaged: Record files that cannot be read.
    """

    number: int
    folded: Folded
    outcomes: tuple[Outcome, ...]
    waiting: tuple[Record, ...]
    damaged: tuple[Path, ...]


def read_tables(store: Store) -> Reading:
    """The tables with everything that was published, folded or not; writes nothing.

    Raises:
        CollisionError: When two different cells carry one id.
        StoreError: When the newest generation is damaged.
    """
    snapshot = read_snapshot(store)
    while snapshot.waiting and _newest_number(store) > snapshot.number:
        snapshot = read_snapshot(store)  # their curves were folded away while we read
    for record in snapshot.waiting:
        path = store.curve_path(record.cell, record.attempt)
        warnings.warn(f"the curve {path} is missing", StoreWarning, stacklevel=2)
    outcomes = [*snapshot.outcomes, *((record, None) for record in snapshot.waiting)]
    folded = fold(snapshot.folded, outcomes) if outcomes else snapshot.folded
    return Reading(tables=folded.tables, hot=len(outcomes), damaged=snapshot.damaged)


def read_outputs(
    store: Store, attempts: Collection[tuple[str, str]]
) -> dict[tuple[str, str], dict[Output, float]]:
    """The measurements of these attempts, each a cell and an attempt at it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    tables = read_tables(store).tables
    wanted = pa.array(sorted({attempt for _, attempt in attempts}), pa.string())
    found: dict[tuple[str, str], dict[Output, float]] = {name: {} for name in attempts}
    for name in ("results", "metrics"):
        table = tables[name]
        rows = table.filter(pc.is_in(table["attempt"], value_set=wanted))
        for row in rows.to_pylist():
            if (row["cell"], row["attempt"]) in found:
                found[row["cell"], row["attempt"]] |= outputs_of(row)
    return found


def read_snapshot(store: Store) -> Snapshot:
    """Read the hot records and the newest generation, in the order that misses nothing."""
    # Hot records first: what is folded away in between is then in the generation read after.
    scan = scan_hot(store)
    found = read_newest(store)
    folded = decode(found[1]) if found else nothing()
    held = folded.holds()
    fresh = [record for record in scan.records if (record.cell, record.attempt) not in held]
    outcomes, waiting = with_curves(store, fresh)
    return Snapshot(
        number=found[0].number if found else 0,
        folded=folded,
        outcomes=tuple(outcomes),
        waiting=tuple(waiting),
        damaged=scan.damaged,
    )


def with_curves(store: Store, records: Iterable[Record]) -> tuple[list[Outcome], list[Record]]:
    """The records with their curves, and those whose curve cannot be seen yet.

    A curve that cannot be read is warned about, and counts as none.
    """
    outcomes: list[Outcome] = []
    waiting: list[Record] = []
    for record in records:
        try:
            curve = read_curve(store, record.cell, record.attempt) if record.curve else None
        except FileNotFoundError:
            waiting.append(record)
            continue
        except (StoreError, OSError) as error:
            path = store.curve_path(record.cell, record.attempt)
            warnings.warn(f"skipped {path}: {error}", StoreWarning, stacklevel=2)
            curve = None
        outcomes.append((record, curve))
    return outcomes, waiting


def _newest_number(store: Store) -> int:
    generation = newest(store)
    return generation.number if generation else 0
