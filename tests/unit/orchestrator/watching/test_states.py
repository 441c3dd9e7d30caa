"""The state of a cell, from its record and from what its worker said last."""

import os
import time
from pathlib import Path

import pytest

from orchestrator.provenance import host
from orchestrator.store.layout import Store
from orchestrator.submissions.manifest import Driver, Manifest, started, this_driver
from orchestrator.watching.states import State, count_states, state_of
from orchestrator.worker.heartbeat import (
    SILENT_SECONDS,
    Heart,
    Heartbeat,
    Phase,
    newest_heartbeat,
    request_stop,
)

OWN = started(os.getpid()) or 0


def beat(**values: object) -> Heartbeat:
    fields: dict[str, object] = {
        "pack": "p",
        "attempt": "a",
        "phase": Phase.RUNNING,
        "host": host(),
        "pid": os.getpid(),
        "started": OWN,
        "driver": this_driver(host()),
        "at": time.time(),
    }
    return Heartbeat(**{**fields, **values})  # type: ignore[arg-type]


def manifest(store: Store) -> Manifest:
    return Manifest(
        pack="p", store=str(store.root), grid="g", number=1, backend="inline", code="c",
        cells=(), driver=this_driver(host()),
    )  # fmt: skip


def test_without_record_and_heartbeat_a_cell_is_pending() -> None:
    assert state_of("cell", {}, None) is State.PENDING


def test_a_fresh_heartbeat_makes_it_running() -> None:
    assert state_of("cell", {}, beat()) is State.RUNNING


def test_a_worker_that_is_gone_makes_it_lost() -> None:
    assert state_of("cell", {}, beat(started=OWN - 1)) is State.LOST


def test_a_worker_whose_driver_is_gone_makes_it_lost() -> None:
    gone = Driver(host=host(), pid=os.getpid(), started=OWN - 1)
    assert state_of("cell", {}, beat(driver=gone)) is State.LOST


def test_a_worker_that_was_stopped_makes_it_cancelled() -> None:
    assert state_of("cell", {}, beat(phase=Phase.STOPPED)) is State.CANCELLED


def test_a_worker_elsewhere_is_judged_by_the_age_of_its_heartbeat() -> None:
    far = beat(host="elsewhere", at=1000.0)
    assert far.lives(1000.0 + SILENT_SECONDS - 1)
    assert not far.lives(1000.0 + SILENT_SECONDS + 1)


def test_a_heartbeat_survives_its_file() -> None:
    said = beat(label="set density=0.1 seed=0", cells_done=3)
    assert Heartbeat.from_json(said.to_json()) == said


@pytest.mark.parametrize("data", [b"{}", b"[]", b'{"driver": {}}'])
def test_a_damaged_heartbeat_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        Heartbeat.from_json(data)


def test_the_heart_says_how_the_attempt_goes_and_ends(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    with Heart(store, manifest(store), "a1", None) as heart:
        heart.count(failed=True)
        assert not heart.should_stop()
        heart.end(Phase.FINISHED)
    said = newest_heartbeat(store, "p")
    assert said is not None
    assert (said.phase, said.cells_done, said.cells_failed) == (Phase.FINISHED, 1, 1)


def test_a_request_to_stop_reaches_the_heart(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    store.submission("g", 1).mkdir(parents=True)
    request_stop(store, "g", 1)
    with Heart(store, manifest(store), "a1", None) as heart:
        assert heart.should_stop()


def test_the_newest_attempt_speaks_for_a_pack(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    for attempt in ("20260101T000000.000000Z-00000000", "20270101T000000.000000Z-00000000"):
        with Heart(store, manifest(store), attempt, None):
            pass
    said = newest_heartbeat(store, "p")
    assert said is not None
    assert said.attempt.startswith("2027")


def test_states_are_counted_in_a_fixed_order() -> None:
    counted = count_states([State.FAILED, State.COMPLETED, State.FAILED])
    assert list(counted.items()) == [("COMPLETED", 1), ("FAILED", 2)]
