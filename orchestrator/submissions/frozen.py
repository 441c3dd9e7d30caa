"""Frozen code: the package tree as it was at submission, once per content, in the store.

Tasks that start days later import from it, so that editing a method meanwhile changes nothing that
was submitted. Records carry its hash.
"""

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from orchestrator.provenance import PACKAGES, ROOT, code_hash
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import TEMPORARY_SUFFIX, flush_folder, flush_tree


def freeze(store: Store, root: Path = ROOT) -> Path:
    """Copy the package tree into the store, unless it is there; the folder to import it from.

    Args:
        store: The store.
        root: The folder that holds the four packages.

    Raises:
        StoreError: When it cannot be written, when the copy that is there was changed, or when the
            code changes just now.
    """
    code = code_hash(root)
    folder = store.code_folder(code)
    if not folder.is_dir():
        _copy(root, folder, code)
    with suppress(OSError):  # somebody else's: only the age is told by it, see keeping/cleaning
        os.utime(folder)
    check_kept(folder)
    return folder


def check_kept(folder: Path) -> None:
    """Refuse kept code that is not what its folder is named after.

    Raises:
        StoreError: When a file of it was changed.
    """
    found = code_hash(folder)
    if found != folder.name:
        raise StoreError(
            f"{folder} was changed: its files have the hash {found}. Remove it, and submit again."
        )


def kept_code(store: Store) -> list[str]:
    """The hashes of the code that a store keeps, sorted."""
    try:
        names = os.listdir(store.code_folder(""))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in names if not name.startswith("."))


def _copy(root: Path, folder: Path, code: str) -> None:
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        for package in PACKAGES:
            shutil.copytree(
                root / package,
                temporary / package,
                ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"),
            )
        if code_hash(temporary) != code:
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
