"""Images per second of a CIFAR ResNet-18 training cell against a plain research script.

Both train a static mask of density 0.1 with crop and flip at batch 128, on one core of a CPU or on
one GPU, in turn. The script decodes and augments in workers, asks for `.item()` at every step and
computes in float32; the cell runs in `solo`, with its data on the device: once in bf16 with
channels_last, once in float32. On a CPU these are CPU seconds of this process, so that what the
script's workers take is not even counted.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness import Arm, Figure, Report, begin, interleave, parser, ratio, timed

if TYPE_CHECKING:
    from trainer.loop import BlockLoop

GRID = """
name: resnet-rate
base:
  dataset: {{name: synthetic_images, examples: {examples}, val_fraction: 0.1, test_fraction: 0.1}}
  model: resnet18
  method: static
  density: 0.1
  recipe: {{epochs: 1000, batch: 128, nesterov: true, crop: 4, flip: true, tier: fast,
           precision: {precision}, layout: {layout}}}
"""
BATCH = 128
HALF, FULL = ("bf16", "channels_last"), ("fp32", "contiguous")
CPU_ASKED, GPU_ASKED = 2.0, 2.5


def main() -> None:
    """Measure and report."""
    command = parser(__doc__ or "")
    command.add_argument("--device", default="cpu", help="cpu, or a CUDA device")
    arguments = command.parse_args()
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    report = begin("resnet_rate", arguments)
    measure(report, arguments)
    report.finish(arguments.json)


def measure(report: Report, arguments: argparse.Namespace) -> None:
    """Add the rates and their ratios."""
    import torch

    from blocks import advance
    from peers.plain_resnet import PlainScript

    device, quick = arguments.device, arguments.quick
    on_cpu = device == "cpu"
    examples, steps = (1280, 1) if on_cpu else (25600, 50)
    half, full = (_cell(device, examples, *how) for how in (HALF, FULL))
    torch.set_num_threads(1)
    train = full.engine.workload.bundle.train
    images = train.inputs.permute(0, 2, 3, 1).cpu().contiguous()
    network = full.engine.workload.build_model(seed=0)
    script = PlainScript(network, images, train.targets.cpu(), BATCH, 0.1, device)

    def run_script() -> None:
        for _ in range(steps):
            script.step()

    arms = {
        "cell, bf16 and channels_last": _settled(lambda: advance(half, steps), device),
        "cell, float32": _settled(lambda: advance(full, steps), device),
        "script, float32": _settled(run_script, device),
    }
    samples = interleave(arms, rounds=5 if quick else 15, warmup=2)
    report.keep("seconds", samples)
    for name, seconds in samples.items():
        rate = steps * BATCH / statistics.median(seconds)
        report.add(Figure(name=name, value=rate, unit=" images/s"))
    ours, whole, plain = samples.values()
    asked = CPU_ASKED if on_cpu else GPU_ASKED
    report.add(ratio("bf16 and channels_last over the script", plain, ours, asked=asked))
    report.add(ratio("float32 over the script", plain, whole))
    report.add(ratio("bf16 and channels_last over float32, both ours", whole, ours))


def _cell(device: str, examples: int, precision: str, layout: str) -> "BlockLoop":
    from blocks import cells_of, make_loop

    grid = GRID.format(examples=examples, precision=precision, layout=layout)
    return make_loop(cells_of(grid), "solo", device)


def _settled(work: Callable[[], None], device: str) -> Arm:
    """The seconds of some work: of this process on a CPU, until all is done on a GPU."""
    import torch

    def whole() -> None:
        work()
        if device != "cpu":
            torch.cuda.synchronize()

    return timed(whole, time.process_time if device == "cpu" else time.perf_counter)


if __name__ == "__main__":
    main()
