"""No-op cells: what one cell costs besides its training, Ray already started on both sides.

Ours: 1,000 cells through plan, packs, the ray backend and its workers to durable records and
compacted tables, with a trainer that publishes an outcome at once. The peers: Ray Tune trials that
return at once, with `reuse_actors` and with the defaults, each in a process of its own so that no
setting of ours reaches it. Rates are cells per second of wall time, Ray's start not included.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grids.cell import Cell
from harness import Arm, begin, interleave, parser, ratio
from orchestrator.backends.base import PackEnd
from orchestrator.backends.ray_tune import RayTune
from orchestrator.planning.request import Request, plan_request
from orchestrator.running.launching import launch
from orchestrator.running.progress import Snapshot

if TYPE_CHECKING:
    from trainer.outcome import Outcome, PackReport, PackRequest

GRID = """
name: noop
base: {{dataset: synthetic, model: mlp, method: static, density: 0.1, recipe: {{epochs: 1}}}}
seeds: {cells}
"""


HERE = Path(__file__).resolve().parent
SETTLE = 5.0
"""Seconds that every arm leaves Ray after its start, so that its idle workers are there."""


class NoopRay(RayTune):
    """The ray backend as it is, except that its workers train nothing."""

    def run(self, manifests: Sequence[Path], **options: Any) -> list[PackEnd]:
        """Hand the no-op trainer to the workers."""
        return super().run(manifests, trainer=train_nothing, **options)


class Silent:
    """A display that shows nothing."""

    def show(self, snapshot: Snapshot) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing was opened."""


def train_nothing(
    cells: Sequence[Cell], *, publish: Callable[["Outcome"], None], request: "PackRequest"
) -> "PackReport":
    """Publish a completed outcome for every cell, with the metrics that a real one has."""
    from trainer.outcome import Outcome, PackReport

    for cell in cells:
        now = time.time()
        outcome = Outcome(
            cell=cell, state="COMPLETED", metrics={"test_accuracy": 0.5, "test_loss": 1.0},
            started_at=now, finished_at=now, engine="none", stack_width=0,
            seconds=0.0, device_seconds=0.0, memory_mb=0.0,
        )  # fmt: skip
        publish(outcome)
    return PackReport(finished=len(cells), stopped=False, seconds=0.0)


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    report = begin("noop_cells", arguments)
    sizes = {"ours": 1000, "tune reuse_actors": 300, "tune defaults": 60}
    if arguments.quick:
        sizes |= {"tune reuse_actors": 150, "tune defaults": 12}
    environment = dict(os.environ)
    arms: dict[str, Arm] = {
        "ours": lambda: sizes["ours"] / seconds_of_ours(sizes["ours"]),
        "tune reuse_actors": lambda: rate_of_tune(
            sizes["tune reuse_actors"], environment, "--reuse-actors"
        ),
        "tune defaults": lambda: rate_of_tune(sizes["tune defaults"], environment),
    }
    seconds_of_ours(10)
    samples = interleave(arms, rounds=1 if arguments.quick else 3, warmup=0)
    report.keep("cells per second", samples)
    for peer, asked in (("tune reuse_actors", 20.0), ("tune defaults", 100.0)):
        name = f"rate of {sizes['ours']} no-op cells over {sizes[peer]} of {peer}"
        report.add(ratio(name, samples["ours"], samples[peer], asked=asked))
    report.finish(arguments.json)


def rate_of_tune(cells: int, environment: dict[str, str], *flags: str) -> float:
    """Cells per second of a peer."""
    script = [sys.executable, "-m", "peers.tune_noop", f"--cells={cells}", f"--settle={SETTLE}"]
    done = subprocess.run(
        [*script, *flags], cwd=HERE, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    seconds: float = json.loads(done.stdout.splitlines()[-1])
    return cells / seconds


def seconds_of_ours(cells: int) -> float:
    """Wall seconds from reading the grid to compacted tables; every cell must have results."""
    ray = RayTune()
    ray.prepare(slots=os.cpu_count() or 1, threads=1)
    time.sleep(SETTLE)
    try:
        with tempfile.TemporaryDirectory() as folder:
            grid = Path(folder) / "noop.yaml"
            grid.write_text(GRID.format(cells=cells), encoding="utf-8")
            start = time.perf_counter()
            planned = plan_request(Request(grid=str(grid), store=Path(folder) / "results"))
            result = launch(planned, NoopRay(), display=Silent, on_stop=lambda: None)
            seconds = time.perf_counter() - start
    finally:
        ray.close()
    if result.completed != cells:
        raise RuntimeError(f"{result.completed} of {cells} no-op cells have results")
    return seconds


if __name__ == "__main__":
    main()
