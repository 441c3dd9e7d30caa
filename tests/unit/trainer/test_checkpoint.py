"""Checkpoint files: whole or not there."""

import pytest
import torch

from trainer.checkpoint import CheckpointClock, read_states, write_checkpoint

ORIGIN = {"torch": "2.15", "processor": "AVX512", "code": "abc"}


def test_the_newest_state_of_each_cell_is_found(tmp_path):
    old = write_checkpoint(tmp_path / "a", 1, ORIGIN, {"x": {"step": 1}, "y": {"step": 1}})
    new = write_checkpoint(tmp_path / "b", 1, ORIGIN, {"x": {"step": 5}})
    assert read_states([new, old], ["x", "y", "z"], ORIGIN) == {"x": {"step": 5}, "y": {"step": 1}}


def test_the_previous_file_is_kept_and_older_ones_go(tmp_path):
    for number in range(1, 5):
        write_checkpoint(tmp_path, number, ORIGIN, {"x": {"step": number}})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000003.pt", "00000004.pt"]


def test_a_failed_write_leaves_the_previous_file_whole(tmp_path, monkeypatch):
    path = write_checkpoint(tmp_path, 1, ORIGIN, {"x": {"step": 1}})

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainer.checkpoint.os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(tmp_path, 2, ORIGIN, {"x": {"step": 2}})
    assert read_states(sorted(tmp_path.glob("*.pt"), reverse=True), ["x"], ORIGIN) == {
        "x": {"step": 1}
    }
    assert path.exists()


@pytest.mark.parametrize("changed", ["torch", "processor", "code"])
def test_a_state_made_by_something_else_is_passed_over(changed, tmp_path, caplog):
    path = write_checkpoint(tmp_path, 1, ORIGIN, {"x": {"step": 1}})
    assert read_states([path], ["x"], {**ORIGIN, changed: "other"}) == {}
    assert "passed over: made by" in caplog.text


class Trap:
    def __reduce__(self):
        return (print, ("executed",))


@pytest.mark.parametrize("content", [b"", b"no checkpoint", {"format": 99, "cells": {}}, Trap()])
def test_what_is_not_a_checkpoint_is_passed_over_and_never_executed(
    content, tmp_path, caplog, capsys
):
    path = tmp_path / "00000001.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    assert read_states([path], ["x"], ORIGIN) == {}
    assert "passed over" in caplog.text
    assert capsys.readouterr().out == ""


def test_checkpoints_take_at_most_a_hundredth_of_the_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("trainer.checkpoint.time.monotonic", lambda: now[0])
    clock = CheckpointClock(minutes=1.0, steps=None)
    assert not clock.due(1)
    now[0] = 60.0
    assert clock.due(2)
    clock.written(10.0)
    now[0] = 1049.0
    assert not clock.due(3)
    now[0] = 1050.0
    assert clock.due(4)
