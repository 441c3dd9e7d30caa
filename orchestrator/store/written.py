"""Records as they were written, hot or archived: the bytes from which a store can be made anew."""

import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.store.layout import Store, StoreError, StoreWarning
from orchestrator.store.records import Record, first_value, hot_paths, name_of

Name = tuple[str, str]
"""Id of a cell, and of an attempt at it."""

_LINE, _CURVE = b'{"record":', b',"curve":'


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """One record with its curve.

    Attributes:
        record: The record.
        text: Its file's content: one line.
        curve: The content of its curve's file; None when it left none, or it cannot be found.
    """

    record: Record
    text: bytes
    curve: bytes | None

    @property
    def name(self) -> Name:
        """Cell and attempt."""
        return self.record.cell, self.record.attempt

    @property
    def whole(self) -> bool:
        """Whether the curve is there if there shall be one."""
        return not self.record.curve or self.curve is not None

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return len(self.text) + len(self.curve or b"")


def read_written(store: Store, wanted: Collection[Name]) -> Iterator[Written]:
    """These records of a store, each once, in no order; writes nothing.

    Whoever folds records away meanwhile does no harm. A curve that is nowhere to be found is warned
    about, and the record comes without it.

    Args:
        store: The store.
        wanted: Cell and attempt of records that its index holds.

    Raises:
        StoreError: When a record is neither hot nor archived, or the archive is damaged.
    """
    left, bare = set(wanted), dict[Name, Written]()
    # Hot records first: what is folded away in between is then in the archive read after.
    for written in _chain(store, left):
        if written.whole:
            left.discard(written.name)
            bare.pop(written.name, None)
            yield written
        else:
            bare.setdefault(written.name, written)
    for name, written in bare.items():
        path = store.curve_path(*name)
        warnings.warn(f"the curve {path} is missing", StoreWarning, stacklevel=2)
        yield written
    lost = sorted(left - bare.keys())
    if lost:
        cell, attempt = lost[0]
        raise StoreError(
            f"the store at {store.root} is damaged: {len(lost)} records that its tables hold are "
            f"neither in {store.records} nor archived, the first one of cell {cell}, "
            f"attempt {attempt}"
        )


def find_written(store: Store, cell: str, attempt: str) -> Written:
    """One record of a store; StoreError when it is not there."""
    return next(read_written(store, [(cell, attempt)]))


def _chain(store: Store, left: Collection[Name]) -> Iterator[Written]:
    """Hot records, then archived ones, of which the name is among those left."""
    for path in hot_paths(store):
        if name_of(path) in left and (found := _hot(store, path)) is not None:
            yield found
    if left:
        for path in sorted(store.archive.glob("[!.]*.jsonl.zst")):
            yield from (found for found in _archived(path) if found.name in left)


def _hot(store: Store, path: Path) -> Written | None:
    """A hot record; None when it was folded away meanwhile, or is damaged."""
    try:
        text = path.read_bytes()
        record = Record.from_json(text)
    except FileNotFoundError:
        return None
    except StoreError:
        return None  # whoever reads the index warns of it, and never counts it
    curve = store.curve_path(record.cell, record.attempt)
    try:
        return Written(record=record, text=text, curve=curve.read_bytes())
    except FileNotFoundError:
        return Written(record=record, text=text, curve=None)


def _archived(path: Path) -> Iterator[Written]:
    import pyarrow as pa

    try:
        with pa.input_stream(str(path), compression="zstd") as file:
            lines = file.read().split(b"\n")
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error}") from error
    for line in lines:
        if line.startswith(_LINE):
            yield _of_line(path, line)


def _of_line(path: Path, line: bytes) -> Written:
    """One line of an archive: a record and its curve, as they stood in their files."""
    try:
        decoded = line.decode()
        plain, end = first_value(decoded, len(_LINE))
        record = Record.from_plain(plain)
    except ValueError as error:  # StoreError is one
        raise StoreError(f"cannot read {path}: {error}") from error
    text = decoded[len(_LINE) : end].encode()
    curve = decoded[end + len(_CURVE) : -1].encode()
    return Written(
        record=record, text=text + b"\n", curve=None if curve == b"null" else curve + b"\n"
    )
