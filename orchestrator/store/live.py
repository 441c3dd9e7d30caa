"""The tables as they are now, undecoded: whoever asks reads only the columns and rows he needs.

A cell with an attempt that is not folded yet may have another answer than its folded rows say. So
the rows of such cells, few beside the whole, are folded anew in memory and stand in place of those
in the newest generation, which stay on the disk until somebody reads them.
"""

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.store.folding import Folded, Outcome, fold, nothing
from orchestrator.store.generations import newest
from orchestrator.store.index_part import ENTRY_COLUMNS, entry_of_row
from orchestrator.store.layout import Store, StoreWarning
from orchestrator.store.parts import OpenPart, at_cells, open_parts
from orchestrator.store.reading import with_curves
from orchestrator.store.records import Record, scan_hot

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

_RESULTS, _CURVES = "results", "curves"


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveTable:
    """One table as it is now.

    Attributes:
        folded: The rows of the newest generation, on the disk; None before the first compaction.
        replaced: Ids of the cells with attempts that are not folded yet, sorted.
        fresh: All rows of these cells, in place of those in `folded`.
    """

    folded: "ds.Dataset | None"
    replaced: Sequence[str]
    fresh: "pa.Table"


def live_tables(store: Store, names: Collection[str]) -> dict[str, LiveTable]:
    """The tables of these names with everything that was published, folded or not.

    Raises:
        CollisionError: When two different cells carry one id.
        StoreError: When the newest generation is damaged.
    """
    parts, fresh = _look(store, names)
    replaced = sorted(fresh.canonicals)
    return {
        name: LiveTable(
            folded=parts[name].dataset() if name in parts else None,
            replaced=replaced,
            fresh=fresh.tables[name],
        )
        for name in names
    }


def read_rows(
    store: Store, tables: Mapping[str, Sequence[str] | None], cells: Iterable[str]
) -> dict[str, "pa.Table"]:
    """The rows of some tables at these cells, those that are folded first, all of one moment.

    Args:
        store: Where to look.
        tables: Name of each table to the columns to read, "cell" among them; all when None.
        cells: Ids of cells.

    Raises:
        CollisionError: When two different cells carry one id.
        StoreError: When the newest generation is damaged.
    """
    import pyarrow as pa

    wanted = set(cells)
    ids = pa.array(sorted(wanted), pa.string())
    parts, fresh = _look(store, tables)
    found = {}
    for table, columns in tables.items():
        newer = at_cells(fresh.tables[table], ids)
        rows = [newer if columns is None else newer.select(columns)]
        if table in parts:
            rows.insert(0, parts[table].rows(wanted - fresh.canonicals.keys(), columns))
        found[table] = pa.concat_tables(rows)
    return found


def _look(store: Store, tables: Collection[str]) -> tuple[Mapping[str, OpenPart], Folded]:
    """The open parts of the newest generation, and all rows of the cells with newer attempts."""
    while True:
        # Hot records first: what is folded away in between is then in the generation read after.
        records = scan_hot(store).records
        number, parts = open_parts(store, {*tables, _RESULTS} if records else tables)
        unfolded = _unfolded(records, parts)
        outcomes, waiting = _outcomes(store, unfolded, _CURVES in tables)
        if not waiting or _newest_number(store) == number:
            break  # else their curves were folded away while we read
    for record in waiting:
        path = store.curve_path(record.cell, record.attempt)
        warnings.warn(f"the curve {path} is missing", StoreWarning, stacklevel=3)
    before = _folded_at({record.cell for record in unfolded}, parts, tables)
    return parts, fold(before, [*outcomes, *((record, None) for record in waiting)])


def _unfolded(records: Collection[Record], parts: Mapping[str, OpenPart]) -> list[Record]:
    """The hot records that the newest generation does not hold."""
    if not records or _RESULTS not in parts:
        return list(records)
    rows = parts[_RESULTS].rows({record.cell for record in records}, ["cell", "attempt"])
    held = {(row["cell"], row["attempt"]) for row in rows.to_pylist()}
    return [record for record in records if (record.cell, record.attempt) not in held]


def _outcomes(
    store: Store, records: Sequence[Record], curves: bool
) -> tuple[list[Outcome], list[Record]]:
    """The records with their curves, if these are asked for; those whose curve cannot be seen."""
    return with_curves(store, records) if curves else ([(record, None) for record in records], [])


def _folded_at(
    cells: Collection[str], parts: Mapping[str, OpenPart], tables: Collection[str]
) -> Folded:
    """What the newest generation holds of these cells."""
    if not cells or not parts:
        empty = nothing().tables
        return Folded(tables={name: empty[name] for name in tables}, entries=(), canonicals={})
    rows = parts[_RESULTS].rows(cells, [*ENTRY_COLUMNS, "canonical"]).to_pylist()
    return Folded(
        tables={name: parts[name].rows(cells) for name in tables},
        entries=list(map(entry_of_row, rows)),
        canonicals={row["cell"]: row["canonical"] for row in rows},
    )


def _newest_number(store: Store) -> int:
    generation = newest(store)
    return generation.number if generation else 0
