"""One file from its publisher: downloaded under another name, verified, then put in its place."""

import contextlib
import http.client
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.datasets.checking import damage
from orchestrator.datasets.sources import DataError, DataFile

_PATIENCE = 60.0
"""Seconds without a byte after which a server is given up."""


class DownloadError(DataError):
    """A file could not be downloaded, or what came is not what was published."""

    def __init__(self, file: DataFile, reason: str) -> None:
        super().__init__(f"{file.path} cannot be downloaded: {reason}")


def download(file: DataFile, root: Path) -> None:
    """Download a file to its place below the data root; a bar on standard error shows how far.

    Raises:
        DownloadError: When the server cannot be reached, refuses, or sends something else.
        OSError: When the folder cannot be written.
    """
    from torchvision.datasets.utils import download_url

    target = file.below(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    part.touch(exist_ok=False)  # a folder that cannot be written is told before anything is sent
    part.unlink()  # what is there would be taken for downloaded
    try:
        with _patience():
            _call(download_url, file, part)
        wrong = damage(file, part)
        if wrong:
            raise DownloadError(file, f"what came is damaged: {wrong}")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _call(
    download_url: Callable[[str, str, str, str | None], None], file: DataFile, part: Path
) -> None:
    try:
        download_url(str(file.url), str(part.parent), part.name, file.md5)
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        reason = getattr(error, "reason", None) or error
        raise DownloadError(file, str(reason) or type(error).__name__) from error
    except RuntimeError:
        return  # its own look at the sum failed: ours says how


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
