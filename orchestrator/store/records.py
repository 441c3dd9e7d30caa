"""Records: one immutable JSON file per finished attempt at a cell, failures too.

The record is the truth of a store. It is written once, by the worker, after the attempt ended;
everything else (tables, index, status) is computed from the records.
"""

import json
import math
import os
import re
import secrets
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.store.layout import (
    SCHEMA_VERSION,
    Store,
    StoreError,
    StoreWarning,
    is_cell_id,
    is_name,
)
from orchestrator.store.publishing import publish_all

RECORD_STATES = (
    "COMPLETED",
    "FAILED",
    "INVALID",
    "OUT_OF_MEMORY",
    "TIMEOUT",
    "CANCELLED",
    "PREEMPTED",
    "NODE_FAIL",
)
"""The states in which an attempt can end."""

Curve = Mapping[str, Sequence[float | None]]
"""Per-epoch values: columns of equal length, None where nothing was measured."""

_STRICT = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
_DECODER = json.JSONDecoder()
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


class CollisionError(StoreError):
    """Two different cells carry the same id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What one finished attempt at one cell left behind.

    Attributes:
        cell: Id of the cell, 16 hex digits.
        attempt: Id of the attempt, from `new_attempt`.
        state: One of RECORD_STATES.
        canonical: The cell as its id was computed from it, defaults elided.
        fields: The cell's fields, flat and with all defaults: "method", "method.update_every",
            "density", "recipe.lr", "seed", ...
        started_at: When the attempt began, from `timestamp`.
        finished_at: When it ended, from `timestamp`.
        metrics: Name to value of every final measurement; accuracies are fractions.
        layers: One mapping per sparse layer: "layer", "shape", "total", "active".
        curve: Whether a curve was published with it.
        error: None, or "type", "message", "traceback", "signature" and "phase" of the failure.
        supersedes: Ids of the attempts at this cell that this one replaces.
        provenance: What made it: code, host, device, engine, seconds, ...
    """

    cell: str
    attempt: str
    state: str
    canonical: Mapping[str, Any]
    fields: Mapping[str, Any]
    started_at: str
    finished_at: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    layers: Sequence[Mapping[str, Any]] = ()
    curve: bool = False
    error: Mapping[str, Any] | None = None
    supersedes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a record that readers could not order or name."""
        if self.state not in RECORD_STATES:
            raise StoreError(
                f"a record cannot have state {self.state!r}; one of {', '.join(RECORD_STATES)}"
            )
        check_name(self.cell, self.attempt)
        for moment in (self.started_at, self.finished_at):
            _check_time(moment)

    def to_json(self) -> bytes:
        """The record's file: one line of strict JSON with sorted keys."""
        content = {name: getattr(self, name) for name in _NAMES}
        content["schema"] = SCHEMA_VERSION
        content["metrics"] = {name: json_number(float(v)) for name, v in self.metrics.items()}
        return _dump(content)

    @classmethod
    def from_json(cls, data: bytes | str) -> "Record":
        """The inverse of `to_json`.

        Raises:
            StoreError: When `data` is not a whole record of this schema version.
        """
        try:
            plain = json.loads(data)
        except ValueError as error:
            raise _damaged(error) from error
        return cls.from_plain(plain)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Record":
        """A record from what its JSON holds; StoreError as from `from_json`."""
        try:
            content = dict(plain)
            version = content.pop("schema")
            if version != SCHEMA_VERSION:
                raise StoreError(f"it has schema version {version!r}, not {SCHEMA_VERSION}")
            content["metrics"] = {k: float(v) for k, v in content["metrics"].items()}
            content["supersedes"] = tuple(content["supersedes"])
            return cls(**content)
        except StoreError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(error) from error


_NAMES = tuple(entry.name for entry in fields(Record))


@dataclass(frozen=True, kw_only=True, slots=True)
class HotScan:
    """What a look at the hot records found.

    Attributes:
        records: The whole ones, by (cell, attempt).
        damaged: Files that are no whole record; they are left where they are and never counted.
    """

    records: tuple[Record, ...]
    damaged: tuple[Path, ...]


def new_attempt() -> str:
    """A new attempt id: UTC time, then random hex, so that two workers never share one."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"


def timestamp(seconds: float) -> str:
    """Seconds since 1970 as records write them: ISO 8601, UTC, always with microseconds."""
    return time_text(datetime.fromtimestamp(seconds, UTC))


def time_text(moment: datetime) -> str:
    """A moment in UTC as records write it."""
    return moment.strftime(_TIME_FORMAT)


def publish(store: Store, record: Record, curve: Curve | None = None) -> bool:
    """Publish one record and its curve; both are on the disk when this returns.

    Returns:
        True; False when this attempt at this cell was published before.
    """
    return publish_batch(store, [(record, curve)])[0]


def publish_batch(store: Store, outcomes: Sequence[tuple[Record, Curve | None]]) -> list[bool]:
    """Publish many records as `publish` does, sharing the waits for the disk.

    Curves are on the disk before the records that promise them.

    Returns:
        For each outcome in turn, whether it was new.
    """
    for record, curve in outcomes:
        if record.curve != (curve is not None):
            raise ValueError(
                f"record {record.cell} says curve={record.curve}, "
                f"but {'a' if curve is not None else 'no'} curve was given"
            )
    curves = [
        (store.curve_path(record.cell, record.attempt), encode_curve(curve))
        for record, curve in outcomes
        if curve is not None
    ]
    publish_all(curves)
    return publish_all([(store.record_path(r.cell, r.attempt), r.to_json()) for r, _ in outcomes])


def encode_curve(curve: Curve) -> bytes:
    """A curve's file: one line of strict JSON; infinities and NaN become text."""
    lengths = {name: len(values) for name, values in curve.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns of a curve must be equally long, not {lengths}")
    return _dump({name: [json_number(v) for v in values] for name, values in curve.items()})


def decode_curve(data: bytes | str) -> dict[str, list[float | None]]:
    """The inverse of `encode_curve`; StoreError when `data` is damaged."""
    try:
        return {
            name: [None if value is None else float(value) for value in values]
            for name, values in json.loads(data).items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"it is damaged ({error})") from error


def read_curve(store: Store, cell: str, attempt: str) -> dict[str, list[float | None]]:
    """The curve of a hot record; FileNotFoundError when it is not hot."""
    return decode_curve(store.curve_path(cell, attempt).read_bytes())


def read_hot(store: Store) -> list[Record]:
    """The records not yet folded away, by (cell, attempt); damaged files are warned about."""
    return list(scan_hot(store).records)


def scan_hot(store: Store) -> HotScan:
    """Read the hot records, and say which files are damaged (also with a StoreWarning)."""
    records: list[Record] = []
    damaged: list[Path] = []
    for path in hot_paths(store):
        try:
            records.append(_read(path))
        except FileNotFoundError:
            continue  # folded away since the folder was listed
        except (StoreError, OSError) as error:
            warnings.warn(f"skipped {path}: {error}", StoreWarning, stacklevel=2)
            damaged.append(path)
    return HotScan(records=tuple(records), damaged=tuple(damaged))


def hot_paths(store: Store) -> list[Path]:
    """The files of the hot records, by (cell, attempt), unread."""
    folders = [store.records / name for name in _listing(store.records)]
    return [
        folder / name
        for folder in folders
        if folder != store.archive
        for name in _listing(folder)
        if name.endswith(".json") and not name.startswith(".")
    ]


def name_of(path: Path) -> tuple[str, str]:
    """The (cell, attempt) in the name of a record's or a curve's file."""
    cell, _, attempt = path.name.removesuffix(".json").partition(".")
    return cell, attempt


def canonical_json(content: object) -> str:
    """Strict JSON on one line with sorted keys: equal contents are equal text."""
    return _STRICT.encode(content)


def first_value(text: str, start: int) -> tuple[Any, int]:
    """The JSON value that begins at a place in a text, and where it ends; StoreError for none."""
    try:
        return _DECODER.raw_decode(text, start)
    except ValueError as error:
        raise _damaged(error) from error


def check_name(cell: object, attempt: object) -> None:
    """Refuse what cannot be cell and attempt: files are named so, in stores of strangers too."""
    if not is_cell_id(cell) or not is_name(attempt):
        raise StoreError(f"it is damaged (cell {cell!r}, attempt {attempt!r} are no such names)")


def json_number(value: float | None) -> float | str | None:
    """A number as strict JSON can hold it: NaN and infinities become text that float() reads."""
    if value is None or math.isfinite(value):
        return value
    return str(float(value))


def check_same_cell(cell: str, one: str, other: str) -> None:
    """Raise CollisionError when one id stands for two cells, given as their canonical JSON."""
    if one != other:
        raise CollisionError(f"two different cells carry the id {cell}: {one} and {other}")


def _damaged(error: Exception) -> StoreError:
    return StoreError(f"it is damaged ({error})")


def _read(path: Path) -> Record:
    record = Record.from_json(path.read_bytes())
    if (record.cell, record.attempt) != name_of(path):
        raise StoreError(f"it holds cell {record.cell}, attempt {record.attempt}")
    return record


def _listing(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _check_time(moment: str) -> None:
    if not isinstance(moment, str) or not _TIME.fullmatch(moment):
        raise StoreError(f"{moment!r} is no time such as 2026-11-20T23:14:00.123456Z")


def _dump(content: object) -> bytes:
    return canonical_json(content).encode() + b"\n"
