"""The index part of a generation: every attempt in brief, and every cell in its canonical form.

One line of JSON holds the attempts column by column; a line for each cell follows, its id and its
canonical JSON, which nobody parses before it is asked for. So a hundred thousand cells are read in
a fraction of a second. Probes are written as places in a list of the few combinations there are.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from orchestrator.store.layout import StoreError
from orchestrator.store.measured import covered, texts_of
from orchestrator.store.records import Record, check_name, time_text

INDEX = "index"
"""Name of the part of a generation that holds the index; the other parts are tables."""

DISAGREEMENT = "Disagreement"
"""Type of the error of an attempt that repeated a cell and came to other results."""


class IndexEntry(NamedTuple):
    """One attempt at one cell, in brief. Meanings and units as in docs/columns.md.

    A tuple, because a hundred thousand of them are made whenever somebody asks for a status.
    """

    cell: str
    attempt: str
    state: str
    started_at: str
    finished_at: str
    supersedes: tuple[str, ...] = ()
    curve: bool = False
    code: str | None = None
    torch: str | None = None
    machine: str | None = None
    host: str | None = None
    device: str | None = None
    engine: str | None = None
    stack_width: int | None = None
    tier: str | None = None
    backend: str | None = None
    grid: str | None = None
    pack: str | None = None
    seconds: float | None = None
    device_seconds: float | None = None
    memory_mb: float | None = None
    error_type: str | None = None
    error_message: str | None = None
    error_signature: str | None = None
    error_phase: str | None = None
    probes: tuple[str, ...] = ()
    gpus: float | None = None
    energy_j: float | None = None


ENTRY_COLUMNS = IndexEntry._fields
"""The columns of the results table that an index entry repeats, in order."""

ORIGIN = ("code", "torch", "machine", "device", "tier")
"""The columns in which attempts are equal that must come to the same bits in the exact tier."""


def origin(entry: IndexEntry) -> tuple[str | None, ...]:
    """What decides the bits of an attempt in the exact tier: see `ORIGIN`."""
    return tuple(getattr(entry, name) for name in ORIGIN)


def entry_of(record: Record) -> IndexEntry:
    """The index entry of a record."""
    values: dict[str, Any] = dict(record.provenance)
    values |= {f"error_{key}": value for key, value in (record.error or {}).items()}
    values |= {
        name: getattr(record, name)
        for name in ("cell", "attempt", "state", "started_at", "finished_at", "supersedes", "curve")
    }
    values["probes"] = covered(record)
    return IndexEntry(**{name: values[name] for name in ENTRY_COLUMNS if name in values})


def entry_of_row(row: Mapping[str, Any]) -> IndexEntry:
    """The index entry of a row of the table results; at least ENTRY_COLUMNS are in it."""
    values = {name: row[name] for name in ENTRY_COLUMNS if row[name] is not None}
    values |= {name: time_text(values[name]) for name in ("started_at", "finished_at")}
    values["supersedes"] = tuple(values.get("supersedes", ()))
    values["probes"] = texts_of(json.loads(values.get("probes", "[]")))
    return IndexEntry(**values)


def encode_index(entries: Sequence[IndexEntry], canonicals: Mapping[str, str]) -> bytes:
    """The index part of a generation.

    Args:
        entries: One per attempt.
        canonicals: Cell id to canonical JSON.
    """
    columns: dict[str, Any] = {}
    places = {probes: place for place, probes in enumerate(sorted({e.probes for e in entries}))}
    if entries:
        columns = dict(zip(ENTRY_COLUMNS, zip(*entries, strict=True), strict=True))
        columns["probes"] = [places[probes] for probes in columns["probes"]]
    head = {"attempts": columns, "probes": list(places)}
    lines = [
        json.dumps(head, sort_keys=True, separators=(",", ":")),
        *(f"{cell} {text}" for cell, text in canonicals.items()),
    ]
    return "\n".join(lines).encode() + b"\n"


def decode_index(data: bytes) -> tuple[list[IndexEntry], dict[str, str]]:
    """The inverse of `encode_index`: the entries, and cell id to canonical JSON.

    Columns that the writer did not know yet hold their defaults.
    """
    first, _, rest = data.decode().partition("\n")
    head = json.loads(first)
    columns: dict[str, list[Any]] = head["attempts"]
    unknown = sorted(set(columns) - set(ENTRY_COLUMNS))
    if unknown:
        raise StoreError(f"a newer program wrote the index: unknown columns {', '.join(unknown)}")
    if "probes" in columns:
        combinations = list(map(tuple, head["probes"]))
        columns["probes"] = [combinations[place] for place in columns["probes"]]
    pairs = (line.partition(" ") for line in rest.splitlines())
    return _entries(columns), {cell: text for cell, _, text in pairs}


def _entries(columns: dict[str, list[Any]]) -> list[IndexEntry]:
    if not columns:
        return []
    for cell, attempt in zip(columns["cell"], columns["attempt"], strict=True):
        check_name(cell, attempt)
    columns["supersedes"] = list(map(tuple, columns["supersedes"]))
    missing = set(ENTRY_COLUMNS) - set(columns)
    length = len(columns["cell"])
    columns |= {name: [IndexEntry._field_defaults[name]] * length for name in missing}
    rows = zip(*(columns[name] for name in ENTRY_COLUMNS), strict=True)
    return list(map(IndexEntry._make, rows))
