"""Adversarial training and robust evaluation of a ResNet-18 against a plain research script.

512 made-up images of CIFAR's shape; both train and test on parts of them, on one core of a CPU
(CPU seconds of this process) or on one GPU, in turn. Three ratios, apart: a training step under
PGD-10; an evaluation under PGD-20, where the script computes the gradients of the weights too; and
the published recipe of 200 epochs with an evaluation of 15,000 images after each, against ours with
one every 20 epochs and at the end, computed from the two.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from harness import Arm, Figure, Report, begin, interleave, parser, ratio, timed

if TYPE_CHECKING:
    from torch import Tensor

    from trainer.loop import BlockLoop

GRID = """
name: adversarial-rate
base:
  dataset: {{name: synthetic_images, examples: 512, val_fraction: 0.1, test_fraction: 0.1}}
  model: resnet18
  method: static
  density: 0.1
  scenario: adversarial
  recipe: {{epochs: 1000, batch: {batch}, nesterov: true, tier: fast, precision: {precision},
           layout: {layout}}}
"""
HALF, FULL = ("bf16", "channels_last"), ("fp32", "contiguous")
TRAIN_STEPS, TEST_STEPS = 10, 20
POOL, EPOCHS, TESTED = 45_000, 200, 15_000
"""Training images, epochs and images of val and test in the published recipe for CIFAR."""
BETWEEN = 20
"""Epochs between two of our robust evaluations."""


def main() -> None:
    """Measure and report."""
    command = parser(__doc__ or "")
    command.add_argument("--device", default="cpu", help="cpu, or a CUDA device")
    arguments = command.parse_args()
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    report = begin("adversarial_rate", arguments)
    measure(report, arguments)
    report.finish(arguments.json)


def measure(report: Report, arguments: argparse.Namespace) -> None:
    """Add the three ratios, the same in float32, and the share of evaluation."""
    import torch

    from blocks import advance
    from peers.plain_adversarial import PlainAdversary
    from trainer.network import Network

    device = arguments.device
    batch = (16 if arguments.quick else 64) if device == "cpu" else 128
    half, full = (_cell(device, batch, *how) for how in (HALF, FULL))
    torch.set_num_threads(1)
    workload = full.engine.workload
    network = Network(workload.build_model(0), workload.bundle, workload.recipe, device)
    script = PlainAdversary(network, 0.1)
    train = workload.bundle.train
    images, labels = train.inputs[:batch].float() / 255.0, train.targets[:batch]
    work = {
        "train/cell, bf16": lambda: advance(half, 1),
        "train/cell, float32": lambda: advance(full, 1),
        "train/script": lambda: script.train(images, labels, TRAIN_STEPS),
        "evaluate/cell, bf16": lambda: _evaluate(half, images, labels),
        "evaluate/cell, float32": lambda: _evaluate(full, images, labels),
        "evaluate/script": lambda: script.evaluate(images, labels, TEST_STEPS),
    }
    arms = {name: _settled(run, device) for name, run in work.items()}
    samples = interleave(arms, rounds=3 if arguments.quick else 5)
    report.keep("seconds", samples)
    _add_ratios(report, list(samples.values()))


def _add_ratios(report: Report, seconds: Sequence[Sequence[float]]) -> None:
    train, train_full, train_script, test, test_full, test_script = seconds
    name = f"training step under PGD-{TRAIN_STEPS}"
    report.add(ratio(f"{name}, bf16 over the script", train_script, train, asked=1.8))
    report.add(ratio(f"{name}, float32 over the script", train_script, train_full))
    name = f"evaluation under PGD-{TEST_STEPS}"
    report.add(ratio(f"{name}, bf16 over the script", test_script, test, asked=1.8))
    report.add(ratio(f"{name}, float32 over the script", test_script, test_full))
    for share in (1.0, 0.5, 0.3):
        theirs = [
            _recipe(t, e, share, EPOCHS) for t, e in zip(train_script, test_script, strict=True)
        ]
        ours = [_recipe(t, e, share, EPOCHS // BETWEEN) for t, e in zip(train, test, strict=True)]
        note = "computed from the two above"
        name = f"the published recipe, data ratio {share:g}"
        report.add(ratio(name, theirs, ours, asked=3.0, note=note))
    each = [
        100.0 * (_recipe(0.0, e, 0.3, EPOCHS // BETWEEN) + POOL * 0.3 * e) / _recipe(t, 0.0, 0.3, 0)
        for t, e in zip(train, test, strict=True)
    ]
    report.add(
        Figure(
            name="robust evaluation over training, data ratio 0.3", value=statistics.median(each),
            unit=" %", asked=15.0, better="lower", low=min(each), high=max(each),
            note="every 20 epochs on val and test, at the end on the training split too",
        )
    )  # fmt: skip


def _recipe(train: float, test: float, share: float, evaluations: int) -> float:
    """Seconds of a run, from those of a batch, up to a factor that all runs share."""
    return EPOCHS * POOL * share * train + evaluations * TESTED * test


def _cell(device: str, batch: int, precision: str, layout: str) -> "BlockLoop":
    from blocks import cells_of, make_loop

    grid = GRID.format(batch=batch, precision=precision, layout=layout)
    return make_loop(cells_of(grid), "solo", device)


def _evaluate(loop: "BlockLoop", images: "Tensor", labels: "Tensor") -> int:
    import torch

    from trainer.attacks import make_attack, perturb
    from trainer.probes.subject import Subject

    subject = Subject(loop.engine, 0, epoch=1, final=True)
    hard = perturb(
        images,
        lambda points: subject.input_gradients(points, labels),
        make_attack("linf", TEST_STEPS),
        rank=3,
        draws=torch.rand_like(images),
    )
    return int((subject.logits(hard).argmax(1) == labels).sum())


def _settled(work: Callable[[], object], device: str) -> Arm:
    """The seconds of some work: of this process on a CPU, until all is done on a GPU."""
    import torch

    def whole() -> None:
        work()
        if device != "cpu":
            torch.cuda.synchronize()

    return timed(whole, time.process_time if device == "cpu" else time.perf_counter)


if __name__ == "__main__":
    main()
