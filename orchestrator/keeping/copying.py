"""Copying files from one store into another: whole, once, and never over what is there."""

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from orchestrator.store.layout import StoreError
from orchestrator.store.publishing import publish_file, temporary_name

_CHUNK = 1 << 20


class UnusableError(StoreError):
    """What should be copied is damaged, or gone meanwhile; nothing of it is published."""


def copy_file(source: Path, path: Path, sha256: str | None = None) -> bool:
    """Publish a copy of a file unless something is at its place already.

    Args:
        source: The file.
        path: Its place in the other store.
        sha256: The sum that it shall have, where that is known.

    Returns:
        Whether the file at `path` is ours.

    Raises:
        UnusableError: When the sum is another, or the file is gone, cannot be read, or is a link.
        OSError: When the copy cannot be written.
    """
    if path.exists():
        return False
    temporary = temporary_name(path)
    try:
        copy_checked(source, temporary, sha256)
        return publish_file(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def copy_checked(source: Path, path: Path, sha256: str | None) -> None:
    """Copy what is in a file; arguments and errors as for `copy_file`."""
    with _opened(source) as reader:
        found = _copy_bytes(reader, path)
    if sha256 is not None and found != sha256:
        raise UnusableError(f"{source} is damaged: its SHA-256 is not the one that was recorded")


def _opened(source: Path) -> BinaryIO:
    """A file of another store, open for reading; never what a symbolic link or a pipe leads to."""
    try:
        handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise UnusableError(f"{source} was removed meanwhile") from None
    except OSError as error:
        raise UnusableError(f"cannot read {source}: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise UnusableError(f"{source} is no regular file")
    return os.fdopen(handle, "rb")


def _copy_bytes(reader: BinaryIO, path: Path) -> str:
    """Copy what is in a file; the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with path.open("wb") as writer:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()


def publish_dated(path: Path, data: bytes, seconds: float) -> bool:
    """Publish a new file that says of itself that it was last changed at a time.

    Returns:
        Whether the file at `path` is ours.
    """
    temporary = temporary_name(path)
    try:
        temporary.write_bytes(data)
        os.utime(temporary, (seconds, seconds))
        return publish_file(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
