"""The digits grid end to end, against the same grid by hand as one Ray Tune trial per cell.

{static, set} x {0.05, 0.1, 0.2} x seeds, 20 epochs, 64-256-256-10. Every arm is a whole process and
its wall time: Python, imports, the start of Ray, training, results on disk. Ours goes through the
command line into a fresh store; the peers are `peers/tune_digits.py` with Tune's defaults and with
`reuse_actors`. Only the catalogue is there beforehand, as it is after anybody's first command.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import Arm, Figure, Report, begin, interleave, parser, ratio

HERE = Path(__file__).resolve().parent
GRID = """
name: digits-benchmark
base: {{dataset: digits, model: {{name: mlp, hidden: [256, 256]}}, recipe: {{epochs: 20}}}}
axes: {{method: [static, set], density: [0.05, 0.1, 0.2]}}
seeds: {seeds}
"""
POINTS = 6
"""Methods x densities: cells per seed."""

ACCURACY_APART = 0.02
"""How far the arms' mean test accuracies may lie apart before the comparison is void."""


class Accuracies:
    """The mean test accuracy of every arm, so that a fast arm that trains nothing is found out."""

    def __init__(self) -> None:
        self._seen: dict[str, list[float]] = {}

    def note(self, arm: str, accuracy: float) -> None:
        """Remember what one run of an arm reached."""
        self._seen.setdefault(arm, []).append(accuracy)

    def means(self) -> dict[str, float]:
        """The mean per arm; RuntimeError when they lie too far apart to be one task."""
        means = {arm: sum(values) / len(values) for arm, values in self._seen.items()}
        if max(means.values()) - min(means.values()) > ACCURACY_APART:
            raise RuntimeError(f"the arms do not train alike: {means}")
        return means


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    report = begin("digits_grid", arguments)
    accuracies = Accuracies()
    rounds = 1 if arguments.quick else 3
    warm_up()
    measure_24(report, accuracies, rounds)
    if not arguments.quick:
        measure_240(report, accuracies, rounds)
    for arm, accuracy in accuracies.means().items():
        report.add(Figure(name=f"mean test accuracy, {arm}", value=100 * accuracy, unit=" %"))
    report.finish(arguments.json)


def warm_up() -> None:
    """Build the catalogue, and have every file that the arms load read once."""
    with tempfile.TemporaryDirectory() as folder:
        sparsesweep(Path(folder), "plan", 1)
    code = "import ray.tune, torch, torch.optim, sklearn.datasets"
    subprocess.run([sys.executable, "-c", code], check=True)


def measure_24(report: Report, accuracies: Accuracies, rounds: int) -> None:
    """24 cells: all three arms in turn."""
    seeds = 24 // POINTS
    arms = {
        "ours": ours(seeds, accuracies),
        "tune reuse_actors": tune(seeds, accuracies, "--reuse-actors"),
        "tune defaults": tune(seeds, accuracies),
    }
    samples = interleave(arms, rounds=rounds, warmup=0)
    report.keep("24 cells", samples)
    for peer, asked in (("tune defaults", 8.0), ("tune reuse_actors", 1.4)):
        report.add(ratio(f"24 cells over {peer}", samples[peer], samples["ours"], asked=asked))


def measure_240(report: Report, accuracies: Accuracies, rounds: int) -> None:
    """240 cells against `reuse_actors`; Tune's defaults are extrapolated from 24 and 48 cells."""
    seeds = 240 // POINTS
    arms = {
        "ours": ours(seeds, accuracies),
        "tune reuse_actors": tune(seeds, accuracies, "--reuse-actors"),
        "tune defaults, 48 cells": tune(48 // POINTS, accuracies),
    }
    samples = interleave(arms, rounds=max(1, rounds - 1), warmup=0)
    report.keep("240 cells", samples)
    report.add(
        ratio(
            "240 cells over tune reuse_actors",
            samples["tune reuse_actors"],
            samples["ours"],
            asked=2.5,
        )
    )
    at_24 = report.samples["24 cells/tune defaults"]
    defaults = [
        extrapolated(small, large)
        for small, large in zip(at_24, samples["tune defaults, 48 cells"], strict=False)
    ]
    name = "240 cells over tune defaults"
    note = "its 240 cells extrapolated linearly from its 24 and 48"
    report.add(ratio(name, defaults, samples["ours"], asked=30.0, note=note))


def extrapolated(at_24: float, at_48: float) -> float:
    """Seconds for 240 cells on the line through the seconds for 24 and for 48."""
    return at_24 + (at_48 - at_24) / 24 * (240 - 24)


def ours(seeds: int, accuracies: Accuracies) -> Arm:
    """`sparsesweep run` into a fresh store."""

    def arm() -> float:
        with tempfile.TemporaryDirectory() as folder:
            seconds = sparsesweep(Path(folder), "run", seeds, "--backend", "ray")
            accuracies.note("ours", mean_accuracy(Path(folder) / "results", seeds * POINTS))
        return seconds

    return arm


def sparsesweep(folder: Path, verb: str, seeds: int, *flags: str) -> float:
    """Wall seconds of one command on the grid, its file and its store in a folder."""
    grid = folder / "digits-benchmark.yaml"
    grid.write_text(GRID.format(seeds=seeds), encoding="utf-8")
    code = "from orchestrator.cli import main; main()"
    command = [sys.executable, "-c", code, verb, str(grid), "--store", "results", *flags]
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def mean_accuracy(store: Path, cells: int) -> float:
    """The mean test accuracy in a store's results; RuntimeError when a cell is missing."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(store / "tables" / "results.parquet")
    accuracies = [value for value in table["test_accuracy"].to_pylist() if value is not None]
    if len(accuracies) != cells:
        raise RuntimeError(f"{len(accuracies)} of {cells} cells have results")
    return sum(accuracies) / len(accuracies)


def tune(seeds: int, accuracies: Accuracies, *flags: str) -> Arm:
    """The grid by hand, one Tune trial per cell."""
    script = [sys.executable, "-m", "peers.tune_digits", "--seeds", str(seeds), *flags]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}

    def arm() -> float:
        start = time.perf_counter()
        done = subprocess.run(
            script, cwd=HERE, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        seconds = time.perf_counter() - start
        summary = json.loads(done.stdout.splitlines()[-1])
        if summary["failed"] or summary["cells"] != seeds * POINTS:
            raise RuntimeError(f"the peer lost cells: {summary}")
        accuracies.note(" ".join(("tune", *flags)), summary["mean_test_accuracy"])
        return seconds

    return arm


if __name__ == "__main__":
    main()
