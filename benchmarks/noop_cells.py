"""No-op cells: what one cell costs besides its training, Ray already started on both sides.

Ours: 1,000 cells through plan, packs, the ray backend and its workers to durable records and
compacted tables, with a trainer that publishes an outcome at once. The peers: Ray Tune trials that
return at once, with `reuse_actors` and with the defaults. Rates are cells per second of wall time.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grids.cell import Cell
from harness import Arm, Report, begin, interleave, parser, ratio
from orchestrator.backends.base import PackEnd
from orchestrator.backends.ray_tune import RayTune
from orchestrator.launching import launch
from orchestrator.planning import Request, plan_request
from orchestrator.progress import Snapshot
from peers.local_ray import start_ray
from peers.tune_noop import seconds_for

if TYPE_CHECKING:
    from trainer.outcome import Outcome, PackReport, PackRequest

GRID = """
name: noop
base: {{dataset: synthetic, model: mlp, method: static, density: 0.1, recipe: {{epochs: 1}}}}
seeds: {cells}
"""


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
    start_ray()
    sizes = {"ours": 1000, "tune reuse_actors": 100 if arguments.quick else 300}
    sizes["tune defaults"] = 12 if arguments.quick else 60
    arms: dict[str, Arm] = {
        "ours": lambda: sizes["ours"] / seconds_of_ours(sizes["ours"]),
        "tune reuse_actors": lambda: rate_of_tune(sizes["tune reuse_actors"], reuse_actors=True),
        "tune defaults": lambda: rate_of_tune(sizes["tune defaults"], reuse_actors=False),
    }
    seconds_of_ours(10)
    samples = interleave(arms, rounds=1 if arguments.quick else 3, warmup=0)
    report.keep("cells per second", samples)
    add_figures(report, samples, sizes)
    report.finish(arguments.json)


def add_figures(report: Report, samples: dict[str, list[float]], sizes: dict[str, int]) -> None:
    """The rate of ours over that of each peer."""
    for peer, asked in (("tune reuse_actors", 20.0), ("tune defaults", 100.0)):
        name = f"rate of {sizes['ours']} no-op cells over {sizes[peer]} of {peer}"
        report.add(ratio(name, samples["ours"], samples[peer], asked=asked))


def rate_of_tune(cells: int, *, reuse_actors: bool) -> float:
    """Cells per second of a peer."""
    return cells / seconds_for(cells, reuse_actors=reuse_actors)


def seconds_of_ours(cells: int) -> float:
    """Wall seconds from reading the grid to compacted tables; every cell must have results."""
    with tempfile.TemporaryDirectory() as folder:
        grid = Path(folder) / "noop.yaml"
        grid.write_text(GRID.format(cells=cells), encoding="utf-8")
        start = time.perf_counter()
        planned = plan_request(Request(grid=str(grid), store=Path(folder) / "results"))
        result = launch(planned, NoopRay(), display=Silent, on_stop=lambda: None)
        seconds = time.perf_counter() - start
    if result.completed != cells:
        raise RuntimeError(f"{result.completed} of {cells} no-op cells have results")
    return seconds


if __name__ == "__main__":
    main()
