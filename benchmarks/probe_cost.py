"""What probes cost: the training of a 200-epoch cell with all per-epoch probes on, and without.

The two cells train in turn, ten epochs each, in CPU seconds of this process. Below it stands what
one look of every probe takes, and how often it looks in 200 epochs. What is measured once, at the
end or on request, is listed apart in seconds: further pruning, AutoAttack, GraNd. The full variant
adds the same shares for ResNet-18 on images of CIFAR's shape and number, computed from single steps
and looks.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness import Arm, Figure, Report, begin, interleave, parser, set_exact_environment, timed

if TYPE_CHECKING:
    from trainer.loop import BlockLoop
    from trainer.probes.base import Probe
    from trainer.probes.subject import Subject

PERCEPTRON = """
name: probe-cost
base:
  dataset: {name: synthetic_images, examples: 10000, size: 28, channels: 1}
  model: {name: mlp, hidden: [300, 100]}
  method: {name: rigl, update_every: 100}
  density: 0.1
  recipe: {epochs: 200, batch: 100, lr: 0.1}
"""
RESNET = """
name: probe-cost-resnet
base:
  dataset: {name: synthetic_images, examples: 1280, val_fraction: 0.1, test_fraction: 0.1}
  model: resnet18
  method: {name: rigl, update_every: 100}
  density: 0.1
  recipe: {epochs: 200, batch: 128, lr: 0.1}
"""
CIFAR_TRAIN, CIFAR_TEST = 45_000, 10_000
FEW = 128
"""Examples of a gradient that is timed; the probe's own number is computed from them."""

EPOCHS = 200
TURNS, ROUNDS = 5, 4
ASKED = 10.0
"""Percent of the training time that all per-epoch probes may take."""

PER_EPOCH: dict[str, dict[str, Any]] = {
    "gradient_flow": {},
    "emergence": {},
    "effective": {"every": 1},
    "neurons": {"every": 1},
    "generalisation": {"every": 10},
}
"""Probes that look at many epochs. The last evaluates the training split, a third of what an epoch
of training computes, so not after each."""

APART: dict[str, dict[str, Any]] = {
    "further_pruning": {},
    "robust": {"every": 0, "examples": 50, "autoattack": True},
}
"""Probes that are asked for knowing what they cost, with the options that are measured here."""


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    set_exact_environment()
    report = begin("probe_cost", arguments)
    trained = measure_whole(report)
    measure_apart(report, trained)
    if not arguments.quick:
        measure_resnet(report)
    report.finish(arguments.json)


def measure_whole(report: Report) -> "BlockLoop":
    """The perceptron's 200 epochs, with and without probes; returns the trained cell."""
    from blocks import cells_of, make_loop

    cells = cells_of(PERCEPTRON)
    plain, probed = make_loop(cells, "stack"), make_loop(cells, "stack", probes=asked(PER_EPOCH))
    samples = interleave(
        {"no probes": _turn(plain), "all per-epoch probes": _turn(probed)},
        rounds=ROUNDS,
        warmup=0,
        turns=TURNS,
    )
    report.keep("perceptron, 50 epochs", samples)
    without, with_probes = samples["no probes"], samples["all per-epoch probes"]
    percents = [100 * (b / a - 1) for a, b in zip(without, with_probes, strict=True)]
    report.add(
        Figure(
            name="all per-epoch probes, perceptron 784-300-100-10, 200 epochs",
            value=100 * (sum(with_probes) / sum(without) - 1),
            unit=" %",
            asked=ASKED,
            better="lower",
            low=min(percents),
            high=max(percents),
        )
    )
    for name, seconds, looks in _looks(probed, PER_EPOCH):
        _add_share(report, f"{name}, perceptron", seconds * looks, sum(without), seconds, looks)
    return plain


def measure_apart(report: Report, loop: "BlockLoop") -> None:
    """What is measured once, of the trained perceptron, in seconds."""
    from trainer.scores import grand

    subject = _subject(loop)
    for name, probe in _made(APART):
        seconds = _look(probe, subject)
        report.add(Figure(name=f"apart: {name}, {_words(APART[name])}", value=seconds, unit=" s"))
    train = subject.split("train")
    network = subject.network().eval()
    seconds = _seconds(lambda: grand(network, train.inputs, train.targets))
    report.add(Figure(name=f"apart: GraNd of {len(train):,} examples", value=seconds, unit=" s"))


def measure_resnet(report: Report) -> None:
    """Shares for ResNet-18, from its step and single looks."""
    from blocks import advance, cells_of, make_loop

    loop = make_loop(cells_of(RESNET), "solo")
    advance(loop, 1)
    step = _seconds(lambda: advance(loop, 1))
    training, whole = step * -(-CIFAR_TRAIN // 128) * EPOCHS, 0.0
    bundle = loop.engine.workload.bundle
    scales = {
        "gradient_flow": 1000 / FEW,
        "generalisation": (CIFAR_TRAIN + CIFAR_TEST) / (len(bundle.train) + len(bundle.test)),
    }
    few = {**PER_EPOCH, "gradient_flow": {"examples": FEW}}
    for name, seconds, looks in _looks(loop, few):
        look = seconds * scales.get(name, 1.0)
        whole += look * looks
        _add_share(report, f"{name}, ResNet-18", look * looks, training, look, looks)
    note = f"computed: a step of 128 images takes {step:.3g} s"
    report.add(
        Figure(
            name="all per-epoch probes, ResNet-18, 200 epochs of 45,000 images",
            value=100 * whole / training,
            unit=" %",
            asked=ASKED,
            better="lower",
            note=note,
        )
    )


def asked(probes: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Probes as a grid asks for them."""
    return [{"name": name, **options} for name, options in probes.items()]


def _turn(loop: "BlockLoop") -> Arm:
    """An arm that trains ten epochs more; measurements at the start and the end belong to it."""
    from blocks import advance
    from trainer.loop import LoopControl

    steps = loop.engine.workload.total_steps // (TURNS * ROUNDS)
    begin = LoopControl(
        should_stop=lambda: loop.step >= steps,
        on_step=lambda step: None,
        clock=None,
        save=lambda states: None,
    )

    def work() -> None:
        if loop.step == 0:
            loop.run(begin)
        else:
            advance(loop, steps)
        if loop.step == loop.engine.workload.total_steps:
            for run in loop.runs:
                run.finish()
                run.probing.curves(run.curve["epoch"])

    return timed(work, time.process_time)


def _made(probes: Mapping[str, Mapping[str, Any]]) -> "Iterator[tuple[str, Probe]]":
    from trainer.probes import PROBES

    for name, options in probes.items():
        yield name, PROBES.get(name).build(dict(options))


def _looks(
    loop: "BlockLoop", probes: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, float, int]]:
    """Name, seconds of one look, and looks in 200 epochs of every probe."""
    subject = _subject(loop)
    for name, probe in _made(probes):
        looks = sum(probe.due(epoch, EPOCHS) for epoch in range(1, EPOCHS + 1))
        yield name, _look(probe, subject), looks


def _subject(loop: "BlockLoop") -> "Subject":
    from trainer.probes.subject import Subject

    layers = loop.runs[0].sparsifier.layers
    return Subject(loop.engine, 0, epoch=EPOCHS, final=True, masked=layers)


def _look(probe: "Probe", subject: "Subject") -> float:
    """Seconds of one measurement, made as the loop makes it."""
    import torch

    with torch.no_grad():
        return _seconds(lambda: probe.measure(subject))


def _seconds(work: Callable[[], object]) -> float:
    """The median of three tries, or the only one of what takes longer than a second."""
    arm, found = timed(work, time.process_time), list[float]()
    while len(found) < 3 and (not found or found[0] < 1.0):
        found.append(arm())
    return statistics.median(found)


def _add_share(
    report: Report, name: str, spent: float, training: float, look: float, looks: int
) -> None:
    note = f"{looks} looks of {look:.3g} s"
    report.add(Figure(name=name, value=100 * spent / training, unit=" %", note=note))


def _words(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items()) or "default options"


if __name__ == "__main__":
    main()
