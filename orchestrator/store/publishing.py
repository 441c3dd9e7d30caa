"""Publishing files so that readers on a shared file system see all of a file or nothing.

A file is written under a temporary name in its final folder, flushed to the disk, and only then
given its final name: by link(2) where the first writer wins, by rename(2) where the last does.
"""

import os
import secrets
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

TEMPORARY_SUFFIX = ".tmp"
"""Ending of names that are not published yet; such files also begin with a dot."""

_FLUSHES_AT_ONCE = 16  # the disk commits flushes that wait together in one go


def publish_new(path: Path, data: bytes) -> bool:
    """Publish `data` at `path` unless something is there already.

    The file and its name are on the disk when this returns. Missing folders are made.

    Returns:
        Whether the file at `path` is ours; False when somebody was first.
    """
    return publish_all([(path, data)])[0]


def publish_all(files: Sequence[tuple[Path, bytes]]) -> list[bool]:
    """Publish many files as `publish_new` does, sharing the waits for the disk.

    All contents are on the disk before the first name appears, and the names appear in order.

    Returns:
        For each file in turn, whether the one at its path is ours.
    """
    if not files:
        return []
    temporaries = _write_temporaries(files)
    try:
        ours = [
            _link(temporary, path) for temporary, (path, _) in zip(temporaries, files, strict=True)
        ]
    finally:
        _discard(temporaries)
    _flush_folders(path.parent for path, _ in files)
    return ours


def replace(path: Path, data: bytes) -> None:
    """Publish `data` at `path`, whatever was there before: readers see the old file or the new."""
    [temporary] = _write_temporaries([(path, data)])
    try:
        _rename(temporary, path)
    except OSError:
        _discard([temporary])
        raise
    _flush_folders([path.parent])


def publish_file(temporary: Path, path: Path) -> bool:
    """Give a file that was written under a `temporary_name` its final name, unless that is taken.

    The file and its name are on the disk when this returns, and the temporary name is gone.

    Returns:
        Whether the file at `path` is ours; False when somebody was first.
    """
    try:
        _flush_file(temporary)
        ours = _link(temporary, path)
    finally:
        _discard([temporary])
    flush_folder(path.parent)
    return ours


def temporary_name(path: Path) -> Path:
    """A fresh name for what will be published at `path`, in the same folder, which is made."""
    _make_folder(path.parent)
    return _temporary_name(path)


def flush_folder(folder: Path) -> None:
    """Bring the names in `folder` to the disk, on file systems that can."""
    with suppress(OSError):  # not every file system can flush a folder
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def flush_tree(folder: Path) -> None:
    """Bring all files below `folder`, and their names, to the disk, sharing the waits for it."""
    below = [path for path in folder.rglob("*") if not path.is_symlink()]
    with ThreadPoolExecutor(_FLUSHES_AT_ONCE) as pool:
        list(pool.map(_flush_file, (path for path in below if path.is_file())))
        list(pool.map(flush_folder, [*(path for path in below if path.is_dir()), folder]))


def _flush_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _link(temporary: Path, path: Path) -> bool:
    try:
        os.link(temporary, path)
    except OSError as error:
        # NFS repeats a request whose reply was lost and then reports its own success as a
        # failure; the second name of our file is the proof, whatever the reply said.
        if os.stat(temporary).st_nlink == 2:
            return True
        if isinstance(error, FileExistsError):
            return False
        raise
    return True


def _rename(temporary: Path, path: Path) -> None:
    file = os.stat(temporary).st_ino
    try:
        os.replace(temporary, path)
    except FileNotFoundError:
        # The same lost reply: our name is gone because the first request did its work.
        if not path.exists() or os.stat(path).st_ino != file:
            raise


def _write_temporaries(files: Sequence[tuple[Path, bytes]]) -> list[Path]:
    temporaries: list[Path] = []
    handles: list[int] = []
    try:
        for path, data in files:
            temporary = _temporary_name(path)
            handles.append(_create(temporary))
            temporaries.append(temporary)
            _write(handles[-1], data)
        _flush(handles)
    except OSError:
        _discard(temporaries)
        raise
    finally:
        for handle in handles:
            os.close(handle)
    return temporaries


def _temporary_name(path: Path) -> Path:
    owner = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(4)}"
    return path.with_name(f".{path.name}.{owner}{TEMPORARY_SUFFIX}")


def _create(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:
        _make_folder(path.parent)
        return os.open(path, flags, 0o644)


def _make_folder(folder: Path) -> None:
    missing = [folder, *folder.parents]
    missing = [candidate for candidate in missing if not candidate.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        flush_folder(made.parent)


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _flush(handles: Sequence[int]) -> None:
    if len(handles) == 1:
        os.fsync(handles[0])
        return
    with ThreadPoolExecutor(min(_FLUSHES_AT_ONCE, len(handles))) as pool:
        list(pool.map(os.fsync, handles))


def _flush_folders(folders: Iterable[Path]) -> None:
    distinct = sorted(set(folders))
    if len(distinct) == 1:
        flush_folder(distinct[0])
        return
    with ThreadPoolExecutor(min(_FLUSHES_AT_ONCE, len(distinct))) as pool:
        list(pool.map(flush_folder, distinct))


def _discard(temporaries: Iterable[Path]) -> None:
    for temporary in temporaries:
        with suppress(OSError):
            temporary.unlink()
