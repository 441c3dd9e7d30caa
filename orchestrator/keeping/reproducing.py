"""Reproducing a cell: what it was made from, and what it takes to make it again elsewhere.

The record says with which code, torch and machine it was made and what it began with. The code is
taken from the store, where every run keeps it; what other cells left for it is brought along, or
made again by these cells where it was removed. Everything happens in a store of its own.
"""

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grids.artifacts import artifact_of
from grids.cell import Cell
from orchestrator import provenance
from orchestrator.keeping.differences import artifact_sums
from orchestrator.keeping.finding import find_completed
from orchestrator.store.index import load_index
from orchestrator.store.index_part import ORIGIN
from orchestrator.store.layout import Store, StoreError, is_name
from orchestrator.store.records import Record
from orchestrator.store.written import Written, find_written
from orchestrator.submissions.frozen import check_kept
from orchestrator.submissions.manifest import Manifest

_TOLD = ("code", "torch", "machine", "device", "python", "environment", "plugins")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something of a record's origin that is not the same now."""

    name: str
    then: str
    now: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """How a cell was run, as far as it is known.

    Attributes:
        data_root: Folder of the datasets that are read from files, or None.
        device: The torch device.
        slots: Workers that shared the machine.
        plugins: The users' distributions that bring what the cell names, with their versions.
    """

    data_root: str | None = None
    device: str = "cpu"
    slots: int = 1
    plugins: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """One cell to train.

    Attributes:
        written: The record that is to be made again.
        leaves: Names of the artifacts that it left, or that are needed of it.
        inputs: Names of its inputs to the ids of the cells that leave them.
        surroundings: How it was run.
    """

    written: Written
    leaves: tuple[str, ...]
    inputs: Mapping[str, str]
    surroundings: Surroundings

    @property
    def record(self) -> Record:
        """The record that is to be made again."""
        return self.written.record

    @property
    def cell(self) -> Cell:
        """The cell."""
        return Cell.from_canonical(self.record.canonical)


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """An artifact that is there still: who left it, its name, its file and its sum."""

    written: Written
    name: str
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduction:
    """What making a cell again takes.

    Attributes:
        makings: The cells to train, the asked one last; those before it leave what was removed.
        brought: The artifacts that are copied.
        code: Folder of the code.
        kept: Whether that is the code of the record.
        changes: What of the record's origin is not the same now.
    """

    makings: tuple[Making, ...]
    brought: tuple[Brought, ...]
    code: Path
    kept: bool
    changes: tuple[Change, ...]

    @property
    def target(self) -> Making:
        """The cell that was asked for."""
        return self.makings[-1]

    @property
    def foreign(self) -> bool:
        """Whether the code comes from the store, and is not this program's."""
        return self.code != provenance.ROOT

    @property
    def exact(self) -> bool:
        """Whether equal bits are promised: the exact tier, and all that decides them the same."""
        changed = {change.name for change in self.changes}
        return self.target.record.provenance.get("tier") == "exact" and not changed & set(ORIGIN)

    @property
    def seconds(self) -> float:
        """How long it took when it was first made."""
        return sum(float(m.record.provenance.get("seconds") or 0.0) for m in self.makings)


def plan_reproduction(
    store: Store,
    beginning: str,
    *,
    present_code: bool = False,
    trust_code: bool = False,
    data_root: Path | None = None,
    device: str | None = None,
) -> Reproduction:
    """Find out what it takes to make a cell again; writes nothing.

    Args:
        store: Where it has results.
        beginning: The beginning of its id.
        present_code: Whether to use the code as it is now.
        trust_code: Whether code that lies in the store, and is not this program's, may be executed.
        data_root: Folder of the datasets; by default the one that was used.
        device: The torch device; by default the one that was used.

    Raises:
        StoreError: When there is no such cell, it has no results, or its code was not kept, was
            changed, or is not trusted.
    """
    index = load_index(store)
    state = find_completed(store, index, beginning)
    asked = _Asked(store=store, data_root=data_root, device=device)
    makings, brought = _trace(asked, state.cell, state.answer.attempt)
    record = makings[-1].record
    code = str(record.provenance.get("code"))
    folder = provenance.ROOT if present_code else _code_of(store, code, trusted=trust_code)
    runs = provenance.code_hash() if present_code else code
    return Reproduction(
        makings=tuple(makings),
        brought=tuple(brought),
        code=folder,
        kept=runs == code,
        changes=tuple(_changes(record, runs, makings[-1].surroundings.device)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    store: Store
    data_root: Path | None
    device: str | None


def _code_of(store: Store, code: str, *, trusted: bool) -> Path:
    """The folder that holds the code of that hash; StoreError when there is none to execute."""
    if code == provenance.code_hash():
        return provenance.ROOT
    folder = store.code_folder(code)
    if not is_name(code) or not folder.is_dir():
        raise StoreError(
            f"the code {code} of this record was not kept in {store.root}, and the present code is "
            f"{provenance.code_hash()}; --with-present-code trains the cell with that"
        )
    check_kept(folder)
    if not trusted:
        raise StoreError(
            f"this record was made by other code than this program's, and repro would execute it "
            f"from {folder}. If you trust whoever wrote this store, say --trust-code; "
            "--with-present-code trains the cell with the present code"
        )
    return folder


def _trace(
    asked: _Asked, cell: str, attempt: str, leaves: tuple[str, ...] = ()
) -> tuple[list[Making], list[Brought]]:
    """The cells to train so that this attempt can be made again, it last, and what is copied."""
    written = find_written(asked.store, cell, attempt)
    makings: list[Making] = []
    brought: list[Brought] = []
    told: Mapping[str, tuple[str, str]] = written.record.provenance.get("inputs") or {}
    for (producer, by), names in _by_producer(told).items():
        paths = {name: asked.store.artifact_path(producer, by, name) for name in names}
        if all(path.exists() for path in paths.values()):
            left_by = find_written(asked.store, producer, by)
            brought += [Brought(written=left_by, name=n, path=p) for n, p in paths.items()]
            continue
        further, copied = _trace(asked, producer, by, names)
        makings += [one for one in further if one.record.cell not in _cells(makings)]
        brought += copied
    makings.append(
        Making(
            written=written,
            leaves=tuple(sorted({*leaves, *artifact_sums(written.record)})),
            inputs={name: producer for name, (producer, _) in told.items()},
            surroundings=_surroundings(asked, written.record),
        )
    )
    return makings, brought


def _by_producer(told: Mapping[str, tuple[str, str]]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Producer and attempt to the artifacts that are needed of it."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, (producer, attempt) in sorted(told.items()):
        found[producer, attempt] = (*found.get((producer, attempt), ()), artifact_of(name))
    return found


def _cells(makings: list[Making]) -> set[str]:
    return {making.record.cell for making in makings}


def _surroundings(asked: _Asked, record: Record) -> Surroundings:
    """How an attempt was run: by its pack's manifest, and by its record where that is not there."""
    manifest = _manifest_of(asked.store, record)
    root = str(asked.data_root.resolve()) if asked.data_root is not None else None
    if manifest is None:
        device = asked.device or str(record.provenance.get("device") or "cpu")
        return Surroundings(data_root=root, device=device, plugins={})
    return Surroundings(
        data_root=root or manifest.data_root,
        device=asked.device or manifest.device,
        slots=manifest.slots,
        plugins=manifest.plugins,
    )


def _manifest_of(store: Store, record: Record) -> Manifest | None:
    """The manifest of the pack that an attempt was in; None when it is not in this store."""
    grid, pack = record.provenance.get("grid"), record.provenance.get("pack")
    numbers = store.submission_numbers(str(grid))
    paths = [store.pack_path(str(grid), number, str(pack)) for number in numbers]
    found = [path for path in paths if path.exists()]
    return Manifest.read(found[-1]) if found else None


def _changes(record: Record, code: str, device: str) -> Iterator[Change]:
    now: dict[str, Any] = {
        "code": code,
        "torch": provenance.installed().get("torch"),
        "machine": provenance.machine(),
        "device": device,
        "python": platform.python_version(),
        "environment": provenance.environment_hash(),
        "plugins": provenance.plugin_names(),
    }
    for name in _TOLD:
        then = record.provenance.get(name)
        if then is not None and _text(then) != _text(now[name]):
            yield Change(name=name, then=_text(then), now=_text(now[name]))


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
