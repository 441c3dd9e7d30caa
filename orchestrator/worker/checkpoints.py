"""Where unfinished cells can go on: finding earlier checkpoints, removing spent ones.

A pack's id changes when some of its cells are finished, so checkpoints are found by cell: beside
its checkpoints every attempt leaves the list of its cells.
"""

import contextlib
import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from orchestrator.store.layout import Store

_CELLS = "cells.json"


def open_folder(store: Store, pack: str, attempt: str, cells: Collection[str]) -> Path:
    """Make the folder into which an attempt writes its checkpoints."""
    folder = store.checkpoint_folder(pack, attempt)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CELLS).write_text(json.dumps(sorted(cells)), encoding="utf-8")
    return folder


def find_checkpoints(store: Store, cells: Collection[str]) -> list[Path]:
    """The checkpoint files of all earlier attempts at any of these cells, the newest first."""
    wanted = set(cells)
    files = [
        file
        for folder in checkpoint_folders(store)
        if wanted & cells_of_folder(folder)
        for file in folder.glob("*.pt")
    ]
    return sorted(files, key=_age, reverse=True)


def remove_spent(store: Store, ended: Mapping[str, str]) -> None:
    """Remove the checkpoints of attempts whose cells have all ended in that attempt or later.

    A cell that is trained again has a record already; its older end says nothing about the attempt
    that may just have been interrupted.

    Args:
        ended: by cell, the attempt in which it ended last.
    """
    for folder in checkpoint_folders(store):
        cells = cells_of_folder(folder)
        if cells and all(ended.get(cell, "") >= folder.name for cell in cells):
            shutil.rmtree(folder, ignore_errors=True)
            _remove_if_empty(folder.parent)


def checkpoint_folders(store: Store) -> list[Path]:
    """The folders of checkpoints, one for each attempt at a pack."""
    return sorted(path.parent for path in store.checkpoints("").glob(f"*/*/{_CELLS}"))


def cells_of_folder(folder: Path) -> set[str]:
    """Ids of the cells of which such a folder holds checkpoints; none when that cannot be read."""
    try:
        return set(json.loads((folder / _CELLS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return set()  # a worker died while it wrote the list: nothing was trained yet


def _age(file: Path) -> tuple[float, str]:
    try:
        return file.stat().st_mtime, file.name
    except OSError:
        return 0.0, file.name


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # another attempt at the pack still has checkpoints
        folder.rmdir()
