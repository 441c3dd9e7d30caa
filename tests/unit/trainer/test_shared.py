"""Shared files without a store."""

from pathlib import Path

import pytest

from trainer.shared import TemporaryFiles


def nine(path: Path) -> None:
    path.write_bytes(b"nine")


def half(path: Path) -> None:
    path.write_bytes(b"ni")
    raise ValueError("no nine")


def never(path: Path) -> None:
    raise AssertionError(f"{path} was made again")


def test_a_file_is_made_once_for_each_recipe() -> None:
    files = TemporaryFiles()
    path = files.file({"of": 3}, nine)
    assert path.read_bytes() == b"nine"
    assert files.file({"of": 3}, never) == path
    assert files.file({"of": 4}, nine) != path


def test_what_is_made_only_half_is_made_again() -> None:
    files = TemporaryFiles()
    with pytest.raises(ValueError, match="no nine"):
        files.file({"of": 3}, half)
    assert files.file({"of": 3}, nine).read_bytes() == b"nine"
