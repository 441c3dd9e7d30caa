"""The heartbeat: it goes on, and the budget with it, whatever the disk does."""

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from orchestrator.provenance import host
from orchestrator.store.layout import Store
from orchestrator.submissions.manifest import Manifest, this_driver
from orchestrator.worker import heartbeat, spending
from orchestrator.worker.heartbeat import Heart, StopReason, newest_heartbeat, request_stop
from tests.support.grids import a_cell


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(heartbeat, "_STOP_POLL_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(spending, "_LOOK_SECONDS", 0.01)
    return Store.create(tmp_path / "results")


def heart_of(store: Store, hours: float | None = 100.0) -> Heart:
    pack = Manifest(
        pack="ab", store=str(store.root), grid="g", number=1, backend="inline", code="c0de",
        cells=(a_cell(),), driver=this_driver(host()), max_device_hours=hours,
    )  # fmt: skip
    return Heart(store, pack, "a1", None)


class FailingDisk:
    """`os.listdir` of the folder of a budget, which fails while it shall."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails = threading.Event()
        self.failed = threading.Event()
        self._real = os.listdir
        monkeypatch.setattr(spending.os, "listdir", self)

    def __call__(self, folder: Any) -> list[str]:
        if self.fails.is_set() and Path(folder).name == "spent":
            self.failed.set()
            raise OSError(errno.ESTALE, "Stale file handle")
        return self._real(folder)


def beats_again(store: Store) -> bool:
    """Whether a newer heartbeat is written within some seconds."""
    before = newest_heartbeat(store, "ab")
    for _ in range(500):
        now = newest_heartbeat(store, "ab")
        if before is not None and now is not None and now.at > before.at:
            return True
        threading.Event().wait(0.01)
    return False


def test_a_beat_outlives_a_budget_that_cannot_be_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FailingDisk(monkeypatch)
    with heart_of(store) as heart:
        disk.fails.set()
        assert disk.failed.wait(5.0)
        assert beats_again(store)
        assert not heart.should_stop()
        disk.fails.clear()
        assert heart.may_begin(1.0)


def test_a_request_to_stop_is_heard_though_the_budget_cannot_be_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FailingDisk(monkeypatch)
    with heart_of(store) as heart:
        disk.fails.set()
        assert disk.failed.wait(5.0)
        request_stop(store, "g", 1)
        assert heart.reason() is StopReason.ASKED


def test_nothing_is_begun_with_a_budget_that_cannot_be_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FailingDisk(monkeypatch)
    with heart_of(store) as heart:
        disk.fails.set()
        assert not heart.may_begin(1.0)
        assert heart.reason() is StopReason.BUDGET


def test_a_damaged_file_of_another_worker_is_no_end_of_the_beat(store: Store) -> None:
    folder = store.submission("g", 1) / "spent"
    folder.mkdir(parents=True)
    (folder / "other").write_text("half of a numb")
    with heart_of(store) as heart:
        assert beats_again(store)
        assert not heart.may_begin(None)


def test_a_used_up_budget_ends_a_worker_though_it_cannot_say_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spending, "publish_new", full)
    with heart_of(store, hours=1e-9) as heart:
        assert heart.should_stop()
        assert heart.reason() is StopReason.BUDGET
