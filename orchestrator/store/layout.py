"""Where everything in a store lives, and opening or creating one.

A store is one folder on a shared POSIX file system: no database, no daemon, no lock file.
This module is the only owner of its file names.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from orchestrator.store.publishing import publish_new

SCHEMA_VERSION = 1
"""Version of everything written into a store: records, generations and tables."""

_MARKER = "store.json"
_NAME = re.compile(r"(?!\.+\Z)[A-Za-z0-9._-]{1,200}", re.ASCII)
_CELL = re.compile(r"[0-9a-f]{16}", re.ASCII)
_FANOUT = 2  # leading hex digits of a cell id that name its folder: at most 256 folders


def is_name(text: object) -> bool:
    """Whether something read from a store may name a file or a folder of it, and no place else."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def is_cell_id(text: object) -> bool:
    """Whether something read from a store is the id of a cell, 16 hex digits."""
    return isinstance(text, str) and _CELL.fullmatch(text) is not None


class StoreError(ValueError):
    """A store cannot be opened, created, read or written; the message says which and why."""


class StoreWarning(UserWarning):
    """Something in a store was skipped, for example a record that cannot be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """One store. Make it with `Store.open` or `Store.create`, never directly.

    Attributes:
        root: Absolute path of the store's folder.
    """

    root: Path

    @classmethod
    def open(cls, root: str | os.PathLike[str]) -> "Store":
        """The existing store at `root`.

        Raises:
            StoreError: When there is no store there, or it has another schema version.
        """
        folder = Path(root).absolute()
        _check_marker(folder)
        return cls(root=folder)

    @classmethod
    def create(cls, root: str | os.PathLike[str]) -> "Store":
        """The store at `root`, made if it is not there yet; any number of processes may call it.

        Raises:
            StoreError: When the folder cannot be written, holds something that is not a store,
                or is a store of another schema version.
        """
        folder = Path(root).absolute()
        if not os.path.exists(folder / _MARKER):
            _make(folder)
        store = cls.open(folder)
        _check_access(folder)
        return store

    @classmethod
    def check_writable(cls, root: str | os.PathLike[str]) -> None:
        """Refuse a place where `create` cannot succeed, as far as that shows without writing.

        Raises:
            StoreError: As from `create`.
        """
        folder = Path(root).absolute()
        if os.path.exists(folder / _MARKER):
            _check_marker(folder)
            _check_access(folder)
            return
        above = next(path for path in (folder, *folder.parents) if os.path.exists(path))
        if not above.is_dir():
            raise StoreError(f"cannot make a store at {folder}: {above} is not a folder")
        if not os.access(above, os.W_OK | os.X_OK):
            raise StoreError(f"cannot make a store at {folder}: {above} cannot be written")
        if above == folder:
            _check_nothing_else(folder)

    @property
    def writable(self) -> bool:
        """Whether this process may add files; a store mounted read-only can still be asked."""
        return os.access(self.root, os.W_OK | os.X_OK)

    def owns(self, path: Path) -> bool:
        """Whether a file or folder lies in this store, and no symbolic link leads there.

        The path itself may be a link that is to be removed; what it leads to is not the store's.
        """
        try:
            inside = path.parent.relative_to(self.root)
        except ValueError:
            return False
        return path.name != ".." and path.parent.resolve() == self.root.resolve() / inside

    @property
    def records(self) -> Path:
        """Folder of the hot records: those not yet folded into a generation."""
        return self.root / "records"

    @property
    def archive(self) -> Path:
        """Folder of the folded records, compressed."""
        return self.records / "_archive"

    @property
    def curves(self) -> Path:
        """Folder of the hot per-epoch curves."""
        return self.root / "curves"

    @property
    def artifacts(self) -> Path:
        """Folder of what cells leave for other cells: final weights, scores."""
        return self.root / "artifacts"

    @property
    def shared(self) -> Path:
        """Folder of what cells share and none of them owns, such as corrupted data."""
        return self.root / "shared"

    @property
    def tables(self) -> Path:
        """Folder of the convenience copies of the newest tables."""
        return self.root / "tables"

    @property
    def generations(self) -> Path:
        """Folder of the generations: the truth of what has been folded."""
        return self.tables / "_gen"

    @property
    def grids(self) -> Path:
        """Folder of the submissions, one folder per grid name."""
        return self.root / "grids"

    def table_path(self, table: str) -> Path:
        """The convenience copy of one table, for pandas, DuckDB, Polars or Spark."""
        return self.tables / f"{table}.parquet"

    def record_path(self, cell: str, attempt: str) -> Path:
        """The record of one attempt at one cell."""
        return self.records / cell[:_FANOUT] / f"{cell}.{attempt}.json"

    def curve_path(self, cell: str, attempt: str) -> Path:
        """The curve that belongs to the record of the same cell and attempt."""
        return self.curves / cell[:_FANOUT] / f"{cell}.{attempt}.json"

    def artifact_path(self, cell: str, attempt: str, name: str) -> Path:
        """The artifact of this name that one attempt at a cell left."""
        return self.artifacts / cell[:_FANOUT] / f"{cell}.{attempt}.{name}"

    def shared_path(self, recipe: str) -> Path:
        """What is known of the shared file whose recipe has this hash; the file lies beside it."""
        return self.shared / recipe[:_FANOUT] / f"{recipe}.json"

    def submissions(self, grid: str) -> Path:
        """Folder of all submissions of the grid of this name."""
        return self.grids / grid

    def submission(self, grid: str, number: int) -> Path:
        """Folder of one submission: the grid as given, its packs, where they went."""
        return self.submissions(grid) / str(number)

    def submission_numbers(self, grid: str) -> list[int]:
        """The numbers of the submissions of a grid, ascending; empty when there is none.

        Raises:
            StoreError: When they cannot be read.
        """
        try:
            names = os.listdir(self.submissions(grid))
        except FileNotFoundError:
            return []
        except OSError as error:
            folder = self.submissions(grid)
            raise StoreError(f"cannot read {folder}: {error.strerror}") from error
        return sorted(int(name) for name in names if name.isdecimal())

    def pack_path(self, grid: str, number: int, pack: str) -> Path:
        """The manifest that a worker reads to know the cells of a pack."""
        return self.submission(grid, number) / "packs" / f"{pack}.json"

    def code_folder(self, code: str) -> Path:
        """The package tree, as it was at submission, with this hash."""
        return self.root / "code" / code

    def site_path(self, profile: str) -> Path:
        """What is known of the cluster that a profile of this name asks."""
        return self.root / "sites" / f"{quote(profile, safe='')}.json"

    def log_folder(self, pack: str) -> Path:
        """Folder of the logs and heartbeats of all attempts at a pack."""
        return self.root / "logs" / pack

    def log_path(self, pack: str, attempt: str) -> Path:
        """What one attempt at a pack printed."""
        return self.log_folder(pack) / f"{attempt}.log"

    def heartbeat_path(self, pack: str, attempt: str) -> Path:
        """Touched and rewritten by a worker while it lives."""
        return self.log_folder(pack) / f"{attempt}.heartbeat.json"

    def checkpoints(self, pack: str) -> Path:
        """Folder of the checkpoints of all attempts at a pack."""
        return self.root / "checkpoints" / pack

    def checkpoint_folder(self, pack: str, attempt: str) -> Path:
        """The only folder into which this attempt writes checkpoints."""
        return self.checkpoints(pack) / attempt


def _make(folder: Path) -> None:
    try:
        if folder.exists():
            _check_nothing_else(folder)
        publish_new(folder / _MARKER, f"{_expected()}\n".encode())
    except OSError as error:
        raise StoreError(f"cannot make a store at {folder}: {error.strerror}") from error


def _check_nothing_else(folder: Path) -> None:
    names = os.listdir(folder)
    if _MARKER not in names and any(not name.startswith(".") for name in names):
        raise StoreError(f"{folder} is not empty and not a store (no {_MARKER} in it)")


def _check_access(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(
            f"cannot write into the store at {folder}: you may only read it. Give another --store, "
            "or have its owner let you write."
        )


def _check_marker(folder: Path) -> None:
    marker = folder / _MARKER
    try:
        content = json.loads(marker.read_bytes())
        version = content["schema"]
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"there is no store at {folder} (no {_MARKER} in it)") from None
    except OSError as error:
        raise StoreError(f"cannot read the store at {folder}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError):
        raise StoreError(f"{marker} is damaged: it should read {_expected()}") from None
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"the store at {folder} has schema version {version!r}; this program reads version "
            f"{SCHEMA_VERSION}. Use the program that wrote it, or another --store."
        )


def _expected() -> str:
    return json.dumps({"schema": SCHEMA_VERSION})
