"""Frozen code: the package tree as it was at submission, once per content, in the store.

Tasks that start days later import from it, so that editing a method meanwhile changes nothing that
was submitted. Records carry its hash. The hash speaks of Python files alone, and the store may come
from somebody else: so whatever else Python could load from the folder makes it unusable.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from orchestrator.provenance import PACKAGES, ROOT, code_hash, hash_of, hashed_files
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import TEMPORARY_SUFFIX, flush_folder, flush_tree

_DATA = (".css", ".html", ".js", ".json", ".yaml")  # nothing that Python loads
_BYTECODE = "__pycache__"


def freeze(store: Store, root: Path = ROOT) -> Path:
    """Copy the package tree into the store, unless it is there; the folder to import it from.

    Args:
        store: The store.
        root: The folder that holds the four packages.

    Raises:
        StoreError: When it cannot be written, when the copy that is there was changed or holds more
            than this code, or when the code changes just now.
    """
    code = code_hash(root)
    folder = store.code_folder(code)
    if not folder.is_dir():
        _copy(root, folder, code)
    with suppress(OSError):  # somebody else's: only the age is told by it, see keeping/cleaning
        os.utime(folder)
    _remove_bytecode(folder)
    check_kept(folder)
    _check_data(root, folder)
    return folder


def check_kept(folder: Path) -> None:
    """Refuse kept code that is not what its folder is named after, or not that alone.

    Raises:
        StoreError: When a file of it was changed, or is there that no code hash speaks of: an
            extension module, bytecode, a module beside the packages, a symbolic link.
    """
    stray = next(_strays(folder), None)
    if stray is not None:
        raise StoreError(
            f"{folder} was changed: {stray.relative_to(folder)} is no part of kept code. Remove "
            f"{folder}, and submit again."
        )
    found = hash_of(folder)
    if found != folder.name:
        raise StoreError(
            f"{folder} was changed: its files have the hash {found}. Remove it, and submit again."
        )


def copy_kept(folder: Path, copy: Path) -> None:
    """Copy the Python files of kept code, and nothing else, to a place of their own.

    Args:
        folder: The kept code.
        copy: A folder that is not there yet.

    Raises:
        StoreError: When the kept code, or what was copied of it, is not what it is named after.
    """
    check_kept(folder)
    try:
        for path in hashed_files(folder):
            _copy_regular(path, copy / path.relative_to(folder))
    except OSError as error:
        raise StoreError(f"cannot copy the code in {folder} to {copy}: {error}") from error
    if hash_of(copy) != folder.name:
        raise StoreError(f"{folder} was changed while it was copied")


def kept_code(store: Store) -> list[str]:
    """The hashes of the code that a store keeps, sorted."""
    try:
        names = os.listdir(store.code_folder(""))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in names if not name.startswith("."))


def _strays(folder: Path) -> Iterator[Path]:
    """What is in a folder of kept code, or of its name, but is neither code nor its data."""
    packages = [folder / package for package in PACKAGES]
    yield from (path for path in (folder, *packages) if path.is_symlink())
    yield from (path for path in sorted(folder.iterdir()) if path not in packages)
    for path in sorted(path for package in packages for path in package.rglob("*")):
        folder_of_code = path.is_dir() and path.name != _BYTECODE
        if path.is_symlink() or not (folder_of_code or _belongs(path)):
            yield path


def _belongs(path: Path) -> bool:
    return path.is_file() and path.suffix in (".py", *_DATA)


def _remove_bytecode(folder: Path) -> None:
    """Remove what older programs compiled there: Python would run it in place of the code."""
    for package in PACKAGES:
        for path in sorted((folder / package).rglob(_BYTECODE)):
            if not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)


def _check_data(root: Path, folder: Path) -> None:
    """Refuse kept code whose data are not those of the code that it is a copy of."""
    here, kept = _data_sums(root), _data_sums(folder)
    for name in sorted(here.keys() | kept.keys()):
        if here.get(name) != kept.get(name):
            raise StoreError(
                f"{folder} was changed: {name} is not that of {root}. Remove {folder}, and submit "
                "again."
            )


def _data_sums(root: Path) -> dict[str, str]:
    paths = (path for package in PACKAGES for path in (root / package).rglob("*"))
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if _is_data(path)
    }


def _is_data(path: Path) -> bool:
    return path.suffix in _DATA and not path.name.startswith(".") and path.is_file()


def _copy_regular(path: Path, copy: Path) -> None:
    """Copy a file that is no link to another."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        copy.write_bytes(file.read())


def _copy(root: Path, folder: Path, code: str) -> None:
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        data = [path for package in PACKAGES for path in (root / package).rglob("*")]
        for path in (*hashed_files(root), *filter(_is_data, data)):
            _copy_regular(path, temporary / path.relative_to(root))
        if hash_of(temporary) != code:
            raise StoreError(f"the code in {root} has changed since this began: run it again")
        flush_tree(temporary)
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
        flush_folder(folder.parent)
    except OSError as error:
        raise StoreError(f"cannot copy the code to {folder}: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
