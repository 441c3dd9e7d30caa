"""Bytes per active weight of truly sparse training: steady, in a step, and in a topology update.

A process of its own trains a network 1000-N-N-10 by SGD with momentum, nearly all of whose active
weights lie in one layer, so that nothing is spread over layers. Measured is resident memory, by the
kernel's count, above that of the same process before the network was made: between two steps,
gradients included; at the highest in a step at batch 8; and at the highest in a topology update.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from harness import Figure, Report, begin, parser, set_exact_environment

STEADY, EVOLVING = 36.0, 72.0
"""Bytes per active weight that are asked: between steps, and at the peak of an update."""
FIGURES = {"between steps": STEADY, "peak of a step, batch 8": None, "peak of an update": EVOLVING}


def main() -> None:
    """Measure and report; as a child, measure and print JSON."""
    made = parser(__doc__ or "")
    made.add_argument("--child", type=int, metavar="N", help="measure here, for a width of N")
    arguments = made.parse_args()
    if arguments.child:
        print(json.dumps(bytes_per_weight(arguments.child)))
        return
    set_exact_environment()
    report = begin("truly_sparse_memory", arguments)
    measure(report, quick=arguments.quick)
    report.finish(arguments.json)


def measure(report: Report, *, quick: bool) -> None:
    """Let a child measure and add its figures."""
    from resident import MMAP_EVERYTHING

    command = [sys.executable, __file__, "--child", "10000" if quick else "30000"]
    here = Path(__file__).resolve().parent
    # Under PYTHONSAFEPATH a script does not find what lies beside it.
    path = os.pathsep.join([str(here.parent), str(here), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, **MMAP_EVERYTHING, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    for name, asked in FIGURES.items():
        figure = Figure(
            name=f"bytes per active weight, {name}",
            value=found[name],
            unit=" B",
            asked=asked,
            better="lower",
            note=f"{found['weights'] / 1e6:.1f} M active weights",
        )
        report.add(figure)


def bytes_per_weight(width: int) -> dict[str, float]:
    """Train and update a network; bytes per active weight, and how many weights there were."""
    import torch

    from resident import forget_peak, peak, resident
    from sparse.csr.evolution import evolve
    from sparse_arms import OurArm, made_batch, sparse_mlp

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    batch = made_batch(1000, 10, 8, generator)
    small = OurArm(sparse_mlp((1000, 50, 50, 10), "0.1", generator))  # loads what is loaded late
    small.step(batch)
    evolve(small.net.layers[1], small.optimizer, 0.3, generator)
    before = resident()
    arm = OurArm(sparse_mlp((1000, width, width, 10), "0.01", generator))
    weights = sum(len(layer.values) for layer in arm.net.layers)
    for _ in range(2):
        arm.step(batch)
    found = {"between steps": float(resident() - before)}
    forget_peak()
    arm.step(batch)
    found["peak of a step, batch 8"] = float(peak() - before)
    forget_peak()
    for layer in arm.net.layers:
        evolve(layer, arm.optimizer, 0.3, generator)
    found["peak of an update"] = float(peak() - before)
    return {**{name: size / weights for name, size in found.items()}, "weights": float(weights)}


if __name__ == "__main__":
    main()
