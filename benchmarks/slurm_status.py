"""`sparsesweep status` of 100,000 cells that a real slurmctld carries, as a process of its own.

The cells are in packs of 50 that hold, so that every look asks the queue; results are published for
none, half and all of them in turn, and folded, as workers do. With `--quick` there are 20,000.
"""

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from cluster import ROOT, seconds_of, started_cluster

from grids.cell import Cell
from harness import Arm, Report, begin, interleave, parser, timed
from orchestrator.catalogue import load_catalogue
from orchestrator.planning.packing import Capacity
from orchestrator.planning.request import Planned, Request, plan_request
from orchestrator.running.detached import hand_over
from orchestrator.running.in_job import run_job
from orchestrator.slurm.cluster import Slurm
from orchestrator.slurm.profiles import Profile
from orchestrator.store.compaction import compact
from orchestrator.store.layout import Store
from orchestrator.store.records import Record, new_attempt, publish_batch, timestamp

CELLS, PACK = 100_000, 50
GRID = """
name: many
base: {{dataset: synthetic, model: mlp, recipe: {{epochs: 1}}}}
axes: {{method: [static, set, rigl, gmp, snip], density: [0.02, 0.05, 0.1, 0.2]}}
seeds: {seeds}
"""
POINTS = 20
PROFILE = Profile(name="held", partition="main", concurrency=CELLS, extra={"hold": True})
SETTINGS = {"MaxJobCount": 20_000}
METRICS = {"test_accuracy": 0.9, "val_accuracy": 0.91, "density": 0.05}
MADE_BY = {
    "code": "c0de", "torch": "2.15.0", "host": "node1", "machine": "x86_64", "device": "cpu",
    "engine": "stack", "stack_width": 6, "tier": "exact", "threads": 1, "backend": "slurm",
    "grid": "many", "pack": "ab12", "pack_size": PACK, "seconds": 2.5, "device_seconds": 2.5,
    "memory_mb": 300.0, "resumed_step": 0, "topology_updates": 4,
}  # fmt: skip


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    cells = CELLS // 5 if arguments.quick else CELLS
    with started_cluster(SETTINGS), tempfile.TemporaryDirectory() as folder:
        report = begin("slurm_status", arguments)
        report.machine["scheduler"] = f"slurmctld {Slurm().limits().version}"
        measure(report, Path(folder), cells, rounds=3 if arguments.quick else 9)
    report.finish(arguments.json)


def measure(report: Report, folder: Path, cells: int, *, rounds: int) -> None:
    """Time the command with no cell done, with half of them, and with all."""
    planned = handed_over(folder, cells)
    store = Store.open(planned.request.store)
    done = 0
    for share in (0.0, 0.5, 1.0):
        publish_results(store, planned.grid.cells[done : round(share * cells)])
        done = round(share * cells)
        name = f"status of {cells:,} cells, {done:,} done"
        samples = interleave({name: status(store)}, rounds=rounds)
        report.keep("seconds", samples)
        report.add(seconds_of(name, samples[name], asked=2.0 if cells == CELLS else None))


def handed_over(folder: Path, cells: int) -> Planned:
    """The submission of a grid of so many cells, in packs that hold."""
    grid = folder / "many.yaml"
    grid.write_text(GRID.format(seeds=cells // POINTS), encoding="utf-8")
    planned = plan_request(Request(grid=str(grid), store=folder / "results"))
    planned = replace(planned, capacity=Capacity(slots=cells // PACK, pilots=False))
    hand_over(planned, Slurm(PROFILE), run_job)
    return planned


def publish_results(store: Store, cells: tuple[Cell, ...]) -> None:
    """Publish a record of success for each of these cells, and fold them."""
    catalogue = load_catalogue()
    attempt, moment = new_attempt(), timestamp(time.time())
    records = [
        Record(
            cell=cell.id, attempt=attempt, state="COMPLETED", canonical=cell.canonical(),
            fields=catalogue.fields(cell), started_at=moment, finished_at=moment, metrics=METRICS,
            provenance=MADE_BY,
        )
        for cell in cells
    ]  # fmt: skip
    for start in range(0, len(records), 5000):
        publish_batch(store, [(record, None) for record in records[start : start + 5000]])
    compact(store)


def status(store: Store) -> Arm:
    """An arm that runs the command."""
    code = "from orchestrator.cli import main; main()"
    line = [sys.executable, "-c", code, "status", "many", "--store", str(store.root)]
    return timed(lambda: subprocess.run(line, cwd=ROOT, stdout=subprocess.DEVNULL, check=True))


if __name__ == "__main__":
    main()
