"""Files that cells share and none of them owns: each made once, by the worker that needs it first.

A file is addressed by the hash of its recipe, all that its content follows from. Beside it lies a
JSON file that says what it is: `shared/<hh>/<hash>.json` names `<hash>.<sum>`. The content appears
first, then the JSON by link(2): where several workers make one file, the first JSON counts, and the
others use what it names.
"""

import hashlib
import json
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grids.artifacts import recipe_hash
from orchestrator.store.layout import Store, StoreWarning, is_name
from orchestrator.store.publishing import (
    TEMPORARY_SUFFIX,
    publish_file,
    publish_new,
    replace,
    temporary_name,
)

_ABANDONED_SECONDS = 24 * 3600.0
"""A temporary file that nobody has written to for so long was left by a worker that died."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SharedFile:
    """What the JSON beside a shared file says of it.

    Attributes:
        recipe: What the content follows from.
        file: Name of the file, in the same folder.
        bytes: Its length.
        sha256: Its sum.
    """

    recipe: Mapping[str, Any]
    file: str
    bytes: int
    sha256: str


class StoredFiles:
    """The shared files of a store; one object serves one worker."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._checked: set[Path] = set()

    def file(self, recipe: Mapping[str, Any], make: Callable[[Path], None]) -> Path:
        """The file of a recipe, made if it is not there or damaged.

        Its length is checked at every call, its sum at the first one of this object.

        Args:
            recipe: Everything that its content follows from, as plain data.
            make: Writes the content to exactly the path it is given.

        Raises:
            OSError: When it cannot be written.
        """
        place = self._store.shared_path(recipe_hash(recipe))
        found = self._whole(place)
        if found is not None:
            return found
        made = self._make(place, recipe, make)
        own = place.with_name(made.file)
        text = (json.dumps(asdict(made), sort_keys=True, indent=1) + "\n").encode()
        if not publish_new(place, text):
            winner = self._whole(place)
            if winner is not None:
                if winner != own:
                    own.unlink(missing_ok=True)
                return winner
            replace(place, text)
        self._checked.add(own)
        return own

    def _whole(self, place: Path) -> Path | None:
        """The file that is described at a place; None, with a warning if damaged, for none."""
        try:
            text = place.read_bytes()
        except FileNotFoundError:
            return None
        try:
            described = _described(place, text)
            path = place.with_name(described.file)
            fault = self._fault(path, described)
        except (ValueError, TypeError, OSError) as error:
            path, fault = place, str(error)
        if fault is None:
            self._checked.add(path)
            return path
        warnings.warn(f"{path} is damaged ({fault}); it is made again", StoreWarning, stacklevel=3)
        return None

    def _fault(self, path: Path, described: SharedFile) -> str | None:
        size = path.stat().st_size
        if size != described.bytes:
            return f"{size} bytes instead of {described.bytes}"
        if path not in self._checked and _sum_of(path) != described.sha256:
            return "its SHA-256 is another"
        return None

    def _make(
        self, place: Path, recipe: Mapping[str, Any], make: Callable[[Path], None]
    ) -> SharedFile:
        temporary = temporary_name(place)
        _remove_abandoned(place)
        try:
            make(temporary)
            total = _sum_of(temporary)
            made = SharedFile(
                recipe=recipe,
                file=f"{place.stem}.{total[:16]}",
                bytes=temporary.stat().st_size,
                sha256=total,
            )
            self._settle(temporary, place.with_name(made.file), made)
        finally:
            temporary.unlink(missing_ok=True)
        return made

    def _settle(self, temporary: Path, path: Path, made: SharedFile) -> None:
        # What has the name already has the content too, unless it is damaged; then it gives way.
        self._checked.discard(path)
        with suppress(FileNotFoundError):
            if self._fault(path, made) is not None:
                path.unlink()
        publish_file(temporary, path)


def list_shared(store: Store) -> list[SharedFile]:
    """The shared files of a store, by recipe; what is damaged or half made is left out."""
    found = []
    for place in sorted(store.shared.glob("*/[!.]*.json")):
        try:
            described = _described(place, place.read_bytes())
            whole = place.with_name(described.file).stat().st_size == described.bytes
        except (ValueError, TypeError, OSError):
            continue
        found += [described] if whole else []
    return found


def _described(place: Path, text: bytes) -> SharedFile:
    """What a JSON file says; ValueError or TypeError when its recipe or file is not that of it."""
    found = SharedFile(**json.loads(text))
    expected = f"{place.stem}.{str(found.sha256)[:16]}"
    if recipe_hash(found.recipe) != place.stem or found.file != expected or not is_name(expected):
        raise ValueError(f"it names the file {found.file!r}, not {expected}")
    return found


def _sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove_abandoned(place: Path) -> None:
    for temporary in place.parent.glob(f".{place.name}.*{TEMPORARY_SUFFIX}"):
        with suppress(OSError):  # its worker lives after all, or another removes it too
            if time.time() - temporary.stat().st_mtime > _ABANDONED_SECONDS:
                temporary.unlink()
