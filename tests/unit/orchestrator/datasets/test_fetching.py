"""Fetching from a real server: what is right stays, what is wrong never gets its name."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.datasets.checking import absence, examine
from orchestrator.datasets.fetching import Fetched, fetch
from orchestrator.datasets.sources import DataError, DataFile, Source
from tests.support.data_server import Publisher, publishing, tar_of

BATCH = b"pixels" * 5000
ARCHIVE = tar_of({"cifar/batch": BATCH, "cifar/readme": b"hello"})

MAKER = """\
from trainer.data import MAKERS

@MAKERS.register("letters", summary="keeps the beginning")
def make(data_root):
    read = (data_root / "set" / "batch").read_bytes()
    (data_root / "made").write_bytes(read[:6])

@MAKERS.register("failing", summary="cannot")
def fail(data_root):
    raise ValueError("the archive holds no images")

@MAKERS.register("forgetful", summary="does not")
def forget(data_root):
    pass
"""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing(
        {"images.gz": b"I" * 40_000, "labels.gz": b"L" * 500, "set.tar.gz": ARCHIVE}
    ) as it:
        yield it


def source(*files: Mapping[str, Any]) -> Source:
    described = tuple(DataFile.from_plain(file, "dataset letters") for file in files)
    return Source(name="letters", summary="", files=described)


def bring(wanted: Source, root: Path) -> tuple[Fetched, list[str]]:
    said: list[str] = []
    return fetch(wanted, root, said.append), said


def names_in(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_files_are_fetched_once(publisher: Publisher, tmp_path: Path) -> None:
    root = tmp_path / "new" / "root"
    letters = source(publisher.plain("images.gz"), publisher.plain("labels.gz"))
    done, said = bring(letters, root)
    assert done == Fetched(name="letters", downloaded=("images.gz", "labels.gz"), bytes=40_500)
    assert said == [
        f"downloading {publisher.url('images.gz')}, because images.gz is missing",
        f"downloading {publisher.url('labels.gz')}, because labels.gz is missing",
    ]
    assert (root / "labels.gz").read_bytes() == b"L" * 500
    assert names_in(root) == {"images.gz", "labels.gz"}
    publisher.asked.clear()
    assert bring(letters, root) == (Fetched(name="letters"), [])
    assert publisher.asked == []


def test_only_what_is_missing_or_damaged_is_fetched(publisher: Publisher, tmp_path: Path) -> None:
    letters = source(publisher.plain("images.gz"), publisher.plain("labels.gz"))
    bring(letters, tmp_path)
    (tmp_path / "labels.gz").write_bytes(b"l" * 500)
    publisher.asked.clear()
    done, said = bring(letters, tmp_path)
    assert done.downloaded == ("labels.gz",)
    assert set(publisher.asked) == {"labels.gz"}
    assert "because labels.gz is damaged (md5 " in said[0]
    assert (tmp_path / "labels.gz").read_bytes() == b"L" * 500


@pytest.mark.parametrize("sums", [{"md5": "0" * 32}, {"md5": None, "sha256": "0" * 64}])
def test_a_wrong_sum_never_gets_the_name(
    sums: dict[str, Any], publisher: Publisher, tmp_path: Path
) -> None:
    letters = source({**publisher.plain("labels.gz"), **sums}, publisher.plain("images.gz"))
    done, _ = bring(letters, tmp_path)
    assert names_in(tmp_path) == {"images.gz"}
    assert [file.path for file in done.failed] == ["labels.gz"]
    [reason] = done.failures
    assert reason.startswith("labels.gz cannot be downloaded: what came is damaged: ")
    assert "00000000" in reason


def test_a_sha256_is_checked_where_there_is_no_md5(publisher: Publisher, tmp_path: Path) -> None:
    digest = hashlib.sha256(b"L" * 500).hexdigest()
    letters = source({**publisher.plain("labels.gz"), "md5": None, "sha256": digest})
    assert bring(letters, tmp_path)[0].downloaded == ("labels.gz",)


def test_a_cut_download_never_gets_the_name(publisher: Publisher, tmp_path: Path) -> None:
    publisher.cut.add("images.gz")
    done, _ = bring(source(publisher.plain("images.gz")), tmp_path)
    assert names_in(tmp_path) == set()
    assert done.failures == (
        "images.gz cannot be downloaded: what came is damaged: 20,000 bytes, published 40,000",
    )
    publisher.cut.clear()
    assert bring(source(publisher.plain("images.gz")), tmp_path)[0].complete


def test_a_server_that_refuses_or_is_not_there_is_told(
    publisher: Publisher, tmp_path: Path
) -> None:
    gone = {**publisher.plain("images.gz"), "url": publisher.url("elsewhere")}
    nobody = {**publisher.plain("labels.gz"), "url": "http://127.0.0.1:9/labels.gz"}
    done, _ = bring(source(gone, nobody), tmp_path)
    assert done.failures == (
        "images.gz cannot be downloaded: Not Found",
        "labels.gz cannot be downloaded: [Errno 111] Connection refused",
    )
    assert names_in(tmp_path) == set()


def test_an_archive_is_unpacked_and_may_then_go(publisher: Publisher, tmp_path: Path) -> None:
    packed = source(publisher.plain("set.tar.gz", unpack=True))
    done, _ = bring(packed, tmp_path)
    assert (done.downloaded, done.unpacked) == (("set.tar.gz",), ("set.tar.gz",))
    assert (tmp_path / "cifar" / "batch").read_bytes() == BATCH
    (tmp_path / "set.tar.gz").unlink()
    assert absence(packed, tmp_path) == ""
    assert bring(packed, tmp_path) == (Fetched(name="letters"), [])


def test_what_was_changed_after_unpacking_is_found_and_unpacked_again(
    publisher: Publisher, tmp_path: Path
) -> None:
    packed = source(publisher.plain("set.tar.gz", unpack=True))
    bring(packed, tmp_path)
    (tmp_path / "cifar" / "batch").write_bytes(b"P" * len(BATCH))
    publisher.asked.clear()
    found = {one.path: str(one.condition) for one in examine(packed, tmp_path, sums=True)}
    assert found == {"set.tar.gz": "not unpacked", "cifar/batch": "damaged"}
    done, said = bring(packed, tmp_path)
    assert (done.downloaded, done.unpacked, said) == ((), ("set.tar.gz",), ["unpacking set.tar.gz"])
    assert publisher.asked == []
    assert (tmp_path / "cifar" / "batch").read_bytes() == BATCH


def test_an_archive_brought_by_hand_needs_no_network(tmp_path: Path) -> None:
    with publishing({"set.tar.gz": ARCHIVE}) as publisher:
        packed = source(publisher.plain("set.tar.gz", unpack=True))
    (tmp_path / "set.tar.gz").write_bytes(ARCHIVE)
    done, said = bring(packed, tmp_path)
    assert (done.unpacked, said) == (("set.tar.gz",), ["unpacking set.tar.gz"])


def test_files_unpacked_by_hand_are_enough_where_their_sums_are_known(
    publisher: Publisher, tmp_path: Path
) -> None:
    md5 = hashlib.md5(BATCH, usedforsecurity=False).hexdigest()
    holds = [{"path": "cifar/batch", "md5": md5}]
    packed = source(publisher.plain("set.tar.gz", unpack=True, holds=holds))
    (tmp_path / "cifar").mkdir()
    (tmp_path / "cifar" / "batch").write_bytes(BATCH)
    assert bring(packed, tmp_path) == (Fetched(name="letters"), [])
    assert absence(packed, tmp_path) == ""
    (tmp_path / "cifar" / "batch").unlink()
    assert absence(packed, tmp_path) == (
        f"dataset letters: in {tmp_path} set.tar.gz is missing; "
        f"run `sparsesweep data fetch letters --data-root {tmp_path}`"
    )


def test_a_file_without_its_compression_is_enough(publisher: Publisher, tmp_path: Path) -> None:
    letters = source(publisher.plain("labels.gz"))
    (tmp_path / "labels").write_bytes(b"plain")
    [found] = examine(letters, tmp_path, sums=True)
    assert found.told == "labels.gz is present (as labels, of which no sum is known)"
    assert absence(letters, tmp_path) == ""
    assert bring(letters, tmp_path)[0].downloaded == ()


def test_a_hostile_archive_with_the_right_sum_is_refused(tmp_path: Path) -> None:
    hostile = tar_of({"good": b"x", "../outside": b"x"})
    with publishing({"set.tar.gz": hostile}) as publisher:
        done, _ = bring(source(publisher.plain("set.tar.gz", unpack=True)), tmp_path / "root")
    assert len(done.failures) == 1
    assert "'../outside' would lie outside" in done.failures[0]
    assert done.failed == ()
    assert names_in(tmp_path) == {"root/set.tar.gz"}


def test_an_archive_without_what_it_should_hold_is_told(
    publisher: Publisher, tmp_path: Path
) -> None:
    holds = [{"path": "cifar/train", "md5": "0" * 32}]
    done, _ = bring(source(publisher.plain("set.tar.gz", unpack=True, holds=holds)), tmp_path)
    assert done.failures == ("letters: after unpacking cifar/train is missing",)


@pytest.fixture
def maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package of a user's that makes files; the data root."""
    installed = tmp_path / "package" / "my_letters-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: my-letters\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[sparsesweep.datasets]\nletters = my_letters\n")
    (tmp_path / "package" / "my_letters.py").write_text(MAKER)
    paths = [str(tmp_path / "package"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    return tmp_path / "root"


def making(publisher: Publisher, name: str) -> Source:
    publisher.files["mine.tar.gz"] = tar_of({"set/batch": BATCH})
    made = {"path": "made", "made": True}
    return replace(source(publisher.plain("mine.tar.gz", unpack=True), made), name=name)


def test_a_dataset_makes_its_own_files_in_a_child(publisher: Publisher, maker: Path) -> None:
    wanted = making(publisher, "letters")
    done, said = bring(wanted, maker)
    assert (done.made, said[-1]) == (("made",), "making made")
    assert (maker / "made").read_bytes() == b"pixels"
    (maker / "made").unlink()
    assert absence(wanted, maker) == ""  # training can make it as well
    assert bring(wanted, maker)[0] == Fetched(name="letters", made=("made",))
    (maker / "mine.tar.gz").unlink()
    (maker / "set" / "batch").unlink()
    assert bring(wanted, maker) == (Fetched(name="letters"), [])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("failing", "made cannot be made: the archive holds no images"),
        ("forgetful", "made was not made by dataset forgetful"),
        (
            "my_letters:make",
            "made cannot be made: unknown maker of the files of dataset 'my_letters:make'; "
            "allowed: failing, forgetful, letters, tinyimagenet (did you mean 'letters'?)",
        ),
    ],
)
def test_a_file_that_is_not_made_is_told(
    name: str, said: str, publisher: Publisher, maker: Path
) -> None:
    done, _ = bring(making(publisher, name), maker)
    assert done.failures == (said,)


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"path": "../x", "url": "u", "md5": "0"}, "'../x' is not below the data root"),
        ({"path": "/x", "url": "u", "md5": "0"}, "'/x' is not below the data root"),
        ({"path": "x", "url": "u"}, "x is downloaded but has neither md5 nor sha256"),
        ({"path": "x", "urll": "u"}, "unknown key 'urll'"),
    ],
)
def test_a_file_that_is_described_wrongly_is_refused(plain: dict[str, str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        source(plain)
