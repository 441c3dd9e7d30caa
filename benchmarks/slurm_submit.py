"""Submitting 10,000 packs to a real slurmctld: wall time until every task is queued.

Ours: a plan of 10,000 packs of one cell each, from the frozen code over durable manifests and jobs
to arrays that hold; once with the store on the disk, once in memory, for what the disk takes.
Beside it what is below it, in turn: submitit's `map_array` of a function with two texts, cut into
arrays of 1,000 by hand, and bare `sbatch` of ten arrays of the same size. The controller is the
tests' own (root, slurm-wlm and munge are needed), with room for 100,000 jobs and an otherwise
ordinary configuration; nothing ever runs.
"""

import importlib.metadata
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import seconds_of, started_cluster

from harness import Arm, Report, begin, interleave, parser, ratio, timed
from orchestrator.planning.request import Planned, Request, plan_request
from orchestrator.running.detached import hand_over
from orchestrator.running.in_job import run_job
from orchestrator.slurm.cluster import Slurm
from orchestrator.slurm.profiles import Profile
from orchestrator.store.layout import Store
from orchestrator.submissions.jobs import Place, read_batches

if TYPE_CHECKING:
    from tests.support.slurm_cluster import SlurmCluster

PACKS = 10_000
ARRAY = 1000
GRID = """
name: submit
base: {{dataset: synthetic, model: mlp, method: static, density: 0.1, recipe: {{epochs: 1}}}}
seeds: {packs}
"""
PROFILE = Profile(name="held", partition="main", concurrency=PACKS, extra={"hold": True})
SETTINGS = {"MaxJobCount": 100_000, "MinJobAge": 2}
MEMORY = "/dev/shm"
QUEUE_SECONDS = 120.0


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    with (
        started_cluster(SETTINGS) as cluster,
        tempfile.TemporaryDirectory() as disk,
        tempfile.TemporaryDirectory(dir=MEMORY) as memory,
    ):
        report = begin("slurm_submit", arguments)
        submitit = importlib.metadata.version("submitit")
        report.machine["scheduler"] = f"slurmctld {Slurm().limits().version}, submitit {submitit}"
        rounds = 1 if arguments.quick else 3
        measure(report, cluster, Path(disk), Path(memory), rounds=rounds)
    report.finish(arguments.json)


def measure(
    report: Report, cluster: "SlurmCluster", disk: Path, memory: Path, *, rounds: int
) -> None:
    """Time the arms in turn, each into an empty queue."""
    looks: list[float] = []

    def ours(folder: Path) -> float:
        planned = plan(folder)
        seconds = timed(lambda: hand_over(planned, Slurm(PROFILE), run_job))()
        looks.append(timed(lambda: look(planned))())
        return seconds

    arms = {
        "ours": emptied(cluster, lambda: ours(disk)),
        "ours in memory": emptied(cluster, lambda: ours(memory)),
        "submitit": emptied(cluster, timed(lambda: submit_with_submitit(disk))),
        "sbatch": emptied(cluster, timed(submit_with_sbatch)),
    }
    samples = interleave(arms, rounds=rounds, warmup=0)
    report.keep("seconds", samples)
    report.add(seconds_of(f"submitting {PACKS:,} packs", samples["ours"], asked=30.0))
    report.add(seconds_of("the same, store in memory", samples["ours in memory"]))
    report.add(seconds_of("the same by sbatch alone", samples["sbatch"]))
    report.add(ratio("ours over submitit alone", samples["ours"], samples["submitit"]))
    report.add(seconds_of(f"one look at {PACKS:,} queued packs", looks))


def emptied(cluster: "SlurmCluster", arm: Arm) -> Arm:
    """An arm after which the controller forgets what was submitted; that is not timed."""

    def run() -> float:
        seconds = arm()
        queued = len(cluster.run("squeue", "-h", "-r", "-t", "PD", "-o", "%i").splitlines())
        if queued != PACKS:
            raise RuntimeError(f"{queued} of {PACKS} tasks are queued")
        cluster.run("scancel", "--user=root")
        cluster.wait_until(lambda: not cluster.squeue(), QUEUE_SECONDS, "an empty queue")
        return seconds

    return run


def plan(folder: Path) -> Planned:
    """A plan of so many packs, with a store that is not there yet."""
    grid = folder / "submit.yaml"
    grid.write_text(GRID.format(packs=PACKS), encoding="utf-8")
    store = folder / f"results-{time.monotonic_ns()}"
    planned = plan_request(Request(grid=str(grid), store=store))
    return replace(planned, capacity=Slurm(PROFILE).capacity())


def look(planned: Planned) -> None:
    """Ask how every pack of the submission stands."""
    store = Store.open(planned.request.store)
    batches = read_batches(store, planned.grid.name, 1)
    places: list[Place] = [
        (batch.name, element) for batch in batches for element in range(len(batch.packs))
    ]
    found = Slurm(PROFILE).snapshot(places, since=time.time() - 3600)
    if found is None or len(found) != PACKS:
        raise RuntimeError(f"the queue knows {len(found or ())} of {PACKS} packs")


def submit_with_submitit(folder: Path) -> None:
    """What a careful user of submitit writes: arrays as large as the site takes them."""
    from submitit import AutoExecutor

    for number in range(PACKS // ARRAY):
        executor = AutoExecutor(folder / f"submitit-{time.monotonic_ns()}", cluster="slurm")
        executor.update_parameters(
            timeout_min=60,
            slurm_array_parallelism=ARRAY,
            slurm_wckey=None,
            slurm_additional_parameters={"hold": True},
        )
        manifests = [f"/store/grids/submit/1/packs/{number}-{n}.json" for n in range(ARRAY)]
        executor.map_array(print, manifests, [f"ss-0a1b2c3d-a{number}"] * ARRAY)


def submit_with_sbatch() -> None:
    """The controller's share: the same arrays, with neither pickles nor manifests."""
    for _ in range(PACKS // ARRAY):
        command = ["sbatch", "--hold", f"--array=0-{ARRAY - 1}", "--output=/dev/null"]
        subprocess.run([*command, "--wrap=true"], stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
