"""Progress: heartbeats summed up, and told in lines where there is no terminal."""

import io
import re
import time

from orchestrator.heartbeat import Heartbeat, Phase
from orchestrator.manifest import Driver
from orchestrator.progress import Lines, Snapshot, make_display, snapshot_of

DRIVER = Driver(host="h", pid=1, started=1)


def beat(phase: Phase = Phase.RUNNING, **values: object) -> Heartbeat:
    fields: dict[str, object] = {
        "pack": "p", "attempt": "a", "phase": phase, "host": "h", "pid": 1, "started": 1,
        "driver": DRIVER, "at": 100.0, "cells_total": 4,
    }  # fmt: skip
    return Heartbeat(**{**fields, **values})  # type: ignore[arg-type]


def snapshot(done: int) -> Snapshot:
    return Snapshot(
        done=done, failed=0, total=8, packs_running=1, packs_total=2, fraction=done / 8, labels=()
    )


def test_running_cells_count_in_part() -> None:
    beats = {
        "a": beat(Phase.FINISHED, cells_done=4, cells_failed=1),
        "b": beat(step=50, total_steps=100, label="set"),
        "c": None,
    }
    found = snapshot_of(beats, 12, since=0.0)
    assert (found.done, found.failed, found.packs_running, found.packs_total) == (4, 1, 1, 3)
    assert found.fraction == (4 + 2) / 12
    assert found.labels == ("set",)


def test_heartbeats_of_an_earlier_run_do_not_count() -> None:
    found = snapshot_of({"a": beat(cells_done=4)}, 4, since=time.time())
    assert (found.done, found.packs_running) == (0, 0)


def test_a_log_gets_one_timestamped_line_for_a_burst_of_news() -> None:
    stream = io.StringIO()
    lines = make_display(stream)
    assert isinstance(lines, Lines)
    for done in (1, 2, 3):
        lines.show(snapshot(done))
    [line] = stream.getvalue().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d 1 of 8 cells done, 12% of the work, .*", line)
