"""A training step of truly sparse layers against masked dense ones and against SET in SciPy.

The network is 3072-4000-1000-4000-10 at batch 128, float32, SGD with momentum and weight decay, all
layers at the same density. The three arms begin alike and run in turn; the masked arm must end with
the same weights, or nothing is reported. Seconds are CPU seconds of this process on one thread. The
memory of the sparse arm is measured as `truly_sparse_memory.py` does.

Two cells of that network, one with `recipe.storage: csr`, then take turns in the trainer's own
loop, batches and bookkeeping included.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from harness import Arm, Report, begin, interleave, parser, ratio, set_exact_environment, timed

if TYPE_CHECKING:
    from sparse_arms import MaskedArm, OurArm
    from trainer.engines.base import Engine

WIDTHS, BATCH = (3072, 4000, 1000, 4000, 10), 128
STEPS = 5
"""Steps of an arm in one turn."""
ASKED = {"0.05": 4.0, "0.01": 15.0}
"""What the step has to gain over masked dense, by density."""
ASKED_OVER_SCIPY = 8.0
CELLS = """
name: truly-sparse-step
base:
  dataset: {{name: synthetic, examples: 10000, features: 3072, classes: 10}}
  model: {{name: mlp, hidden: [4000, 1000, 4000]}}
  method: static
  allocation: uniform
  density: {density}
  recipe: {{epochs: 1, batch: 128, lr: 0.01, momentum: 0.9, weight_decay: 2.0e-4}}
  recipe.storage: {storage}
"""
"""One epoch has more steps than are taken, so that none of them evaluates."""


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    set_exact_environment()
    from truly_sparse_memory import measure as measure_memory

    report = begin("truly_sparse_step", arguments)
    for density in ("0.3", "0.2", "0.1", "0.05", "0.02", "0.01"):
        measure(report, density, rounds=3 if arguments.quick else 9)
    for density in ASKED:
        measure_cells(report, density, rounds=3 if arguments.quick else 9)
    measure_memory(report, quick=arguments.quick)
    report.finish(arguments.json)


def measure(report: Report, density: str, *, rounds: int) -> None:
    """Step all arms in turn at one density."""
    import torch

    from sparse_arms import MaskedArm, OurArm, as_numpy, made_batch, scipy_arm, sparse_mlp

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    generator = torch.Generator().manual_seed(0)
    ours = OurArm(sparse_mlp(WIDTHS, density, generator))
    batch = made_batch(WIDTHS[0], WIDTHS[-1], BATCH, generator)
    masked, published = MaskedArm(ours), scipy_arm(ours)
    arms = {
        "masked dense": steps_of(lambda: masked.step(batch)),
        "SET in SciPy": steps_of(lambda: published.step(*as_numpy(batch))),
        "ours": steps_of(lambda: ours.step(batch)),
    }
    samples = interleave(arms, rounds=rounds)
    refuse_different(ours, masked)
    add_figures(report, density, samples)


def measure_cells(report: Report, density: str, *, rounds: int) -> None:
    """Step a masked and a truly sparse cell in turn, as the trainer does."""
    import torch

    from blocks import advance, cells_of, make_loop

    torch.set_flush_denormal(False)  # as in a worker
    engines = {"masked": "stack", "csr": "csr"}
    loops = {
        storage: make_loop(cells_of(CELLS.format(density=density, storage=storage)), engine)
        for storage, engine in engines.items()
    }
    arms = {
        f"{storage} cell": timed(partial(advance, loop, STEPS), time.process_time)
        for storage, loop in loops.items()
    }
    samples = interleave(arms, rounds=rounds)
    refuse_different_cells(loops["masked"].engine, loops["csr"].engine)
    report.keep(f"{STEPS} steps of a cell at density {density}", samples)
    name = f"step of a csr cell at density {density} over the masked cell"
    asked = ASKED[density]
    report.add(ratio(name, samples["masked cell"], samples["csr cell"], asked=asked))


def steps_of(step: Callable[[], object]) -> Arm:
    """An arm of some steps, one after another as in training."""

    def work() -> None:
        for _ in range(STEPS):
            step()

    return timed(work, time.process_time)


def add_figures(report: Report, density: str, samples: dict[str, list[float]]) -> None:
    """Keep the samples of one density and add its two ratios."""
    from peers.scipy_set import gradient_loop

    name = f"step at density {density}"
    report.keep(f"{STEPS} steps at density {density}", samples)
    ours = samples["ours"]
    report.add(
        ratio(f"{name} over masked dense", samples["masked dense"], ours, asked=ASKED.get(density))
    )
    report.add(
        ratio(
            f"{name} over SET in SciPy",
            samples["SET in SciPy"],
            ours,
            asked=ASKED_OVER_SCIPY if density in ASKED else None,
            note=f"its gradient loop by {gradient_loop()}",
        )
    )


def refuse_different(ours: "OurArm", masked: "MaskedArm") -> None:
    """Raise unless both arms, after equally many steps, hold the same weights."""
    import torch

    for layer, linear in zip(ours.net.layers, masked.linears, strict=True):
        expected = linear.weight.detach()
        torch.testing.assert_close(layer.to_dense(), expected, atol=1e-4, rtol=1e-3)


def refuse_different_cells(masked: "Engine", csr: "Engine") -> None:
    """Raise unless both cells, after equally many steps, hold the same weights."""
    import torch

    expected = masked.weights(0)
    for name, weight in csr.weights(0).items():
        torch.testing.assert_close(weight.to_dense(), expected[name], atol=1e-4, rtol=1e-3)


if __name__ == "__main__":
    main()
