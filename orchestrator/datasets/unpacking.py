"""Unpacking archives that nobody has to trust: nothing leaves the folder, nothing is a link.

What came out is listed beside the archive with sizes and sums, so that it can be checked later,
with or without the archive.
"""

import contextlib
import functools
import hashlib
import json
import os
import secrets
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from orchestrator.datasets.sources import DataError

Members = Mapping[str, tuple[int, str]]
"""Path of each file in an archive: its size in bytes and its SHA-256."""

_CHUNK = 1 << 20
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Member:
    name: str
    folder: bool
    regular: bool
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, published: tuple[str, str] | None) -> Members:
    """Unpack a zip or tar archive into the folder that it is in, and list what came out.

    All members are checked before anything is written, and nothing is moved to its place before
    everything is unpacked. A file that is in the way is replaced.

    Args:
        archive: The archive.
        published: Its algorithm and sum, noted in the list.

    Raises:
        DataError: For a member that is no file or folder or would lie outside, or a broken one.
        OSError: When the folder cannot be written.
    """
    folder = archive.parent
    aside = folder / f".{archive.name}.{secrets.token_hex(4)}.part"
    try:
        with _opened(archive) as members:
            _check(members, archive)
            sums = {path: _copy(member, aside / path) for path, member in _files(members)}
        for path in sums:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(aside / path, folder / path)
    except _BROKEN as error:
        raise DataError(f"{archive}: the archive is broken: {error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    _write_listing(archive, published, sums)
    return sums


def read_listing(archive: Path, published: tuple[str, str] | None) -> Members:
    """What an archive with that sum was unpacked to; empty where it never was."""
    try:
        content = json.loads(_listing(archive).read_text(encoding="utf-8"))
        if content["archive"] != list(published or ()):
            return {}
        files: dict[str, Any] = content["files"]
        return {name: (int(size), str(digest)) for name, (size, digest) in files.items()}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[list[_Member]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield [_of_zip(opened, info) for info in opened.infolist()]
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as opened_tar:
            yield [_of_tar(opened_tar, info) for info in opened_tar]
    else:
        raise DataError(f"{archive} is neither a zip nor a tar archive")


def _of_zip(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
    kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the archive says nothing of modes
    regular = kind in (0, stat.S_IFREG) and not info.is_dir()
    folder = info.is_dir() and kind in (0, stat.S_IFDIR)
    # What the archive says, not what zipfile makes of it.
    name = info.orig_filename
    return _Member(
        name=name, folder=folder, regular=regular, open=functools.partial(opened.open, info)
    )


def _of_tar(opened: tarfile.TarFile, info: tarfile.TarInfo) -> _Member:
    reading = functools.partial(opened.extractfile, info)
    return _Member(name=info.name, folder=info.isdir(), regular=info.isreg(), open=reading)


def _check(members: list[_Member], archive: Path) -> None:
    seen: set[PurePosixPath] = set()
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or "\\" in member.name or "\0" in member.name:
            raise DataError(f"{archive}: the member {member.name!r} would lie outside the folder")
        if not member.folder and not member.regular:
            raise DataError(f"{archive}: the member {member.name!r} is a link or a special file")
        if member.regular and path in seen:
            raise DataError(f"{archive}: the member {member.name!r} is there twice")
        seen.add(path)


def _files(members: list[_Member]) -> Iterator[tuple[str, _Member]]:
    return ((str(PurePosixPath(m.name)), m) for m in members if m.regular)


def _copy(member: _Member, target: Path) -> tuple[int, str]:
    """Write a member; its size and SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    source = member.open()
    assert source is not None, "only regular files are opened"
    with source, target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += file.write(chunk)
    return size, digest.hexdigest()


def _listing(archive: Path) -> Path:
    return archive.with_name(f".{archive.name}.contents.json")


def _write_listing(archive: Path, published: tuple[str, str] | None, sums: Members) -> None:
    content = {"archive": published or (), "files": {name: sums[name] for name in sorted(sums)}}
    path = _listing(archive)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    aside.write_text(json.dumps(content), encoding="utf-8")
    os.replace(aside, path)
