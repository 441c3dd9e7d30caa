"""Artifacts in a store: what cells left for other cells, one file for each.

A file is named by the cell, the attempt and what it is. It is published before the record that
lists it, so that a cell that counts as completed has left all that it was asked for. Files may be
removed later; what lies here is what there is.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.store.index import CellState
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import publish_all


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """One artifact of a store.

    Attributes:
        cell, attempt: Who left it.
        name: What it is, such as "final".
        path: Its file.
        size: Its length in bytes.
    """

    cell: str
    attempt: str
    name: str
    path: Path
    size: int


Held = Mapping[str, Mapping[str, Artifact]]
"""Cell id to the artifacts that answer for it, by name."""


def publish_artifacts(store: Store, left: Iterable[tuple[str, str, Mapping[str, bytes]]]) -> None:
    """Publish what attempts left: (cell, attempt, content by name). It is on the disk after this.

    Raises:
        OSError: When it cannot be written.
    """
    files = [
        (store.artifact_path(cell, attempt, name), content)
        for cell, attempt, contents in left
        for name, content in contents.items()
    ]
    if files:
        publish_all(files)


def described(contents: Mapping[str, bytes]) -> dict[str, dict[str, Any]] | None:
    """What a record says of the artifacts that it lists; None when there are none."""
    return {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    } or None


def answering_artifacts(
    store: Store, index: Mapping[str, CellState]
) -> dict[str, dict[str, Artifact]]:
    """The artifacts that answer for cells: cell id to name to artifact.

    Of attempts that a later one replaced nothing is taken; of several that stand, the first.

    Args:
        store: The store.
        index: What it holds, by cell id.

    Raises:
        StoreError: When the folder cannot be read.
    """
    found: dict[str, dict[str, Artifact]] = {}
    for artifact in sorted(list_artifacts(store), key=lambda one: _rank(one, index)):
        if artifact.cell in index and artifact.attempt in index[artifact.cell].standing:
            found.setdefault(artifact.cell, {}).setdefault(artifact.name, artifact)
    return found


def list_artifacts(store: Store) -> list[Artifact]:
    """Every artifact of a store, in no order."""
    if not store.artifacts.is_dir():
        return []
    found = []
    try:
        folders = [entry.path for entry in os.scandir(store.artifacts) if entry.is_dir()]
        for entry in (entry for folder in folders for entry in os.scandir(folder)):
            if not entry.name.startswith("."):
                with suppress(FileNotFoundError):  # removed since the folder was listed
                    found.append(_artifact(entry))
    except OSError as error:
        raise StoreError(f"cannot read {store.artifacts}: {error.strerror}") from error
    return found


def remove_artifacts(artifacts: Sequence[Artifact]) -> None:
    """Remove artifacts; one that is gone already is no mistake."""
    for artifact in artifacts:
        artifact.path.unlink(missing_ok=True)


def _rank(artifact: Artifact, index: Mapping[str, CellState]) -> tuple[int, str]:
    state = index.get(artifact.cell)
    if state is None or artifact.attempt not in state.standing:
        return 0, artifact.attempt
    return state.standing.index(artifact.attempt), artifact.attempt


def _artifact(entry: "os.DirEntry[str]") -> Artifact:
    # The middle part, the attempt's id, holds a full stop itself.
    cell, _, rest = entry.name.partition(".")
    attempt, _, name = rest.rpartition(".")
    return Artifact(
        cell=cell, attempt=attempt, name=name, path=Path(entry.path), size=entry.stat().st_size
    )
