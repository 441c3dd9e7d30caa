"""Shared files: one of each, whoever makes it, whatever dies in between."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grids.artifacts import recipe_hash
from orchestrator.store import shared
from orchestrator.store.layout import Store, StoreWarning
from orchestrator.store.shared import StoredFiles

ROOT = Path(__file__).resolve().parents[4]
RECIPE = {"kind": "square", "of": 3}
NAME = recipe_hash(RECIPE)

MAKER = """
import sys, time
from pathlib import Path
from orchestrator.store.layout import Store
from orchestrator.store.shared import StoredFiles

root, me, content = sys.argv[1:]
Path(root, f"ready.{me}").touch()

def make(path):
    path.write_bytes(content.encode())
    Path(root, f"making.{me}").touch()
    while not Path(root, "go").exists():
        time.sleep(0.005)

print(StoredFiles(Store.open(Path(root, "store"))).file({"kind": "square", "of": 3}, make))
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


def nine(path: Path) -> None:
    path.write_bytes(b"nine")


def never(path: Path) -> None:
    raise AssertionError(f"{path} was made again")


def names(store: Store) -> list[str]:
    return sorted(path.name for path in (store.shared / NAME[:2]).iterdir())


def start(tmp_path: Path, me: str, content: str) -> "subprocess.Popen[str]":
    """A process that makes the file and waits, before it publishes, until it may."""
    command = [sys.executable, "-c", MAKER, str(tmp_path), me, content]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    give_up = time.monotonic() + 60
    while not (tmp_path / f"making.{me}").exists():
        assert process.poll() is None, "it ended before it made anything"
        assert time.monotonic() < give_up, "it took too long"
        time.sleep(0.005)
    return process


def test_a_name_follows_from_the_recipe_whatever_its_order() -> None:
    assert recipe_hash({"of": 3, "kind": "square"}) == NAME
    assert recipe_hash({"of": 4, "kind": "square"}) != NAME
    # The first half of the SHA-256 of {"kind":"square","of":3}.
    assert NAME == "5d01b3fa5cba60f2da5e12bd86208b36"


def test_a_file_is_made_once_and_says_what_it_is(store: Store) -> None:
    path = StoredFiles(store).file(RECIPE, nine)
    assert path.read_bytes() == b"nine"
    assert StoredFiles(store).file(RECIPE, never) == path
    assert path.parent == store.root / "shared" / NAME[:2]
    said = json.loads((path.parent / f"{NAME}.json").read_text())
    total = "edcd8e701a2df0cd66a39bae6aa156cf16fe2b9653ef65f7d31742e2352421e4"
    assert said == {"recipe": RECIPE, "file": path.name, "bytes": 4, "sha256": total}
    assert path.name == f"{NAME}.{total[:16]}"
    assert names(store) == sorted([path.name, f"{NAME}.json"])


@pytest.mark.parametrize("contents", [("same", "same"), ("one", "other")])
def test_two_processes_that_race_end_with_one_file(
    tmp_path: Path, store: Store, contents: tuple[str, str]
) -> None:
    racers = [start(tmp_path, f"racer{n}", content) for n, content in enumerate(contents)]
    (tmp_path / "go").touch()
    answers = {racer.communicate(timeout=60)[0].strip() for racer in racers}
    [answer] = answers
    assert Path(answer).read_text() in contents
    assert names(store) == sorted([Path(answer).name, f"{NAME}.json"])


def test_a_process_that_dies_leaves_no_half_file(tmp_path: Path, store: Store) -> None:
    process = start(tmp_path, "victim", "half")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    [left] = names(store)
    assert left.startswith(".")
    path = StoredFiles(store).file(RECIPE, nine)
    assert path.read_bytes() == b"nine"
    abandoned = path.with_name(left)
    assert abandoned.exists()  # its worker might still live
    os.utime(abandoned, (0, 0))
    path.unlink()
    with pytest.warns(StoreWarning, match="No such file"):
        StoredFiles(store).file(RECIPE, nine)
    assert not abandoned.exists()


def test_death_between_the_content_and_its_description_costs_only_the_work(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(path: Path, data: bytes) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shared, "publish_new", dies)
        with pytest.raises(KeyboardInterrupt):
            StoredFiles(store).file(RECIPE, nine)
    [orphan] = names(store)
    path = StoredFiles(store).file(RECIPE, nine)
    assert path.name == orphan
    assert names(store) == sorted([orphan, f"{NAME}.json"])


def test_what_cannot_be_made_leaves_nothing(store: Store) -> None:
    def fails(path: Path) -> None:
        path.write_bytes(b"ni")
        raise ValueError("no nine")

    with pytest.raises(ValueError, match="no nine"):
        StoredFiles(store).file(RECIPE, fails)
    assert names(store) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (b"nin", "3 bytes instead of 4"),
        (b"mine", "its SHA-256 is another"),
        (None, "No such file"),
    ],
)
def test_a_damaged_file_is_made_again_with_a_warning(
    store: Store, damage: bytes | None, said: str
) -> None:
    path = StoredFiles(store).file(RECIPE, nine)
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.warns(StoreWarning, match=f"is damaged .*{said}"):
        again = StoredFiles(store).file(RECIPE, nine)
    assert (again, again.read_bytes()) == (path, b"nine")
    assert StoredFiles(store).file(RECIPE, never) == path


@pytest.mark.parametrize("text", [b"{", b'{"file": 3}', b"[]"])
def test_a_damaged_description_is_made_again_with_a_warning(store: Store, text: bytes) -> None:
    path = StoredFiles(store).file(RECIPE, nine)
    path.with_name(f"{NAME}.json").write_bytes(text)
    with pytest.warns(StoreWarning, match="is damaged"):
        StoredFiles(store).file(RECIPE, nine)
    assert StoredFiles(store).file(RECIPE, never) == path


def test_a_file_that_is_cut_short_while_a_worker_uses_it_is_noticed(store: Store) -> None:
    files = StoredFiles(store)
    path = files.file(RECIPE, nine)
    path.write_bytes(b"n")
    with pytest.warns(StoreWarning, match="1 bytes instead of 4"):
        files.file(RECIPE, nine)
    assert path.read_bytes() == b"nine"
