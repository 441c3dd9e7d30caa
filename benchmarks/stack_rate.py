"""`stack` against the same cells one after another: step rate per cell, one thread.

64 cells of the MLP 64-32-10 at batch 32 on the digits, each with a static mask. Seconds are CPU
seconds of this process, over whole epochs with their evaluation.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial

from harness import Arm, Report, begin, interleave, parser, ratio, set_exact_environment, timed

CELLS, BATCH = 64, 32
GRID = f"""
name: stack-rate
base: {{dataset: digits, model: {{name: mlp, hidden: [32]}}, method: static, density: 0.1,
       recipe: {{epochs: 1000, batch: {BATCH}}}}}
seeds: {CELLS}
"""


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    set_exact_environment()
    report = begin("stack_rate", arguments)
    measure(report, epochs=1 if arguments.quick else 4, rounds=3 if arguments.quick else 7)
    report.finish(arguments.json)


def measure(report: Report, *, epochs: int, rounds: int) -> None:
    """Step all cells for some epochs: as one stack, as stacks of one, as modules, by hand."""
    from blocks import advance, cells_of, make_loop
    from peers.digits_by_hand import PlainCell

    cells = cells_of(GRID)
    together = make_loop(cells, "stack")
    alone = [make_loop([cell], "stack") for cell in cells]
    modules = [make_loop([cell], "solo") for cell in cells]
    by_hand = [PlainCell(widths=(64, 32, 10), density=0.1, seed=seed) for seed in range(CELLS)]
    steps = epochs * together.engine.workload.steps_per_epoch

    arms = {
        "stack": step_all([partial(advance, together)], steps),
        "stacks of one": step_all([partial(advance, loop) for loop in alone], steps),
        "solo": step_all([partial(advance, loop) for loop in modules], steps),
        "by hand": step_all([cell.advance for cell in by_hand], steps),
    }
    samples = interleave(arms, rounds=rounds)
    report.keep("64 cells", samples)
    for peer, asked in (("by hand", 8.0), ("solo", 8.0), ("stacks of one", None)):
        name = f"step rate per cell, stack of 64 over {peer}"
        report.add(ratio(name, samples[peer], samples["stack"], asked=asked))


def step_all(programs: Sequence[Callable[[int], None]], steps: int) -> Arm:
    """An arm that advances programs one after another, each by that many steps."""

    def work() -> None:
        for program in programs:
            program(steps)

    return timed(work, time.process_time)


if __name__ == "__main__":
    main()
