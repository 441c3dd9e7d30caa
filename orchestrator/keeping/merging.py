"""Merging: what other stores hold, copied into one, as if it had held everything from the start.

First everything is looked at and every reason to refuse is found; then it is copied, in an order in
which nothing is promised before it is there: code, shared files, artifacts, curves, records,
submissions, and at last the tables. A file that is there already is never touched. So whoever is
killed on the way leaves a store that is whole, and the next call does the rest.
"""

import os
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from orchestrator.keeping.copying import copy_bytes, copy_file
from orchestrator.keeping.joining import Asked, join, read_asked, to_join
from orchestrator.planning.request import existing_store
from orchestrator.provenance import code_hash
from orchestrator.store.artifacts import Artifact, list_artifacts
from orchestrator.store.index import Index, read_index
from orchestrator.store.index_part import IndexEntry
from orchestrator.store.layout import Store, StoreError, StoreWarning
from orchestrator.store.publishing import publish_all
from orchestrator.store.records import CollisionError, check_same_cell, hot_paths, name_of
from orchestrator.store.shared import SharedFile, StoredFiles, list_shared
from orchestrator.store.written import Name, Written, read_written
from orchestrator.submissions.frozen import freeze, kept_code

_AT_ONCE = 512  # records that share the waits for the disk


@dataclass(frozen=True, kw_only=True, slots=True)
class Addition:
    """What one store adds to another.

    Attributes:
        source: The store.
        attempts: Cell and attempt of the records to copy.
        known: How many of its records are there already.
        cells: How many cells it adds.
        bytes: Size of the records and curves to copy.
        code: Hashes of the code to copy.
        artifacts: The artifacts to copy.
        shared: The shared files to copy.
        damaged: Its record files that cannot be read; they stay where they are.
    """

    source: Store
    attempts: tuple[Name, ...]
    known: int
    cells: int
    bytes: int
    code: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    shared: tuple[SharedFile, ...] = ()
    damaged: tuple[Path, ...] = ()

    def plain(self) -> dict[str, Any]:
        """All of it as plain data, for scripts."""
        return {
            "source": str(self.source.root),
            "attempts_new": len(self.attempts),
            "attempts_known": self.known,
            "cells_new": self.cells,
            "record_bytes": self.bytes,
            "code": list(self.code),
            "artifacts": len(self.artifacts),
            "artifact_bytes": sum(artifact.size for artifact in self.artifacts),
            "shared": len(self.shared),
            "shared_bytes": sum(file.bytes for file in self.shared),
            "damaged": [str(path) for path in self.damaged],
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """What a merge would do.

    Attributes:
        into: Folder of the store that shall hold everything; need not exist.
        additions: What each of the others adds, in order.
        joining: Submissions to publish, in order.
    """

    into: Path
    additions: tuple[Addition, ...]
    joining: tuple[Asked, ...]

    @property
    def nothing(self) -> bool:
        """Whether everything is there already."""
        parts = ("attempts", "code", "artifacts", "shared")
        return not self.joining and not any(
            getattr(addition, part) for addition in self.additions for part in parts
        )

    def plain(self) -> dict[str, Any]:
        """All of it as plain data, for scripts."""
        return {
            "into": str(self.into),
            "sources": [addition.plain() for addition in self.additions],
            "submissions": [{"grid": a.grid, "number": a.number} for a in self.joining],
        }


@dataclass(kw_only=True, slots=True)
class _Seen:
    """What the store holds, and what of the others was counted so far."""

    entries: dict[Name, IndexEntry] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)
    code: set[str] = field(default_factory=set)
    artifacts: set[Path] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    incomplete: set[Name] = field(default_factory=set)


def plan_merge(sources: Sequence[Path], into: Path, *, artifacts: bool = False) -> Merge:
    """Look at what merging would do; writes nothing.

    Args:
        sources: Folders of the stores to copy from; only read, whoever writes to them.
        into: Folder of the store to copy into; need not exist.
        artifacts: Whether to copy what cells left for others, and the files that cells share.

    Raises:
        CollisionError: When one id stands for two cells, or one attempt for two records.
        StoreError: When one of them is no store, is of another schema version or damaged, or is
            named twice.
    """
    stores = [Store.open(path) for path in sources]
    target = existing_store(into)
    _check_distinct([*stores, *([target] if target else [])])
    seen = _look(target, artifacts) if target is not None else _Seen()
    additions = [_addition(store, seen, artifacts=artifacts) for store in stores]
    here = read_asked(target) if target is not None else []
    return Merge(
        into=into,
        additions=tuple(additions),
        joining=tuple(to_join([read_asked(store) for store in stores], here)),
    )


def merge(plan: Merge) -> Store:
    """Do what a plan says; the store.

    Raises:
        StoreError: When the store cannot be made or written, or something to copy is damaged.
    """
    from orchestrator.store.compaction import compact

    store = Store.create(plan.into)
    try:
        for addition in plan.additions:
            _copy(store, addition)
        for asked in plan.joining:
            join(store, asked)
    except OSError as error:
        raise StoreError(f"cannot write into {store.root}: {error}") from error
    compact(store)
    return store


def _check_distinct(stores: Sequence[Store]) -> None:
    for position, store in enumerate(stores):
        for other in stores[:position]:
            if os.path.samefile(store.root, other.root):
                raise StoreError(
                    f"{other.root} is named twice: a store is merged with others, not with itself"
                )


def _look(store: Store, artifacts: bool) -> _Seen:
    """What the store to copy into holds."""
    seen = _Seen(code=set(kept_code(store)))
    index = read_index(store)
    _note(index, seen)
    hot = {name_of(path) for path in hot_paths(store)}
    seen.incomplete = {
        name
        for name in hot & seen.entries.keys()
        if seen.entries[name].curve and not store.curve_path(*name).exists()
    }
    if artifacts:
        seen.artifacts = {one.path.relative_to(store.root) for one in list_artifacts(store)}
        seen.shared = {file.file for file in list_shared(store)}
    return seen


def _note(index: Index, seen: _Seen) -> None:
    """Note the cells and attempts of a store; CollisionError when they contradict earlier ones."""
    for cell, state in index.cells.items():
        check_same_cell(cell, seen.cells.setdefault(cell, state.text), state.text)
        for entry in state.entries:
            name = (cell, entry.attempt)
            _check_same_attempt(seen.entries.setdefault(name, entry), entry)


def _check_same_attempt(one: IndexEntry, other: IndexEntry) -> None:
    parts = ("state", "started_at", "finished_at", "supersedes")
    if any(getattr(one, part) != getattr(other, part) for part in parts):
        raise CollisionError(
            f"two different records are of cell {one.cell}, attempt {one.attempt}: one {one.state} "
            f"at {one.finished_at}, the other {other.state} at {other.finished_at}"
        )


def _addition(store: Store, seen: _Seen, *, artifacts: bool) -> Addition:
    """What a store adds to what was seen so far; it is noted as seen."""
    known, cells = set(seen.entries) - seen.incomplete, len(seen.cells)
    index = read_index(store)
    names = {(c, entry.attempt) for c, state in index.cells.items() for entry in state.entries}
    _note(index, seen)
    fresh = tuple(sorted(names - known))
    found = Addition(
        source=store,
        attempts=fresh,
        known=len(names) - len(fresh),
        cells=len(seen.cells) - cells,
        bytes=sum(written.size for written in read_written(store, fresh)),
        code=tuple(sorted(set(kept_code(store)) - seen.code)),
        artifacts=_artifacts(store, names, seen) if artifacts else (),
        shared=_shared(store, seen) if artifacts else (),
        damaged=index.damaged,
    )
    seen.code |= set(found.code)
    seen.incomplete -= names
    return found


def _artifacts(store: Store, names: Collection[Name], seen: _Seen) -> tuple[Artifact, ...]:
    """The artifacts of recorded attempts that were not seen yet."""
    listed = sorted(list_artifacts(store), key=lambda one: (one.cell, one.attempt, one.name))
    found = [
        one
        for one in listed
        if (one.cell, one.attempt) in names
        and one.path.relative_to(store.root) not in seen.artifacts
    ]
    seen.artifacts |= {one.path.relative_to(store.root) for one in found}
    return tuple(found)


def _shared(store: Store, seen: _Seen) -> tuple[SharedFile, ...]:
    found = [file for file in list_shared(store) if file.file not in seen.shared]
    seen.shared |= {file.file for file in found}
    return tuple(found)


def _copy(store: Store, addition: Addition) -> None:
    for code in addition.code:
        _copy_code(store, addition.source, code)
    for file in addition.shared:
        _copy_shared(store, addition.source, file)
    if addition.artifacts:
        _copy_artifacts(store, addition)
    records = read_written(addition.source, addition.attempts)
    while batch := list(islice(records, _AT_ONCE)):
        _publish(store, batch)


def _copy_code(store: Store, source: Store, code: str) -> None:
    folder = source.code_folder(code)
    if code_hash(folder) != code:
        warnings.warn(
            f"left out {folder}: its files were changed since", StoreWarning, stacklevel=2
        )
        return
    freeze(store, folder)


def _copy_shared(store: Store, source: Store, file: SharedFile) -> None:
    place = source.shared_path(file.file.partition(".")[0]).with_name(file.file)

    def copy(path: Path) -> None:
        if copy_bytes(place, path) != file.sha256:
            raise StoreError(f"{place} is damaged: its SHA-256 is not the one that was recorded")

    StoredFiles(store).file(file.recipe, copy)


def _copy_artifacts(store: Store, addition: Addition) -> None:
    sums = _sums(addition.source, {(one.cell, one.attempt) for one in addition.artifacts})
    for one in addition.artifacts:
        path = store.artifact_path(one.cell, one.attempt, one.name)
        copy_file(one.path, path, sums.get((one.cell, one.attempt, one.name)))


def _sums(store: Store, names: Collection[Name]) -> dict[tuple[str, str, str], str]:
    """Cell, attempt and artifact to its sum, as far as records tell."""
    listed: Iterable[tuple[Name, Mapping[str, Any]]] = (
        (written.name, written.record.provenance.get("artifacts") or {})
        for written in read_written(store, names)
    )
    return {
        (*name, artifact): str(said["sha256"])
        for name, told in listed
        for artifact, said in told.items()
    }


def _publish(store: Store, batch: Sequence[Written]) -> None:
    """Publish records and their curves; the curves are on the disk before the records."""
    curves = [(store.curve_path(*one.name), one.curve) for one in batch if one.curve is not None]
    if curves:
        publish_all([(path, curve) for path, curve in curves if curve is not None])
    publish_all([(store.record_path(*one.name), one.text) for one in batch])
