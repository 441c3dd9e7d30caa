"""data fetch, data list, data check: real files from a real server on this machine."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from grids.catalogue import Catalogue, Entry
from orchestrator.provenance import ROOT
from tests.support.console import Said, sparsesweep
from tests.support.data_server import Publisher, publishing, tar_of

NAMES = "archived, letters, mine"
PROFILES = '[alpha]\ndata_root = "{root}"\n\n[beta]\n'


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """A server, and a catalogue whose datasets it publishes."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    files = {"letters/images.gz": b"I" * 40_000, "set.tar.gz": tar_of({"set/one": b"1" * 10})}
    with publishing(files) as server:
        catalogue = Catalogue(datasets=(
            _dataset("letters", [server.plain("letters/images.gz")]),
            _dataset("mine", []),
            Entry(name="digits", traits={"needs_root": False}),
        ), archives=(
            {"name": "archived", "summary": "", "files": [server.plain("set.tar.gz", unpack=True)]},
        ))  # fmt: skip
        monkeypatch.setattr("orchestrator.catalogue.load_catalogue", lambda: catalogue)
        yield server


def _dataset(name: str, files: list[dict[str, object]]) -> Entry:
    return Entry(name=name, traits={"needs_root": True, "files": files})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


def fetch(root: Path, *names: str) -> Said:
    return sparsesweep("data", "fetch", *names, "--data-root", root)


def test_fetch_brings_everything_once(publisher: Publisher, root: Path) -> None:
    first = fetch(root, "letters", "archived", "letters")
    assert (first.code, first.out) == (
        0,
        "letters: downloaded letters/images.gz (0.0 MB)\n"
        "archived: downloaded set.tar.gz (0.0 MB); unpacked set.tar.gz\n"
        "2 of 2 here, 0.0 MB downloaded\n",
    )
    assert "because letters/images.gz is missing" in first.err
    assert (root / "set" / "one").read_bytes() == b"1" * 10
    publisher.asked.clear()
    again = fetch(root, "letters", "archived")
    assert (again.code, again.err) == (0, "")
    assert again.out == (
        f"letters: is in {root} already\narchived: is in {root} already\n"
        "2 of 2 here, 0.0 MB downloaded\n"
    )
    assert publisher.asked == []


def test_without_a_network_it_says_what_to_bring_by_hand(publisher: Publisher, root: Path) -> None:
    publisher.files.clear()
    told = fetch(root, "letters")
    assert (told.code, told.out) == (1, "0 of 1 here, 0.0 MB downloaded\n")
    url = publisher.url("letters/images.gz")
    assert told.err.splitlines()[1:] == [
        "letters: letters/images.gz cannot be downloaded: Not Found",
        "without a network, bring these files by hand and run the same command again:",
        f"  {url}",
        f"    to {root}/letters/images.gz  (md5 c4c4971a406c29d305cd781634d3c1d7, 40,000 bytes)",
    ]
    (root / "letters" / "images.gz").write_bytes(b"I" * 40_000)
    assert fetch(root, "letters").code == 0


def test_one_that_fails_does_not_keep_the_others_away(publisher: Publisher, root: Path) -> None:
    publisher.cut.add("letters/images.gz")
    told = fetch(root, "letters", "archived")
    assert told.code == 1
    assert told.out.endswith("1 of 2 here, 0.0 MB downloaded\n")
    assert (root / "set" / "one").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["fetch", "leters"],
            f"unknown dataset 'leters'; allowed: {NAMES}; did you mean 'letters'",
        ),
        (["fetch", "digits"], "dataset digits needs no files below a data root"),
        (["fetch", "letters", "mine"], "dataset mine is brought by you, there is nothing to fetch"),
        (["check", "leters"], "did you mean 'letters'?"),
        (["fetch", "letters"], "--data-root FOLDER, SPARSESWEEP_DATA, or --profile NAME"),
        (["check"], "--data-root FOLDER, SPARSESWEEP_DATA, or --profile NAME"),
        (["check", "--data-root", str(ROOT / "README.md")], "README.md: that is not a folder"),
        (["fetch", "letters", "--data-root", str(ROOT / "README.md")], "that is not a folder"),
    ],
)
@pytest.mark.usefixtures("publisher")
def test_a_mistake_is_told(arguments: list[str], said: str) -> None:
    told = sparsesweep("data", *arguments)
    assert (told.code, told.out) == (2, "")
    assert said in told.err
    assert "Traceback" not in told.err


def test_inside_a_job_nothing_is_downloaded_unless_told(
    publisher: Publisher, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    told = fetch(root, "letters")
    assert (told.code, publisher.asked, root.exists()) == (2, [], False)
    assert told.err == (
        "this is inside job 4711: fetch data on the login node, or say --here if this node may "
        "download\n"
    )
    assert sparsesweep("data", "fetch", "letters", "--here", "--data-root", root).code == 0


@pytest.mark.usefixtures("publisher")
def test_the_root_is_that_of_the_flag_else_the_environment_else_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles = tmp_path / "profiles.toml"
    profiles.write_text(PROFILES.format(root=tmp_path / "profile"))

    def used(*more: object) -> str:
        asked = ["--profile-file", profiles, "--profile", "alpha", *more]
        return sparsesweep("data", "list", *asked).out.splitlines()[0]

    assert used() == f"data root: {tmp_path / 'profile'}"
    monkeypatch.setenv("SPARSESWEEP_DATA", str(tmp_path / "environment"))
    assert used() == f"data root: {tmp_path / 'environment'}"
    assert used("--data-root", tmp_path / "flag") == f"data root: {tmp_path / 'flag'}"
    monkeypatch.delenv("SPARSESWEEP_DATA")
    told = sparsesweep("data", "check", "--profile-file", profiles, "--profile", "beta")
    assert "--profile NAME of a profile with data_root" in told.err


def test_list_says_what_is_here(publisher: Publisher, root: Path) -> None:
    fetch(root, "letters")
    assert sparsesweep("data", "list", "--data-root", root).out == (
        f"data root: {root}\n"
        "name      size    here  folder\n"
        "archived  0.0 MB  no    set\n"
        "letters   0.0 MB  yes   letters\n"
        "mine                    brought by you\n"
    )
    assert sparsesweep("data", "list").out.splitlines()[2:4] == [
        "archived  0.0 MB        set", "letters   0.0 MB        letters",
    ]  # fmt: skip
    listed = json.loads(sparsesweep("data", "list", "--data-root", root, "--json").out)
    assert [(one["name"], one["here"]) for one in listed["sources"]] == [
        ("archived", False), ("letters", True), ("mine", None),
    ]  # fmt: skip


def test_check_says_what_is_present_missing_and_damaged(publisher: Publisher, root: Path) -> None:
    fetch(root, "letters", "archived")
    whole = sparsesweep("data", "check", "letters", "archived", "--data-root", root)
    assert (whole.code, whole.out) == (
        0,
        "letters: 1 file\n  letters/images.gz is present\n  a run would read it\n"
        "archived: 1 file\n  set.tar.gz is present (unpacked, 1 file)\n",
    )
    (root / "letters" / "images.gz").write_bytes(b"J" * 40_000)
    damaged = sparsesweep("data", "check", "--data-root", root)
    assert damaged.code == 1
    assert "  letters/images.gz is damaged (md5 " in damaged.out
    assert "mine: brought by you, nothing to compare with\n" in damaged.out


def test_check_of_what_is_not_here_is_wrong_only_when_it_was_named(
    publisher: Publisher, root: Path
) -> None:
    fetch(root, "archived")
    assert sparsesweep("data", "check", "--data-root", root).code == 0
    missing = sparsesweep("data", "check", "letters", "--data-root", root)
    assert (missing.code, missing.out) == (
        1,
        "letters: 1 file\n  letters/images.gz is missing\n"
        f"  a run would be refused: dataset letters: in {root} letters/images.gz is missing; "
        f"run `sparsesweep data fetch letters --data-root {root}`\n",
    )
    plain = json.loads(sparsesweep("data", "check", "letters", "--json", "--data-root", root).out)
    assert plain == {
        "letters": [{"path": "letters/images.gz", "condition": "missing", "detail": ""}]
    }


@pytest.fixture
def sealed() -> Iterator[Path]:
    """A folder that cannot be written: not even root's powers are left."""
    import torchvision.datasets.utils  # noqa: F401 - to be loaded before they are given up

    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            os.seteuid(user)


@pytest.mark.usefixtures("publisher")
def test_a_root_that_cannot_be_written_is_told(sealed: Path) -> None:
    told = fetch(sealed, "archived")
    assert (told.code, told.out) == (2, "")
    assert told.err.splitlines()[-1] == f"cannot write {sealed}: Permission denied"
    assert list(sealed.iterdir()) == []
