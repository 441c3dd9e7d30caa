"""Merging: what other stores hold, copied into one, as if it had held everything from the start.

First everything is looked at and every reason to refuse is found; then it is copied, in an order in
which nothing is promised before it is there: code, shared files, artifacts, records with the tables
that hold them, and at last submissions. A file that is there already is never touched. So whoever
is killed on the way leaves a store that is whole, and the next call does the rest.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.keeping.adding import Addition, copy_files, copy_records
from orchestrator.keeping.joining import Asked, join, read_asked, to_join
from orchestrator.keeping.pack_folders import grids_at_work
from orchestrator.planning.request import existing_store
from orchestrator.store.artifacts import Artifact, list_artifacts
from orchestrator.store.compaction import compact
from orchestrator.store.index import Index, read_index
from orchestrator.store.index_part import IndexEntry
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.records import CollisionError, check_same_cell, hot_paths, name_of
from orchestrator.store.shared import SharedFile, list_shared
from orchestrator.store.written import Name, read_written
from orchestrator.submissions.frozen import kept_code
from orchestrator.watching.carried import NoScheduler, Scheduler


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """What a merge would do.

    Attributes:
        into: Folder of the store that shall hold everything; need not exist.
        additions: What each of the others adds, in order.
        joining: Submissions to publish, in order.
        waiting: Submissions that a later merge publishes: a run of their grid is at work in the
            store, and would no longer be the last one, of which `status` tells.
    """

    into: Path
    additions: tuple[Addition, ...]
    joining: tuple[Asked, ...]
    waiting: tuple[Asked, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether nothing is to be done now."""
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
            "submissions_waiting": [{"grid": a.grid, "number": a.number} for a in self.waiting],
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


def plan_merge(
    sources: Sequence[Path],
    into: Path,
    *,
    artifacts: bool = False,
    scheduler: Scheduler | None = None,
) -> Merge:
    """Look at what merging would do; writes nothing.

    Args:
        sources: Folders of the stores to copy from; only read, whoever writes to them.
        into: Folder of the store to copy into; need not exist.
        artifacts: Whether to copy what cells left for others, and the files that cells share.
        scheduler: Whom to ask whether jobs of the store to copy into are at work; by default all
            that were handed over are believed to be.

    Raises:
        CollisionError: When one id stands for two cells, or one attempt for two records.
        StoreError: When one of them is no store, is of another schema version or damaged, or is
            named twice.
    """
    stores = [Store.open(path) for path in sources]
    target = existing_store(into)
    _check_distinct([*stores, *([target] if target else [])])
    _check_apart(stores, into)
    seen = _look(target, artifacts) if target is not None else _Seen()
    additions = [_addition(store, seen, artifacts=artifacts) for store in stores]
    here = read_asked(target) if target is not None else []
    asked = to_join([read_asked(store) for store in stores], here)
    shared = {one.grid for one in asked} & {one.grid for one in here}
    busy = grids_at_work(target, shared, scheduler or NoScheduler()) if target and shared else ()
    return Merge(
        into=into,
        additions=tuple(additions),
        joining=tuple(one for one in asked if one.grid not in busy),
        waiting=tuple(one for one in asked if one.grid in busy),
    )


def merge(plan: Merge) -> Store:
    """Do what a plan says; the store.

    Raises:
        StoreError: When the store cannot be made or written, or records of the others are damaged.
    """
    store = Store.create(plan.into)
    try:
        for addition in plan.additions:
            copy_files(store, addition)
        copy_records(store, plan.additions)
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


def _check_apart(stores: Sequence[Store], into: Path) -> None:
    target = into.resolve()
    for store in stores:
        source = store.root.resolve()
        if source in target.parents or target in source.parents:
            raise StoreError(f"{into} and {store.root} lie in one another: a store holds no other")


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
