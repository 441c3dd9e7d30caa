"""Start-up and planning times: whole processes, wall time, median of the rounds.

`--help` and `status` of a store with results, `plan` of 10,000 cells with the catalogue cached, and
the expansion of a grid file into 100,000 cells, reading, checking and ids included.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from grids.grid import build_grid, read_grid
from harness import Arm, Figure, Report, begin, interleave, parser, timed
from orchestrator.catalogue import load_catalogue

GRID = """
name: startup-{cells}
base: {{dataset: synthetic, model: mlp, recipe: {{epochs: 1}}}}
axes: {{method: [static, set, rigl, gmp, snip], density: [0.02, 0.05, 0.1, 0.2, 0.5]}}
seeds: {seeds}
"""
POINTS = 25
SMALL = """
name: startup-results
base: {dataset: synthetic, model: mlp, method: static, recipe: {epochs: 1}}
axes: {density: [0.1, 0.2]}
seeds: 2
"""


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    report = begin("startup", arguments)
    with tempfile.TemporaryDirectory() as folder:
        measure(report, arguments, Path(folder))
    report.finish(arguments.json)


def measure(report: Report, arguments: argparse.Namespace, folder: Path) -> None:
    """Time the commands in turn, in a folder of their own."""
    small, planned, expanded = (
        folder / f"{name}.yaml" for name in ("small", "planned", "expanded")
    )
    small.write_text(SMALL, encoding="utf-8")
    planned.write_text(GRID.format(cells=10_000, seeds=10_000 // POINTS), encoding="utf-8")
    expanded.write_text(GRID.format(cells=100_000, seeds=100_000 // POINTS), encoding="utf-8")
    command(folder, "run", "small.yaml", "--backend", "inline")()
    arms: dict[str, tuple[float, Arm]] = {
        "sparsesweep --help": (1.0, command(folder, "--help")),
        "sparsesweep status": (1.0, command(folder, "status")),
        "sparsesweep plan, 10,000 cells": (1.5, command(folder, "plan", "planned.yaml")),
        "expanding 100,000 cells": (3.0, timed(lambda: expand(expanded))),
    }
    rounds = 3 if arguments.quick else 9
    samples = interleave({name: arm for name, (_, arm) in arms.items()}, rounds=rounds)
    report.keep("seconds", samples)
    for name, (asked, _) in arms.items():
        values = samples[name]
        figure = Figure(
            name=name,
            value=statistics.median(values),
            unit=" s",
            asked=asked,
            better="lower",
            low=min(values),
            high=max(values),
        )
        report.add(figure)


def command(folder: Path, *arguments: str) -> Arm:
    """An arm that runs one sparsesweep command as a process of its own."""
    line = [sys.executable, "-c", "from orchestrator.cli import main; main()", *arguments]
    return timed(lambda: subprocess.run(line, cwd=folder, stdout=subprocess.DEVNULL, check=True))


def expand(path: Path) -> None:
    """Read a grid file and make all its cells and their ids."""
    grid = build_grid(read_grid(path), load_catalogue())
    ids = {cell.id for cell in grid.cells}
    if len(ids) != 100_000:
        raise RuntimeError(f"expanded {len(ids)} cells, not 100,000")


if __name__ == "__main__":
    main()
