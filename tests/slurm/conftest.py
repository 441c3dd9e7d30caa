"""A real SLURM for the tests of this folder; where none can be started, they say why."""

import os
from collections.abc import Iterator

import pytest

from tests.support.slurm_cluster import SlurmCluster, missing


@pytest.fixture(scope="session")
def slurm_session() -> Iterator[SlurmCluster]:
    """The cluster itself, started once."""
    reason = missing()
    if reason is not None:
        (pytest.fail if os.environ.get("CI", "").lower() == "true" else pytest.skip)(reason)
    with SlurmCluster() as cluster:
        yield cluster


@pytest.fixture
def slurm(slurm_session: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    """The cluster, idle and empty, with this process's commands talking to it."""
    monkeypatch.setenv("SLURM_CONF", slurm_session.environment()["SLURM_CONF"])
    yield slurm_session
    slurm_session.cancel_all()
    slurm_session.restore()
