"""What one store adds to another, and bringing it there."""

import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from orchestrator.keeping.copying import UnusableError, copy_checked, copy_file
from orchestrator.provenance import code_hash
from orchestrator.store.adopting import adopt
from orchestrator.store.artifacts import Artifact
from orchestrator.store.layout import Store, StoreError, StoreWarning
from orchestrator.store.publishing import publish_all
from orchestrator.store.shared import SharedFile, StoredFiles
from orchestrator.store.written import Name, Written, read_written
from orchestrator.submissions.frozen import check_kept, freeze


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


def copy_files(store: Store, addition: Addition) -> None:
    """Copy what records of one store name: code, shared files and artifacts.

    What is damaged, or removed meanwhile, is left out with a StoreWarning.

    Raises:
        OSError: When the store cannot be written.
    """
    for code in addition.code:
        _copy_code(store, addition.source, code)
    for file in addition.shared:
        with _left_out_when_unusable():
            _copy_shared(store, addition.source, file)
    if addition.artifacts:
        _copy_artifacts(store, addition)


def copy_records(store: Store, additions: Iterable[Addition]) -> None:
    """Make the records of all stores part of the tables, with as few rewritings as can be.

    Raises:
        StoreError: When records of one of the stores are damaged.
        OSError: When the store cannot be written.
    """
    bare: list[Written] = []
    records = chain.from_iterable(read_written(a.source, a.attempts) for a in additions)
    adopt(store, _whole(records, bare))
    # Without its curve a record stays hot: the curve may still come, with the next merge.
    publish_all([(store.record_path(*one.name), one.text) for one in bare])


def _whole(records: Iterable[Written], bare: list[Written]) -> Iterator[Written]:
    """The whole ones; the others are put aside."""
    for written in records:
        if written.whole:
            yield written
        else:
            bare.append(written)


def _copy_code(store: Store, source: Store, code: str) -> None:
    if code == code_hash():
        freeze(store)  # what this program will import never comes from another store
        return
    folder = source.code_folder(code)
    try:
        check_kept(folder)
        freeze(store, folder)
    except StoreError as error:
        warnings.warn(f"left out kept code: {error}", StoreWarning, stacklevel=2)


def _copy_shared(store: Store, source: Store, file: SharedFile) -> None:
    place = source.shared_path(file.file.partition(".")[0]).with_name(file.file)

    StoredFiles(store).file(file.recipe, lambda path: copy_checked(place, path, file.sha256))


def _copy_artifacts(store: Store, addition: Addition) -> None:
    sums = _sums(addition.source, {(one.cell, one.attempt) for one in addition.artifacts})
    for one in addition.artifacts:
        path = store.artifact_path(one.cell, one.attempt, one.name)
        with _left_out_when_unusable():
            copy_file(one.path, path, sums.get((one.cell, one.attempt, one.name)))


@contextmanager
def _left_out_when_unusable() -> Iterator[None]:
    """Tell of what cannot be copied, and go on: whoever needs it makes it again."""
    try:
        yield
    except UnusableError as error:
        warnings.warn(f"{error}; it is left out", StoreWarning, stacklevel=3)


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
