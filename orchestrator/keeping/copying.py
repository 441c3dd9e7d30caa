"""Copying files from one store into another: whole, once, and never over what is there."""

import hashlib
import os
from pathlib import Path

from orchestrator.store.layout import StoreError
from orchestrator.store.publishing import publish_file, temporary_name

_CHUNK = 1 << 20


def copy_file(source: Path, path: Path, sha256: str | None = None) -> bool:
    """Publish a copy of a file unless something is at its place already.

    Args:
        source: The file.
        path: Its place in the other store.
        sha256: The sum that it shall have, where that is known.

    Returns:
        Whether the file at `path` is ours.

    Raises:
        StoreError: When the sum is another: the file is damaged, and nothing is published.
        OSError: When it cannot be read or written.
    """
    if path.exists():
        return False
    temporary = temporary_name(path)
    try:
        found = copy_bytes(source, temporary)
        if sha256 is not None and found != sha256:
            raise StoreError(f"{source} is damaged: its SHA-256 is not the one that was recorded")
        return publish_file(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def copy_bytes(source: Path, path: Path) -> str:
    """Copy what is in a file; the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, path.open("wb") as writer:
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
