"""Publishing: all of a file or nothing, the first one wins, and lost replies do not matter."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.store.publishing import publish_all, publish_new, replace


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_first_one_wins(tmp_path: Path) -> None:
    assert publish_new(tmp_path / "a" / "b" / "file", b"first")
    assert not publish_new(tmp_path / "a" / "b" / "file", b"second")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"first"
    assert names(tmp_path / "a" / "b") == ["file"]


def test_of_many_at_once_exactly_one_wins(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: publish_new(tmp_path / "x" / "file", b"%d" % n), range(8)))
    assert sum(won) == 1
    assert (tmp_path / "x" / "file").read_bytes() == b"%d" % won.index(True)


def test_a_batch_says_for_each_file_whether_it_was_new(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    files = [(tmp_path / "new", b"1"), (tmp_path / "old", b"2"), (tmp_path / "sub" / "new", b"3")]
    assert publish_all(files) == [True, False, True]
    assert [path.read_bytes() for path, _ in files] == [b"1", b"old", b"3"]
    assert names(tmp_path) == ["new", "old", "sub"]


def test_nothing_to_publish_is_no_mistake() -> None:
    assert publish_all([]) == []


def test_replacing_replaces(tmp_path: Path) -> None:
    replace(tmp_path / "file", b"one")
    replace(tmp_path / "file", b"two")
    assert (tmp_path / "file").read_bytes() == b"two"
    assert names(tmp_path) == ["file"]


def test_contents_reach_the_disk_before_names_and_names_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real_fsync, real_link = os.fsync, os.link

    def fsync(handle: int) -> None:
        kind = os.readlink(f"/proc/self/fd/{handle}")
        calls.append("flush folder" if os.path.isdir(kind) else "flush file")
        real_fsync(handle)

    def link(source: Path, target: Path) -> None:
        calls.append("link")
        real_link(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", link)
    publish_all([(tmp_path / "a", b""), (tmp_path / "b", b"")])
    assert calls == ["flush file", "flush file", "link", "link", "flush folder"]


@pytest.mark.parametrize("reply", [errno.EEXIST, errno.EIO])
def test_a_link_that_worked_counts_although_its_reply_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: int
) -> None:
    real_link = os.link

    def link(source: Path, target: Path) -> None:
        real_link(source, target)
        raise OSError(reply, "reply lost")

    monkeypatch.setattr(os, "link", link)
    assert publish_new(tmp_path / "file", b"ours")
    assert names(tmp_path) == ["file"]


def test_a_rename_that_worked_counts_although_its_reply_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_replace = os.replace

    def rename(source: Path, target: Path) -> None:
        real_replace(source, target)
        raise FileNotFoundError(errno.ENOENT, "reply lost")

    monkeypatch.setattr(os, "replace", rename)
    replace(tmp_path / "file", b"ours")
    assert (tmp_path / "file").read_bytes() == b"ours"


def test_a_full_disk_leaves_no_name_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(handle: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space left"):
        publish_all([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")])
    assert names(tmp_path) == []


def test_short_writes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real_write(handle, bytes(data[:3])))
    publish_new(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"
