"""A network of 1,000,000 hidden neurons in some training steps and a topology update.

1000-500,000-500,000-10 with 10 x (inputs + outputs) active weights in a layer (the epsilon of SET),
float32, SGD with momentum, a batch of 32 made-up examples, one thread. It prints seconds per step
and the highest resident memory of the process, Python and torch included. As dense float32 tensors
the weights alone would take 1 TB.
"""

import statistics
import time
from itertools import pairwise

from harness import Figure, Report, begin, parser, set_exact_environment

WIDTHS, EPSILON, BATCH = (1000, 500_000, 500_000, 10), 10, 32
RATE = 2e-5
"""A learning rate that half a million inputs of the last layer stand."""
MEMORY = 24.0
"""GiB that the machine may have."""


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    set_exact_environment()
    report = begin("million_neurons", arguments)
    measure(report, steps=5 if arguments.quick else 30)
    report.finish(arguments.json)


def measure(report: Report, *, steps: int) -> None:
    """Train, update the topology once, train again, and read the kernel's count of memory."""
    import torch

    from resident import peak
    from sparse.csr.evolution import evolve
    from sparse.csr.mlp import SparseMLP
    from sparse_arms import OurArm, made_batch

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    generator = torch.Generator().manual_seed(0)
    counts = [min(EPSILON * (i + o), i * o) for i, o in pairwise(WIDTHS)]
    arm = OurArm(SparseMLP.random(WIDTHS, counts, generator, fan_in="active"), RATE)
    batch = made_batch(WIDTHS[0], WIDTHS[-1], BATCH, generator)
    losses, seconds = [], []
    for step in range(steps):
        start = time.process_time()
        losses.append(float(arm.step(batch)))
        seconds.append(time.process_time() - start)
        if step == steps // 2:
            start = time.process_time()
            moved = sum(evolve(layer, arm.optimizer, 0.3, generator) for layer in arm.net.layers)
            updating = time.process_time() - start
    if not losses[-1] < losses[0]:
        raise RuntimeError(f"the network does not learn: its losses are {losses}")
    report.keep("step", {"ours": seconds})
    weights = sum(counts)
    report.add(
        Figure(
            name="seconds per step", value=statistics.median(seconds), unit=" s",
            low=min(seconds), high=max(seconds),
            note=f"{weights:,} active weights, batch {BATCH}, loss {losses[0]:.2f} to"
            f" {losses[-1]:.2f}",
        )
    )  # fmt: skip
    report.add(
        Figure(name="topology update", value=updating, unit=" s", note=f"{moved:,} weights moved")
    )
    report.add(
        Figure(
            name="highest resident memory", value=peak() / 2**30, unit=" GiB", asked=MEMORY,
            better="lower",
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
