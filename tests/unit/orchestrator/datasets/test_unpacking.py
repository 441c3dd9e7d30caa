"""Unpacking: what an archive may do to the folder that it is in, and what it may not."""

import os
import re
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from orchestrator.datasets.sources import DataError
from orchestrator.datasets.unpacking import read_listing, unpack
from tests.support.data_server import tar_of, zip_of

SUM = ("md5", "0" * 32)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "root" / "archive"
    path.parent.mkdir()
    path.write_bytes(content)
    return path


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_link() -> bytes:
    info = zipfile.ZipInfo("inside")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zip_of({info: b"/etc/passwd"})


@pytest.mark.parametrize("packed", ["gz", "bz2", "", "zip"])
def test_files_come_out_with_their_contents_and_are_listed(packed: str, tmp_path: Path) -> None:
    members = {"./set/one": b"1" * 3_000_000, "set/deep/two": b"2", "set/empty": b""}
    content = zip_of(members) if packed == "zip" else tar_of(members, f"w:{packed}")
    archive = written(tmp_path, content)
    listed = unpack(archive, SUM)
    assert (archive.parent / "set" / "deep" / "two").read_bytes() == b"2"
    assert (archive.parent / "set" / "one").read_bytes() == b"1" * 3_000_000
    assert {name: size for name, (size, _) in listed.items()} == {
        "set/one": 3_000_000, "set/deep/two": 1, "set/empty": 0,
    }  # fmt: skip
    digest = "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35"
    assert listed["set/deep/two"] == (1, digest)
    assert read_listing(archive, SUM) == listed
    assert read_listing(archive, ("md5", "1" * 32)) == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tar_of({"good": b"x", "../outside": b"x"}), "'../outside' would lie outside"),
        (tar_of({"good": b"x", "a/../../outside": b"x"}), "would lie outside"),
        (tar_of({"good": b"x", "/tmp/outside": b"x"}), "'/tmp/outside' would lie outside"),
        (zip_of({"good": b"x", "../outside": b"x"}), "'../outside' would lie outside"),
        (zip_of({"good": b"x", "/outside": b"x"}), "'/outside' would lie outside"),
        (zip_of({"good": b"x", "..\\outside": b"x"}), "would lie outside"),
        (tar_of({"good": b"x", "l": special("l", tarfile.SYMTYPE, "good")}), "'l' is a link"),
        (tar_of({"good": b"x", "l": special("l", tarfile.LNKTYPE, "good")}), "'l' is a link"),
        (tar_of({"good": b"x", "p": special("p", tarfile.FIFOTYPE)}), "or a special file"),
        (tar_of({"good": b"x", "d": special("d", tarfile.CHRTYPE)}), "or a special file"),
        (zip_link(), "'inside' is a link"),
        (tar_of({"a": b"x", "./a": b"y"}), "'./a' is there twice"),
        (b"not an archive at all", "neither a zip nor a tar archive"),
    ],
)
def test_a_hostile_archive_is_refused_whole(content: bytes, said: str, tmp_path: Path) -> None:
    archive = written(tmp_path, content)
    with pytest.raises(DataError, match=re.escape(said)) as raised:
        unpack(archive, SUM)
    assert str(archive) in str(raised.value)
    assert everything_in(tmp_path) == {"root", "root/archive"}


def test_a_link_that_was_there_before_leads_nowhere_new(tmp_path: Path) -> None:
    archive = written(tmp_path, tar_of({"file": b"new"}))
    (tmp_path / "secret").write_bytes(b"old")
    (archive.parent / "file").symlink_to(tmp_path / "secret")
    unpack(archive, SUM)
    assert (tmp_path / "secret").read_bytes() == b"old"
    assert not (archive.parent / "file").is_symlink()


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_cut_archive_leaves_nothing_behind(kind: str, tmp_path: Path) -> None:
    members = {f"set/{n}": os.urandom(20_000) for n in range(5)}
    whole = tar_of(members) if kind == "tar" else zip_of(members)
    cut = whole[: len(whole) // 2] if kind == "tar" else whole[:100] + b"\0" * 500 + whole[600:]
    archive = written(tmp_path, cut)
    with pytest.raises(DataError, match="broken"):
        unpack(archive, SUM)
    assert everything_in(tmp_path) == {"root", "root/archive"}


def test_a_damaged_list_is_none(tmp_path: Path) -> None:
    archive = written(tmp_path, tar_of({"a": b"x"}))
    unpack(archive, SUM)
    [listing] = archive.parent.glob(".*.json")
    for content in ("", "[]", '{"archive": ["md5", "' + "0" * 32 + '"], "files": {"a": 1}}'):
        listing.write_text(content)
        assert read_listing(archive, SUM) == {}
