"""A run killed or interrupted at any moment, and run again, ends in the same table."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "orchestrator.cli")
EVERYTHING = (
    "SELECT cell, state, test_accuracy, test_loss, val_loss, train_loss, topology_updates "
    "FROM results ORDER BY cell"
)


LONG = """\
name: long
base:
  dataset: digits
  model: {name: mlp, hidden: [64]}
  recipe: {epochs: 300}
  method.update_every: 50
  density: 0.2
axes:
  method: [dense, static, snip, gmp, set, rigl]
"""


def call(*arguments: object) -> str:
    """Run a command to its end; what it printed."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers(store: Path) -> list[dict[str, object]]:
    return list(json.loads(call("query", EVERYTHING, "--format", "json", "--store", store)))


def kill_after(seconds: float, *arguments: object) -> None:
    """Start a command in a session of its own and kill the whole of it after some time."""
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)


def interrupt_in_training(store: Path, *arguments: object) -> int:
    """Start a command, send it SIGINT once a worker has told of its steps; its exit code."""
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        while process.poll() is None and not steps_told(store):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        return process.wait(timeout=60)


def steps_told(store: Path) -> int:
    """The optimizer steps of which a heartbeat in the store tells."""
    files = store.glob("logs/*/*.heartbeat.json")
    return max((json.loads(file.read_bytes())["step"] for file in files), default=0)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, object]], str]:
    store = tmp_path_factory.mktemp("undisturbed") / "results"
    call("run", "digits_ci", "--backend", "inline", "--store", store)
    return answers(store), call("table", "digits_ci", "--format", "csv", "--store", store)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.2, 1.0, 2.0, 3.0, 4.0])
def test_a_killed_inline_run_goes_on(
    seconds: float, undisturbed: tuple[list[dict[str, object]], str], tmp_path: Path
) -> None:
    command = ("run", "digits_ci", "--backend", "inline", "--store", tmp_path / "results")
    kill_after(seconds, *command)
    kill_after(seconds / 2, *command)
    call(*command)
    assert answers(tmp_path / "results") == undisturbed[0]
    table = call("table", "digits_ci", "--format", "csv", "--store", tmp_path / "results")
    assert table == undisturbed[1]


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1.0, 8.0, 11.0])
def test_a_killed_ray_run_goes_on(
    seconds: float, undisturbed: tuple[list[dict[str, object]], str], tmp_path: Path
) -> None:
    command = ("run", "digits_ci", "--backend", "ray", "--store", tmp_path / "results")
    kill_after(seconds, *command)
    call(*command)
    assert answers(tmp_path / "results") == undisturbed[0]
    table = call("table", "digits_ci", "--format", "csv", "--store", tmp_path / "results")
    assert table == undisturbed[1]


@pytest.mark.slow
def test_an_interrupted_inline_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    grid, store, whole = tmp_path / "long.yaml", tmp_path / "results", tmp_path / "whole"
    grid.write_text(LONG)
    command = ("run", grid, "--backend", "inline", "--slots", "1")
    assert interrupt_in_training(store, *command, "--store", store) == 130
    assert len(answers(store)) < 6
    call(*command, "--store", store)
    call(*command, "--store", whole)
    assert answers(store) == answers(whole)
    resumed = json.loads(
        call("query", "SELECT max(resumed_step) AS step FROM results", "--format", "json",
             "--store", store)
    )  # fmt: skip
    assert resumed[0]["step"] > 0
