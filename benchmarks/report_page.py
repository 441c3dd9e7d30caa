"""`sparsesweep report` of 5,000 cells, a process of its own: seconds, and megabytes of the page.

Ten methods by ten densities by fifty seeds; one in fifty failed, one in fifty is to come; each has
a curve of 20 epochs and the densities of 6 layers; the records are folded, as workers do. With
`--quick` there are 1,000 cells.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grids.cell import Cell, Component
from harness import Arm, Figure, Report, begin, interleave, parser, timed
from orchestrator.store.compaction import compact
from orchestrator.store.layout import Store
from orchestrator.store.records import Curve, Record, publish_batch, timestamp
from orchestrator.submissions.submission import Submission, publish_submission

ROOT = Path(__file__).resolve().parents[1]
METHODS = (
    "acdc", "gmp", "grasp", "itop", "rigl", "set", "snip", "static", "synflow", "top_kast",
)  # fmt: skip
DENSITIES = ("0.01", "0.02", "0.03", "0.05", "0.07", "0.1", "0.2", "0.3", "0.5", "0.7")
SEEDS, EPOCHS, LAYERS = 50, 20, 6
ASKED_SECONDS, ASKED_MEGABYTES = 10.0, 10.0
MADE_BY = {
    "code": "c0de", "torch": "2.15.0", "host": "node1", "machine": "x86_64", "device": "cpu",
    "engine": "stack", "stack_width": 6, "tier": "exact", "threads": 1, "backend": "slurm",
    "grid": "many", "pack": "ab12", "pack_size": 50, "seconds": 2.5, "device_seconds": 2.5,
    "memory_mb": 300.0, "resumed_step": 0, "topology_updates": 4,
}  # fmt: skip
ERROR = {
    "type": "RuntimeError", "message": "the loss is not finite", "signature": "f00d",
    "traceback": "Traceback ...", "phase": "training",
}  # fmt: skip


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    report = begin("report_page", arguments)
    seeds = SEEDS // 5 if arguments.quick else SEEDS
    with tempfile.TemporaryDirectory() as folder:
        measure(report, Path(folder), cells_of(seeds), rounds=3 if arguments.quick else 7)
    report.finish(arguments.json)


def measure(report: Report, folder: Path, cells: list[Cell], *, rounds: int) -> None:
    """Time the command, and weigh what it wrote."""
    store, page = store_of(folder / "results", cells), folder / "page.html"
    name = f"report of {len(cells):,} cells"
    samples = interleave({name: command(store, page)}, rounds=rounds)
    report.keep("seconds", samples)
    asked = len(cells) == len(METHODS) * len(DENSITIES) * SEEDS
    found = sorted(samples[name])
    report.add(
        Figure(
            name=name, value=found[len(found) // 2], unit=" s", low=found[0], high=found[-1],
            asked=ASKED_SECONDS if asked else None, better="lower",
        )
    )  # fmt: skip
    report.add(
        Figure(
            name=f"page of {len(cells):,} cells", value=page.stat().st_size / 1e6, unit=" MB",
            asked=ASKED_MEGABYTES if asked else None, better="lower",
        )
    )  # fmt: skip


def cells_of(seeds: int) -> list[Cell]:
    """The cells of the grid."""
    return [
        Cell(
            method=Component(name=method), density=density, dataset=Component(name="digits"),
            model=Component(name="mlp"), recipe=(("epochs", EPOCHS),), seed=seed,
        )
        for method in METHODS
        for density in DENSITIES
        for seed in range(seeds)
    ]  # fmt: skip


def store_of(folder: Path, cells: list[Cell]) -> Store:
    """A store with one submission of these cells and what came of them, folded."""
    store = Store.create(folder)
    text = "name: many\ndescription: Which method keeps its accuracy?\nbase: {dataset: digits}\n"
    publish_submission(
        store,
        Submission(
            grid="many", number=1, source="/somewhere/many.yaml", text=text, overrides=(),
            backend="slurm", slots=1, data_root=None, code="c0de", submitted_at=timestamp(0.0),
            cells=cells,
        ),
    )  # fmt: skip
    ended = [outcome(place, cell) for place, cell in enumerate(cells) if place % 50 != 1]
    for start in range(0, len(ended), 1000):
        publish_batch(store, ended[start : start + 1000])
    compact(store)
    return store


def outcome(place: int, cell: Cell) -> tuple[Record, Curve | None]:
    """What came of a cell: results and a curve, or for one in fifty a failure."""
    failed = place % 50 == 0
    accuracy = 0.97 - 0.1 * (1 - float(cell.density)) ** 4 - (place * 7919 % 97) / 5000
    moment = time.time()
    record = Record(
        cell=cell.id, attempt=f"20261120T120000.{place:06d}Z-00000000",
        state="FAILED" if failed else "COMPLETED", canonical=cell.canonical(),
        fields={
            "method": cell.method.name, "density": cell.density, "allocation": "erk",
            "scenario": "clean", "dataset": "digits", "data_ratio": "1", "model": "mlp",
            **{f"recipe.{name}": value for name, value in cell.settings().items()},
            "seed": cell.seed,
        },
        started_at=timestamp(moment), finished_at=timestamp(moment + 1),
        metrics={} if failed else {"test_accuracy": accuracy, "test_loss": 1 - accuracy},
        layers=[] if failed else layers_of(cell), curve=not failed,
        error=ERROR if failed else None, provenance=MADE_BY,
    )  # fmt: skip
    return record, None if failed else curve_to(accuracy)


def layers_of(cell: Cell) -> list[dict[str, object]]:
    """Layers with the cell's density."""
    active = round(10_000 * float(cell.density))
    return [
        {"layer": f"fc{n}", "shape": [100, 100], "total": 10_000, "active": active}
        for n in range(LAYERS)
    ]


def curve_to(accuracy: float) -> Curve:
    """A training curve that ends at this accuracy."""
    epochs = range(1, EPOCHS + 1)
    return {
        "epoch": [float(epoch) for epoch in epochs],
        "step": [float(45 * epoch) for epoch in epochs],
        "train_loss": [1.0 / epoch for epoch in epochs],
        "val_accuracy": [accuracy * epoch / EPOCHS for epoch in epochs],
        "lr": [0.1 for _ in epochs],
    }


def command(store: Store, page: Path) -> Arm:
    """An arm that runs the command."""
    code = "from orchestrator.cli import main; main()"
    line = [sys.executable, "-c", code, "report", "many", "-o", str(page)]
    line += ["--store", str(store.root)]
    return timed(lambda: subprocess.run(line, cwd=ROOT, stderr=subprocess.DEVNULL, check=True))


if __name__ == "__main__":
    main()
