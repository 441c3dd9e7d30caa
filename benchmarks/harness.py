"""Shared by all benchmarks: arms run in turn, medians and ratios, and what they were measured on.

A figure is a ratio of two arms that ran in the same program, A B A B, after a warm-up of each. The
report names the machine, the versions, the thread count and the load. On a machine whose load at
the start exceeds its cores by more than a half, nothing is measured unless `--despite-load` is
given, and then every figure is labelled.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from orchestrator.environment import worker_environment

PACKAGES = ("torch", "ray", "numpy", "pyarrow", "duckdb", "pydantic", "typer")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_CBWR")

Arm = Callable[[], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One measured number beside what was asked of it.

    `better` says on which side of `asked` the figure has to be: "higher" or "lower". `low` and
    `high` are the extremes over the rounds; `note` says what is extrapolated or otherwise special.
    """

    name: str
    value: float
    unit: str
    asked: float | None = None
    better: str = "higher"
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """ "met", "missed", or nothing where nothing was asked."""
        if self.asked is None:
            return ""
        met = self.value >= self.asked if self.better == "higher" else self.value <= self.asked
        return "met" if met else "missed"


@dataclass(kw_only=True, slots=True)
class Report:
    """The figures of one benchmark, the raw samples behind them, and the machine."""

    benchmark: str
    quick: bool
    machine: dict[str, object] = field(default_factory=dict)
    load_before: float = 0.0
    load_after: float = 0.0
    under_load: bool = False
    samples: dict[str, list[float]] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """Append a figure."""
        self.figures.append(figure)

    def keep(self, name: str, samples: Mapping[str, Sequence[float]]) -> None:
        """Keep the raw samples of a measurement, one list per arm."""
        for arm, values in samples.items():
            self.samples[f"{name}/{arm}"] = [round(value, 6) for value in values]

    def finish(self, path: Path | None) -> None:
        """Print the report and, when a path is given, write it there as JSON."""
        self.load_after = os.getloadavg()[0]
        print(self.text())
        if path is not None:
            data = asdict(self)
            for figure, entry in zip(self.figures, data["figures"], strict=True):
                entry["verdict"] = figure.verdict
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")

    def text(self) -> str:
        """The report as people read it."""
        lines = [f"{self.benchmark}{' --quick' if self.quick else ''}"]
        lines += [f"  {key}: {value}" for key, value in self.machine.items()]
        lines.append(
            f"  load: {self.load_before:.2f} before, {self.load_after:.2f} after (ours included)"
        )
        if self.under_load:
            lines.append("  MEASURED UNDER LOAD: these figures say nothing about a quiet machine")
        for name, values in self.samples.items():
            lines.append(f"  {name}: median {statistics.median(values):.4g} of {len(values)}")
        lines += [_line(figure) for figure in self.figures]
        return "\n".join(lines)


def _line(figure: Figure) -> str:
    spread = "" if figure.low is None else f" [{figure.low:.3g} .. {figure.high:.3g}]"
    sign = "at least" if figure.better == "higher" else "at most"
    asked = "" if figure.asked is None else f"  {sign} {figure.asked:g}: {figure.verdict}"
    note = f"  ({figure.note})" if figure.note else ""
    return f"  {figure.name}: {figure.value:.3g}{figure.unit}{spread}{asked}{note}"


def parser(description: str) -> argparse.ArgumentParser:
    """A command line with the options that every benchmark has."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--quick", action="store_true", help="the variant under 3 minutes")
    made.add_argument("--json", type=Path, metavar="PATH", help="also write the report as JSON")
    made.add_argument(
        "--despite-load", action="store_true", help="measure on a busy machine, labelled"
    )
    return made


def begin(benchmark: str, arguments: argparse.Namespace) -> Report:
    """Describe the machine and check its load.

    Raises:
        SystemExit: with status 3, when the machine is busy and `--despite-load` was not given.
    """
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    busy = load > cores + 0.5
    if busy and not arguments.despite_load:
        print(f"load {load:.2f} on {cores} cores: too busy to measure (or give --despite-load)")
        sys.exit(3)
    return Report(
        benchmark=benchmark,
        quick=arguments.quick,
        machine=describe_machine(),
        load_before=load,
        under_load=busy,
    )


def describe_machine() -> dict[str, object]:
    """Processor, cores, memory, versions and thread settings, as text and numbers."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    threads = {name: os.environ.get(name, "unset") for name in THREAD_VARIABLES}
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": " ".join(f"{name}=={version}" for name, version in versions.items()),
        "threads": " ".join(f"{name}={value}" for name, value in threads.items()),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def interleave(
    arms: Mapping[str, Arm], *, rounds: int, warmup: int = 1, turns: int = 1
) -> dict[str, list[float]]:
    """Run every arm `warmup` times, then measure `rounds` rounds.

    In a round the arms take turns, A B A B, `turns` times each; a round's sample of an arm is the
    sum of what its turns returned. Short turns make sure that a disturbance hits all arms.
    """
    for _ in range(warmup):
        for arm in arms.values():
            arm()
    samples: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds):
        sums = dict.fromkeys(arms, 0.0)
        for _ in range(turns):
            for name, arm in arms.items():
                sums[name] += arm()
        for name, total in sums.items():
            samples[name].append(total)
    return samples


def timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> Arm:
    """Turn work into an arm that returns its seconds by the given clock.

    Use `time.process_time` for claims about one core: it does not count what others run.
    """

    def arm() -> float:
        start = clock()
        work()
        return clock() - start

    return arm


def ratio(
    name: str,
    above: Sequence[float],
    below: Sequence[float],
    *,
    asked: float | None = None,
    note: str = "",
) -> Figure:
    """The figure `above / below`: the median of the rounds' ratios, and their extremes."""
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    return Figure(
        name=name, value=statistics.median(ratios), unit="x", asked=asked,
        low=min(ratios), high=max(ratios), note=note,
    )  # fmt: skip


def set_exact_environment() -> None:
    """Set one thread and the exact tier's numerics; call it before torch is imported."""
    os.environ.update(worker_environment(1))
