"""`auto` against the better engine by name: it must not lose to it.

Whole packs of fast-tier cells, where both engines are legal. A short pack tells which engine is the
better one; then it and `auto` take turns. Seconds are CPU seconds of this process and include what
`auto` spends on trying.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import (
    Arm,
    Report,
    begin,
    interleave,
    parser,
    ratio,
    set_exact_environment,
    timed,
)

if TYPE_CHECKING:
    from grids.cell import Cell

CASE = """
name: auto-engine
base: {{dataset: {{name: synthetic, examples: 2048, features: {features}}}, method: static,
       density: 0.1, model: {{name: mlp, hidden: {hidden}}},
       recipe: {{epochs: {epochs}, tier: fast}}}}
seeds: {cells}
"""
ASKED = 0.98
ENGINES = ("solo", "stack")


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Cells of one shape, and epochs enough for a pack of some seconds."""

    name: str
    features: int
    hidden: list[int]
    cells: int
    epochs: int

    def grid(self, epochs: int) -> tuple["Cell", ...]:
        """Its cells, trained for that many epochs."""
        from blocks import cells_of

        text = CASE.format(
            features=self.features, hidden=self.hidden, cells=self.cells, epochs=epochs
        )
        return cells_of(text)


CASES = (
    Case(name="tiny MLP 64-32-10, 16 cells", features=64, hidden=[32], cells=16, epochs=80),
    Case(name="MLP 64-256-256-10, 24 cells", features=64, hidden=[256, 256], cells=24, epochs=10),
    Case(name="MLP 784-1024-512-10, 8 cells", features=784, hidden=[1024, 512], cells=8, epochs=2),
)


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    set_exact_environment()
    report = begin("auto_engine", arguments)
    for case in CASES:
        measure(report, case, rounds=3 if arguments.quick else 7)
    report.finish(arguments.json)


def measure(report: Report, case: Case, *, rounds: int) -> None:
    """Run a pack with the better engine and with `auto`, in turn."""
    short = case.grid(max(1, case.epochs // 8))
    trial = interleave({name: seconds_of(short, name) for name in ENGINES}, rounds=2, warmup=1)
    best = min(trial, key=lambda name: min(trial[name]))
    cells = case.grid(case.epochs)
    samples = interleave({name: seconds_of(cells, name) for name in (best, "auto")}, rounds=rounds)
    report.keep(case.name, trial | samples)
    name = f"rate of auto over {best}, {case.name}"
    report.add(ratio(name, samples[best], samples["auto"], asked=ASKED))


def seconds_of(cells: Sequence["Cell"], engine: str) -> Arm:
    """An arm that runs these cells as one pack; it fails when one of them does."""
    from trainer.outcome import Outcome, PackRequest
    from trainer.run import run_pack

    def publish(outcome: Outcome) -> None:
        if outcome.state != "COMPLETED":
            raise RuntimeError(f"{outcome.cell.label()}: {outcome.error}")

    # As many slots as cores: the fast tier then takes one thread.
    request = PackRequest(engine=engine, slots=os.cpu_count() or 1)
    return timed(lambda: run_pack(cells, publish=publish, request=request), time.process_time)


if __name__ == "__main__":
    main()
