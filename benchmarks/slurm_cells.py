"""What one more cell costs in a pack that SLURM carries, beyond its own training.

Packs of 50 and of 550 tiny cells run in turn on a real slurmctld. The difference of the workers'
wall times is divided by 500; and so it is less the difference of what the records say the cells
themselves took.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import started_cluster

from harness import Figure, Report, begin, parser
from orchestrator.planning.packing import Capacity
from orchestrator.planning.request import Request, plan_request
from orchestrator.running.detached import hand_over
from orchestrator.running.in_job import run_job
from orchestrator.slurm.cluster import Slurm
from orchestrator.slurm.profiles import Profile
from orchestrator.store.index import load_index
from orchestrator.store.layout import Store
from orchestrator.submissions.submission import manifest_paths
from orchestrator.worker.heartbeat import Phase, newest_heartbeat

if TYPE_CHECKING:
    from tests.support.slurm_cluster import SlurmCluster

SHORT, LONG = 50, 550
GRID = """
name: cells
base:
  dataset: {{name: synthetic, examples: 64, features: 4}}
  model: {{name: mlp, hidden: [4]}}
  method: static
  density: 0.5
  recipe: {{epochs: 1, batch: 32}}
seeds: {cells}
"""
PROFILE = Profile(name="main", partition="main", time_minutes=30)
LONGEST_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Took:
    """How long a worker was at a pack, and how much of it its cells trained, in seconds."""

    wall: float
    trained: float


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    with started_cluster({"MinJobAge": 2}) as cluster:
        report = begin("slurm_cells", arguments)
        report.machine["scheduler"] = f"slurmctld {Slurm().limits().version}"
        measure(report, cluster, rounds=1 if arguments.quick else 5)
    report.finish(arguments.json)


def measure(report: Report, cluster: "SlurmCluster", *, rounds: int) -> None:
    """Run packs of both lengths in turn, each in a store of its own."""
    walls: list[float] = []
    beyond: list[float] = []
    for _ in range(rounds):
        short, long = run_pack_of(cluster, SHORT), run_pack_of(cluster, LONG)
        wall = 1000 * (long.wall - short.wall) / (LONG - SHORT)
        walls.append(wall)
        beyond.append(wall - 1000 * (long.trained - short.trained) / (LONG - SHORT))
    report.keep("milliseconds", {"wall": walls, "beyond training": beyond})
    report.add(milliseconds_of("one more tiny cell in a pack, its training included", walls, 50.0))
    report.add(milliseconds_of("the same beyond its training", beyond))


def milliseconds_of(name: str, values: Sequence[float], asked: float | None = None) -> Figure:
    """The median of times, and their extremes."""
    return Figure(
        name=name, value=statistics.median(values), unit=" ms", asked=asked, better="lower",
        low=min(values), high=max(values),
    )  # fmt: skip


def run_pack_of(cluster: "SlurmCluster", cells: int) -> Took:
    """Have SLURM carry one pack of so many cells, and wait for its end."""
    with tempfile.TemporaryDirectory() as folder:
        grid = Path(folder) / "cells.yaml"
        grid.write_text(GRID.format(cells=cells), encoding="utf-8")
        planned = plan_request(Request(grid=str(grid), store=Path(folder) / "results"))
        hand_over(
            replace(planned, capacity=Capacity(slots=1, pilots=False)), Slurm(PROFILE), run_job
        )
        took = awaited(Store.open(Path(folder) / "results"))
        cluster.wait_until(lambda: not cluster.squeue(), LONGEST_SECONDS, "the job to end")
        return took


def awaited(store: Store) -> Took:
    """What the only pack of a store took, once its worker has ended."""
    [path] = manifest_paths(store, "cells", 1)
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end:
        beat = newest_heartbeat(store, path.stem)
        if beat is not None and beat.phase is Phase.FINISHED:
            began = datetime.strptime(beat.attempt.split("-")[0], "%Y%m%dT%H%M%S.%fZ")
            seconds = [state.answer.seconds or 0.0 for state in load_index(store).values()]
            return Took(wall=beat.at - began.replace(tzinfo=UTC).timestamp(), trained=sum(seconds))
        time.sleep(0.1)
    raise RuntimeError(f"the pack did not end in {LONGEST_SECONDS:.0f} s")


if __name__ == "__main__":
    main()
