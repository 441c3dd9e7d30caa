"""Progress: heartbeats summed up, told as a bar on a terminal and in lines elsewhere."""

import io
import re
import time
from dataclasses import replace

import pytest

from orchestrator.running.progress import Bar, Lines, Snapshot, make_display, snapshot_of
from orchestrator.submissions.manifest import Driver
from orchestrator.worker.heartbeat import Heartbeat, Phase

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
        "b": beat(cells_running=2, step=50, total_steps=100, label="set"),
        "c": None,
    }
    found = snapshot_of(beats, 12, since=0.0)
    assert (found.done, found.failed, found.packs_running, found.packs_total) == (4, 1, 1, 3)
    assert found.fraction == (4 + 1) / 12
    assert found.labels == ("set",)


def test_a_pack_of_several_blocks_never_goes_backwards() -> None:
    told = [
        beat(cells_running=1, step=90, total_steps=100),
        beat(cells_done=1, cells_running=0, step=90, total_steps=100),
        beat(cells_done=1, cells_running=1, step=10, total_steps=100),
    ]
    fractions = [snapshot_of({"a": said}, 4, since=0.0).fraction for said in told]
    assert fractions == [0.225, 0.25, 0.275]


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


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_that_is_redrawn_and_taken_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    bar = make_display(stream)
    assert isinstance(bar, Bar)
    bar.show(replace(snapshot(0), packs_running=0))
    bar.show(replace(snapshot(3), failed=1, labels=("set [0.1]", "rigl", "third")))
    bar.close()
    written = stream.getvalue()
    assert "3/8 cells, 1 failed" in written
    assert "38%" in written
    assert "set [0.1] | rigl" in written
    assert "third" not in written
    assert written.rstrip().endswith("\x1b[2K")


def test_a_bar_says_that_workers_start_until_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    bar = Bar(stream)
    bar.show(replace(snapshot(0), packs_running=0))
    bar.close()
    assert "starting workers" in stream.getvalue()
    assert "0/8" not in stream.getvalue()
