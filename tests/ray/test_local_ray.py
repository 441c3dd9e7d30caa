"""The local Ray that the ray backend starts: seen from the outside."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

START = """
from orchestrator.backends.ray_tune import RayTune

backend = RayTune()
backend.prepare(slots=2, threads=1)
backend._tune.join()
import psutil  # Ray brings it along and makes it importable
"""

LISTENERS = """
own = psutil.Process()
print([
    connection.laddr.ip
    for process in [own, *own.children(recursive=True)]
    for connection in process.net_connections("inet")
    if connection.status == psutil.CONN_LISTEN
])
backend.close()
"""

TRIALS = """
import os, tempfile, time
from ray import tune

def waiting():
    children = psutil.Process().children(recursive=True)
    return {p.pid for p in children if "ray::IDLE" in " ".join(p.cmdline())}

deadline = time.monotonic() + 60
while len(waiting()) < 2 and time.monotonic() < deadline:
    time.sleep(0.2)
ahead = waiting()

class Where(tune.Trainable):
    def step(self):
        return {"pid": os.getpid(), "done": True}

with tempfile.TemporaryDirectory() as folder:
    results = tune.Tuner(
        tune.with_resources(Where, {"cpu": 1}),
        param_space={"n": tune.grid_search([0, 1])},
        run_config=tune.RunConfig(storage_path=folder, verbose=0),
    ).fit()
print([sorted(ahead), sorted(results[n].metrics["pid"] for n in range(2))])
backend.close()
"""


def said_by(script: str) -> Any:
    """The last line that a script printed in a process of its own, as data."""
    done = subprocess.run(
        [sys.executable, "-c", START + script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout.splitlines()[-1])


@pytest.mark.ray
@pytest.mark.slow
def test_every_server_of_it_listens_on_loopback_only() -> None:
    addresses = said_by(LISTENERS)
    assert len(addresses) >= 3
    assert set(addresses) <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}


@pytest.mark.ray
@pytest.mark.slow
def test_trials_run_in_the_workers_that_were_waiting() -> None:
    ahead, used = said_by(TRIALS)
    assert len(ahead) == 2
    assert set(used) <= set(ahead)
