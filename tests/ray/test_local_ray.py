"""The local Ray that the ray backend starts: seen from the outside."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LISTENERS = """
from orchestrator.backends.ray_tune import RayTune

backend = RayTune()
backend.prepare(slots=1, threads=1)
backend._tune.join()
import psutil  # Ray brings it along and makes it importable

own = psutil.Process()
addresses = [
    connection.laddr.ip
    for process in [own, *own.children(recursive=True)]
    for connection in process.net_connections("inet")
    if connection.status == psutil.CONN_LISTEN
]
backend.close()
print(sorted(set(addresses)))
print(len(addresses))
"""


@pytest.mark.ray
@pytest.mark.slow
def test_every_server_of_it_listens_on_loopback_only() -> None:
    said = subprocess.run(
        [sys.executable, "-c", LISTENERS], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert said.returncode == 0, said.stderr
    addresses, count = said.stdout.splitlines()[-2:]
    assert int(count) >= 3
    assert addresses in (
        "['127.0.0.1']",
        "['127.0.0.1', '::ffff:127.0.0.1']",
        "['::ffff:127.0.0.1']",
    )
