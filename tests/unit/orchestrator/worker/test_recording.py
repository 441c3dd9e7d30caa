"""Publishing records: a full disk pauses a worker and costs no record; other faults are told."""

import errno
from pathlib import Path
from typing import Any

import pytest

from orchestrator.store.layout import Store
from orchestrator.store.records import Record, read_hot, timestamp
from orchestrator.worker import recording
from orchestrator.worker.recording import Publisher
from tests.support.cells import make_cell
from tests.support.records import METRICS, PROVENANCE, attempt


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def record(seed: int) -> Record:
    cell = make_cell(seed=seed)
    return Record(
        cell=cell.id, attempt=attempt(1), state="COMPLETED", canonical=cell.canonical(), fields={},
        started_at=timestamp(1.0), finished_at=timestamp(2.0), metrics=METRICS, layers=[],
        curve=False, error=None, supersedes=(), provenance=PROVENANCE,
    )  # fmt: skip


def failing(monkeypatch: pytest.MonkeyPatch, number: int, times: int) -> list[float]:
    """Have the disk refuse so many times; the pauses that were made."""
    real, left, pauses = recording.publish_batch, [times], list[float]()

    def publish(*given: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OSError(number, "no room")
        return real(*given)

    monkeypatch.setattr(recording, "publish_batch", publish)
    monkeypatch.setattr(recording.time, "sleep", pauses.append)
    return pauses


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_what_finds_no_room_is_written_when_there_is_some(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    pauses = failing(monkeypatch, number, times=3)
    with Publisher(store) as publisher:
        publisher.put(record(0), None)
        publisher.put(record(1), None)
    assert pauses == [1.0, 2.0, 4.0]
    assert len(read_hot(store)) == 2


def test_a_disk_that_stays_full_is_told_in_the_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, errno.ENOSPC, times=1000)
    monkeypatch.setattr(recording, "FULL_DISK_SECONDS", 0.0)
    with pytest.raises(OSError, match="no room"), Publisher(store) as publisher:
        publisher.put(record(0), None)


def test_another_fault_is_told_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = failing(monkeypatch, errno.EIO, times=1)
    with pytest.raises(OSError, match="no room"), Publisher(store) as publisher:
        publisher.put(record(0), None)
    assert pauses == []
