"""The tests' own SLURM, for benchmarks that need a real scheduler."""

import os
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness import Figure

if TYPE_CHECKING:
    from tests.support.slurm_cluster import SlurmCluster

ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def started_cluster(settings: Mapping[str, object]) -> Iterator["SlurmCluster"]:
    """A controller and two nodes, for this process's commands too.

    Args:
        settings: Lines of slurm.conf that replace or join the usual ones.

    Raises:
        SystemExit: With status 3, where it cannot be started.
    """
    sys.path.insert(0, str(ROOT))  # the tests are no package that is installed
    from tests.support.slurm_cluster import SlurmCluster, missing

    reason = missing()
    if reason is not None:
        print(reason)
        sys.exit(3)
    with SlurmCluster(settings=settings) as cluster:
        os.environ["SLURM_CONF"] = cluster.environment()["SLURM_CONF"]
        yield cluster


def seconds_of(name: str, values: Sequence[float], asked: float | None = None) -> Figure:
    """The median of times, and their extremes."""
    return Figure(
        name=name,
        value=statistics.median(values),
        unit=" s",
        asked=asked,
        better="lower",
        low=min(values),
        high=max(values),
    )
