"""A real SLURM for the tests of this folder, started once; each test finds it idle and empty."""

from collections.abc import Iterator

import pytest

from tests.support.slurm_cluster import SlurmCluster, own_cluster

CLUSTERS = ("slurm", "slurm_accounting")


@pytest.fixture(scope="session")
def slurm() -> Iterator[SlurmCluster]:
    """Two nodes of four CPUs and two GPUs each, without accounting."""
    yield from own_cluster(accounting=False)


@pytest.fixture(scope="session")
def slurm_accounting() -> Iterator[SlurmCluster]:
    """The same with slurmdbd, so that sacct answers."""
    yield from own_cluster(accounting=True)


@pytest.fixture(autouse=True)
def _own_cluster(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Point this process's own SLURM commands at the test's cluster; empty it afterwards."""
    used = [name for name in CLUSTERS if name in request.fixturenames]
    clusters: list[SlurmCluster] = [request.getfixturevalue(name) for name in used]
    for cluster in clusters:
        monkeypatch.setenv("SLURM_CONF", cluster.environment()["SLURM_CONF"])
    yield
    for cluster in clusters:
        cluster.reset()
