"""Forecasts against what then happened: really trained cells of the digits study.

Every round is a store of its own. One seed of each cell is run; then `plan` forecasts the others,
and they are run. A figure is the share of rounds in which the interval held what happened, and how
far off the middle of the interval was.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from harness import Figure, Report, begin, parser, set_exact_environment

ROOT = Path(__file__).resolve().parents[1]
MAIN = "from orchestrator.cli import main; main()"
SEEDS, QUICK_SEEDS = 5, 3
ROUNDS, QUICK_ROUNDS = 10, 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """A forecast and its outcome: each with the ends of its interval."""

    forecast: dict[str, Any]
    device_hours: float
    wall_seconds: float

    def held(self, name: str) -> bool:
        """Whether the interval of "device_hours" or "wall_seconds" held what happened."""
        interval = self.forecast[name]
        return bool(interval["low"] <= getattr(self, name) <= interval["high"])

    def ratio(self, name: str) -> float:
        """What happened over what was expected."""
        return float(getattr(self, name) / self.forecast[name]["expected"])


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    set_exact_environment()
    report = begin("forecast", arguments)
    seeds = QUICK_SEEDS if arguments.quick else SEEDS
    rounds = [one_round(seeds) for _ in range(QUICK_ROUNDS if arguments.quick else ROUNDS)]
    for name in ("device_hours", "wall_seconds"):
        tell(report, name, rounds)
    report.finish(arguments.json)


def tell(report: Report, name: str, rounds: list[Round]) -> None:
    """Add the figures of device-hours, or of clock time."""
    ratios = [one.ratio(name) for one in rounds]
    widths = [one.forecast[name]["high"] / one.forecast[name]["low"] for one in rounds]
    words = name.replace("_", " ")
    report.keep(name, {"took over expected": ratios, "high over low": widths})
    report.add(
        Figure(
            name=f"{words}: rounds inside the 90 % interval",
            value=sum(one.held(name) for one in rounds) / len(rounds),
            unit="",
            note=f"{len(rounds)} rounds",
        )
    )
    off = [abs(math.log(value)) for value in ratios]
    report.add(
        Figure(
            name=f"{words}: off by a factor of",
            value=math.exp(median(off)),
            unit="x",
            low=math.exp(min(off)),
            high=math.exp(max(off)),
            better="lower",
        )
    )


def one_round(seeds: int) -> Round:
    """Measure one seed, forecast the others, run them."""
    with tempfile.TemporaryDirectory() as folder:
        store = ("--store", str(Path(folder) / "results"))
        run = ("run", "digits", *store, "--backend", "ray")
        sparsesweep(*run, "--set", "seeds=1")
        asked = ("--set", f"seeds={seeds}")
        forecast = json.loads(sparsesweep("plan", "digits", *store, *asked, "--json"))["forecast"]
        sparsesweep(*run, *asked)
        took = json.loads(sparsesweep("cost", "digits", *store, "--format", "json"))["outturn"]
        return Round(
            forecast=forecast,
            device_hours=took["device_hours"],
            wall_seconds=took["wall_seconds"],
        )


def sparsesweep(*arguments: str) -> str:
    """Run a command line; what it wrote."""
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


if __name__ == "__main__":
    main()
