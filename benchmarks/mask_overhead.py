"""What a mask costs: a static cell's loop against the same loop with no mask.

The two run in turn in short chunks; seconds are CPU seconds of this process; the figure is the
median of the rounds. For stacks the loop without a mask is the same engine whose optimizer got no
masks; for the convnet it is the dense cell, which `solo` does not mask.
"""

import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness import (
    Figure,
    Report,
    begin,
    interleave,
    parser,
    set_exact_environment,
    timed,
)

if TYPE_CHECKING:
    from trainer.loop import BlockLoop

MLP = """
name: mask-overhead
base: {{dataset: digits, model: {{name: mlp, hidden: [256, 256]}}, method: {method}, density: 0.1,
       recipe: {{epochs: 2000}}}}
seeds: {cells}
"""
CONVNET = """
name: mask-overhead-convnet
base: {{dataset: digits, model: convnet, method: {method}, {density}
       recipe: {{epochs: 200, batch: 32}}}}
seeds: 1
"""
TURNS = 20
"""Chunks per arm and round: short enough that a disturbance hits both arms."""


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    set_exact_environment()
    report = begin("mask_overhead", arguments)
    # Chunks of about 50 ms each, whatever the width.
    for cells, steps, asked in ((1, 300, 4.0), (24, 20, 4.0), (60, 8, 7.0)):
        measure_stack(report, cells, 1 + steps // (3 if arguments.quick else 1), asked)
    measure_convnet(report, 8 if arguments.quick else 24)
    report.finish(arguments.json)


def measure_stack(report: Report, cells: int, steps: int, asked: float) -> None:
    """The digits MLP 64-256-256-10, N cells as one stack."""
    from blocks import cells_of, make_loop
    from unmasked import UnmaskedStack

    grid = cells_of(MLP.format(method="static", cells=cells))
    masked, unmasked = make_loop(grid, "stack"), make_loop(grid, UnmaskedStack)
    add_overhead(report, f"digits MLP, N = {cells}", (masked, unmasked), steps, asked)


def measure_convnet(report: Report, steps: int) -> None:
    """The small convnet at batch 32, one cell as a module."""
    from blocks import cells_of, make_loop

    static = cells_of(CONVNET.format(method="static", density="density: 0.1,"))
    dense = cells_of(CONVNET.format(method="dense", density=""))
    loops = (make_loop(static, "solo"), make_loop(dense, "solo"))
    add_overhead(report, "convnet, batch 32", loops, steps, 2.0)


def add_overhead(
    report: Report, name: str, loops: Sequence["BlockLoop"], steps: int, asked: float
) -> None:
    """Time both loops in turn and add the percentage by which the first is slower."""
    from blocks import advance

    masked, unmasked = loops
    samples = interleave(
        {
            "masked": timed(lambda: advance(masked, steps), time.process_time),
            "no mask": timed(lambda: advance(unmasked, steps), time.process_time),
        },
        rounds=5,
        turns=TURNS,
    )
    report.keep(name, samples)
    pairs = zip(samples["masked"], samples["no mask"], strict=True)
    percent = [100.0 * (with_mask / without - 1.0) for with_mask, without in pairs]
    figure = Figure(
        name=f"mask overhead, {name}",
        value=statistics.median(percent),
        unit=" %",
        asked=asked,
        better="lower",
        low=min(percent),
        high=max(percent),
    )
    report.add(figure)


if __name__ == "__main__":
    main()
