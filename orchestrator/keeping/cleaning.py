"""Cleaning: what a store keeps that finished cells need no more, listed first, then freed.

Records, curves, tables and submissions are never touched, nor anything of a pack that runs or
waits, nor a checkpoint from which an unfinished cell could go on. What is freed are exactly the
files that were listed: what somebody writes beside them meanwhile stays. The store may be a
stranger's: what a symbolic link or a name in it leads to is not the store's, and is never freed.
"""

import contextlib
import os
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grids.artifacts import ArtifactWishes
from orchestrator.keeping.pack_folders import Packs, find_packs
from orchestrator.provenance import code_hash
from orchestrator.store.artifacts import list_artifacts
from orchestrator.store.index import CellState, load_index
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import TEMPORARY_SUFFIX
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.frozen import kept_code
from orchestrator.submissions.jobs import jobs_folder, output_folder, read_batches
from orchestrator.submissions.submission import (
    SUBMISSION_FILE,
    Submission,
    manifest_paths,
    read_submission,
    submitted_grids,
)
from orchestrator.watching.carried import Scheduler, SubmissionKey, open_submissions
from orchestrator.worker.checkpoints import cells_of_folder, checkpoint_folders
from orchestrator.worker.spent_artifacts import spent_names

ABANDONED_SECONDS = 24 * 3600.0
"""A temporary file that nobody has written to for so long was left by a process that died."""

_YOUNG_CODE_SECONDS = 3600.0  # a run keeps its code a moment before it publishes who needs it


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Files that can be freed together.

    Attributes:
        kind: "checkpoints", "logs", "artifacts", "code" or "leftovers".
        folder: A folder that goes with them once it is empty; None when it stays.
        files: The files.
        bytes: Their size.
    """

    kind: str
    folder: Path | None = None
    files: tuple[Path, ...]
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaning:
    """What can be freed in a store.

    Attributes:
        store: The store.
        pieces: What can be freed.
        busy: How many packs run or wait; nothing of them is among the pieces.
        unfinished: How many other packs have cells without results; their logs, and checkpoints
            from which these could go on, are not among the pieces.
    """

    store: Store
    pieces: tuple[Piece, ...]
    busy: int
    unfinished: int

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Kind to number of files and bytes, for the kinds that there are."""
        kinds = sorted({piece.kind for piece in self.pieces})
        return {
            kind: (
                sum(len(piece.files) for piece in self.pieces if piece.kind == kind),
                sum(piece.bytes for piece in self.pieces if piece.kind == kind),
            )
            for kind in kinds
        }

    def folders(self) -> list[Path]:
        """The folders whose files are freed, sorted."""
        return sorted({p.folder or file.parent for p in self.pieces for file in p.files[:1]})

    def plain(self) -> dict[str, Any]:
        """All of it as plain data, for scripts."""
        return {
            "store": str(self.store.root),
            "kinds": {kind: {"files": n, "bytes": b} for kind, (n, b) in self.sizes().items()},
            "files": [str(path) for piece in self.pieces for path in piece.files],
            "folders": [str(path) for path in self.folders()],
            "bytes": sum(piece.bytes for piece in self.pieces),
            "packs_busy": self.busy,
            "packs_unfinished": self.unfinished,
        }


def plan_cleaning(
    store: Store,
    grid: str | None,
    scheduler: Scheduler,
    *,
    artifacts: bool = False,
    code: bool = False,
) -> Cleaning:
    """Look at what can be freed; writes nothing.

    Args:
        store: The store.
        grid: The grid whose cells' checkpoints and logs are looked at; None for the whole store,
            with temporary files that were left more than a day ago.
        scheduler: Whom to ask about jobs.
        artifacts: Whether to free what producers left and all consumers have used.
        code: Whether to free kept code that no record and no submission names.

    Raises:
        StoreError: When something in the store is damaged.
    """
    index, every = load_index(store), _submissions(store)
    asked = [one for one in every if grid in (None, one.grid)]
    keys = [(one.grid, one.number) for one in asked]
    packs = find_packs(store, keys, [(one.grid, one.number) for one in every], scheduler, index)
    pieces = [
        *_checkpoints(store, None if grid is None else _cells(asked), packs, index),
        *_logs(store, packs),
        *_output(store, keys, packs),
        *(_artifacts(store, asked, every, index, packs) if artifacts else ()),
        *(_code(store, every, index) if code else ()),
        *(_leftovers(store) if grid is None else ()),
    ]
    busy = packs.busy & packs.cells.keys()
    return Cleaning(
        store=store,
        pieces=tuple(
            piece for piece in pieces if (piece.files or piece.folder) and _own(store, piece)
        ),
        busy=len(busy),
        unfinished=len(packs.cells.keys() - packs.done - busy),
    )


def clean(cleaning: Cleaning) -> Cleaning:
    """Free what was listed; what is gone already is no mistake.

    Returns:
        What was freed: all of it, but for kept code that a run has taken up since.

    Raises:
        StoreError: When the store may only be read, or something cannot be removed.
    """
    Store.check_writable(cleaning.store.root)
    freed = tuple(
        piece
        for piece in cleaning.pieces
        if not _is_young_code(piece) and _own(cleaning.store, piece)
    )
    for piece in freed:
        try:
            for path in piece.files:
                if cleaning.store.owns(path):
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot free {path}: {error.strerror}") from error
        if piece.folder is not None:
            _remove_empty(piece.folder)
    return replace(cleaning, pieces=freed)


def _own(store: Store, piece: Piece) -> bool:
    """Whether all of a piece lies in the store itself, where no symbolic link leads out of it."""
    if piece.folder is not None and (piece.folder.is_symlink() or not store.owns(piece.folder)):
        return False
    parents = {path.parent: path for path in piece.files}
    return all(map(store.owns, parents.values()))


def _submissions(store: Store) -> list[Submission]:
    return [
        read_submission(store, grid, number)
        for grid in submitted_grids(store)
        for number in store.submission_numbers(grid)
        if (store.submission(grid, number) / SUBMISSION_FILE).exists()
    ]


def _cells(submissions: Iterable[Submission]) -> set[str]:
    return {cell for one in submissions for cell in (*ids_of(one.cells), *ids_of(one.producers))}


def _checkpoints(
    store: Store, cells: Collection[str] | None, packs: Packs, index: Mapping[str, CellState]
) -> list[Piece]:
    """The checkpoints of attempts all of whose cells came to results, then or later."""
    found = []
    for folder in checkpoint_folders(store):
        own = cells_of_folder(folder)
        asked = own if cells is None else own & set(cells)
        spent = own and all(_answered_since(index.get(cell), folder.name) for cell in own)
        if asked and spent and folder.parent.name not in packs.busy:
            found.append(_piece("checkpoints", folder.rglob("*"), folder))
    return found


def _answered_since(state: CellState | None, attempt: str) -> bool:
    """Whether a cell has results, and was not begun again by this attempt since."""
    if state is None or not state.completed:
        return False
    return max(entry.attempt for entry in state.entries) >= attempt


def _logs(store: Store, packs: Packs) -> list[Piece]:
    folders = [store.log_folder(pack) for pack in sorted(packs.done)]
    return [_piece("logs", folder.glob("[!.]*")) for folder in folders if folder.is_dir()]


def _output(store: Store, keys: Iterable[SubmissionKey], packs: Packs) -> list[Piece]:
    """What a scheduler wrote for jobs all of whose packs are done with."""
    carried = [key for key in keys if jobs_folder(store, *key).is_dir()]
    batches = [batch for key in carried for batch in read_batches(store, *key)]
    ended = [b for b in batches if b.packs and packs.done.issuperset(b.packs)]
    folders = [output_folder(store, batch.name) for batch in ended]
    return [_piece("logs", folder.rglob("*"), folder) for folder in folders if folder.is_dir()]


def _artifacts(
    store: Store,
    asked: Collection[Submission],
    every: Sequence[Submission],
    index: Mapping[str, CellState],
    packs: Packs,
) -> list[Piece]:
    """What cells of the asked grids consumed, unless it is wanted still, or left to stay.

    An earlier run that is still at work wants what its cells begin with, whatever was asked since.
    """
    chosen, current = {one.grid for one in asked}, set(open_submissions(store))
    current |= {(one.grid, one.number) for one in {one.grid: one for one in every}.values()}
    current |= {
        (one.grid, one.number)
        for one in every
        if any(p.stem in packs.busy for p in manifest_paths(store, one.grid, one.number))
    }
    willing = [
        replace(one, artifacts=ArtifactWishes(leave=one.artifacts.leave, consumed="remove"))
        if one.grid in chosen
        else one
        for one in every
        if (one.grid, one.number) in current
    ]
    here = list_artifacts(store)
    names = spent_names(willing, index, {(one.cell, one.name) for one in here})
    spent = sorted(one.path for one in here if (one.cell, one.name) in names)
    return [_piece("artifacts", [path]) for path in spent]


def _code(store: Store, every: Iterable[Submission], index: Mapping[str, CellState]) -> list[Piece]:
    named = {code_hash(), *(one.code for one in every)}
    named |= {str(entry.code) for state in index.values() for entry in state.entries}
    folders = [store.code_folder(code) for code in kept_code(store) if code not in named]
    pieces = [_piece("code", folder.rglob("*"), folder) for folder in folders]
    return [piece for piece in pieces if not _is_young_code(piece)]


def _is_young_code(piece: Piece) -> bool:
    """Whether it is code that a run keeps just now: who needs it is published a moment later."""
    if piece.kind != "code" or piece.folder is None:
        return False
    return _age(piece.folder) < _YOUNG_CODE_SECONDS


def _leftovers(store: Store) -> list[Piece]:
    """Temporary files and folders of processes that died."""
    found = []
    for root, folders, files in os.walk(store.root):
        names = [name for name in (*files, *folders) if _is_temporary(name)]
        folders[:] = [name for name in folders if not _is_temporary(name)]
        for path in (Path(root, name) for name in names):
            if _age(path) > ABANDONED_SECONDS:
                folder = path if path.is_dir() and not path.is_symlink() else None
                listed = [path] if folder is None else folder.rglob("*")
                found.append(_piece("leftovers", listed, folder))
    return found


def _is_temporary(name: str) -> bool:
    return name.startswith(".") and name.endswith(TEMPORARY_SUFFIX)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _piece(kind: str, paths: Iterable[Path], folder: Path | None = None) -> Piece:
    files, size = [], 0
    for path in sorted(paths):
        with contextlib.suppress(FileNotFoundError):  # removed since the folder was listed
            status = path.lstat()
            if path.is_symlink() or not path.is_dir():
                files.append(path)
                size += status.st_size
    return Piece(kind=kind, folder=folder, files=tuple(files), bytes=size)


def _remove_empty(folder: Path) -> None:
    """Remove a folder and those in it as far as they are empty."""
    for root, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):  # somebody has written into it since
            os.rmdir(root)
