"""A run killed with SIGKILL at any moment, and run again, ends in the same table."""

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
