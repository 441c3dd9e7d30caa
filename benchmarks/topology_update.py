"""A drop-and-grow update of ResNet-18's 11,164,352 weights against the full-sort implementation.

Both arms begin with equal weights and masks in 21 layers at density 0.1. Before every turn the
active weights move and gradients are drawn anew, which is not timed. Ours is the whole update of
`rigl` behind `attach`: the gradients noted, NaN refused, weights dropped and grown with exact
counts, optimizer slots emptied, the explored weights noted. Seconds are CPU seconds of this process
on one thread.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness import Arm, Figure, Report, begin, interleave, parser, ratio, set_exact_environment

if TYPE_CHECKING:
    from torch import Tensor

    from sparse import Attached

DENSITY, DROP_FRACTION = "0.1", 0.3
SHAPES: tuple[tuple[int, ...], ...] = (
    *[(64, 3, 3, 3), *[(64, 64, 3, 3)] * 4],
    *[(128, 64, 3, 3), (128, 128, 3, 3), (128, 64, 1, 1), *[(128, 128, 3, 3)] * 2],
    *[(256, 128, 3, 3), (256, 256, 3, 3), (256, 128, 1, 1), *[(256, 256, 3, 3)] * 2],
    *[(512, 256, 3, 3), (512, 512, 3, 3), (512, 256, 1, 1), *[(512, 512, 3, 3)] * 2],
    (10, 512),
)
"""The kernels of ResNet-18 for images of 32x32 (He et al. 2016), and its head."""


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    set_exact_environment()
    report = begin("topology_update", arguments)
    measure(report, rounds=5 if arguments.quick else 15)
    report.finish(arguments.json)


def measure(report: Report, *, rounds: int) -> None:
    """Update all layers by both arms in turn, each on its own copy."""
    import torch

    from peers.full_sort import FullSort

    torch.set_num_threads(1)
    handle = masked_layers()
    layers = handle.sparsifier.layers
    weights = [layer.weight.clone() for layer in layers]
    peer = FullSort(weights, list(handle.masks().values()), DROP_FRACTION)
    theirs = list(zip(peer.weights, peer.masks, peer.gradients, strict=True))
    ours = [(layer.weight, layer.mask, _there(layer.gradient)) for layer in layers]

    samples = interleave(
        {"full sort": arm(theirs, peer.update), "ours": arm(ours, updating(handle))}, rounds=rounds
    )
    kept = sum(int(mask.count_nonzero()) for _, mask, _ in ours)
    # The peer may lose one where a gradient is exactly 0; more would mean less work.
    if kept != handle.sparsifier.target() or abs(peer.active() - kept) > rounds:
        raise RuntimeError(f"an arm has lost count: {kept} and {peer.active()} active weights")
    report.keep("ResNet-18", samples)
    above, below = samples["full sort"], samples["ours"]
    report.add(ratio("drop-and-grow update over full sort", above, below, asked=20.0))
    report.add(held_bytes(handle))


def masked_layers() -> "Attached":
    """The layers as modules, attached to; their gradients and momentum are there."""
    import torch
    from torch import nn

    from sparse import RigL, attach

    torch.manual_seed(0)
    kernels = [nn.Conv2d(i, o, side, bias=False) for o, i, side, _ in SHAPES[:-1]]
    model = nn.ModuleList([*kernels, nn.Linear(512, 10, bias=False)])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.9)
    method = RigL(
        DENSITY, drop_fraction=DROP_FRACTION, anneal="constant", update_every=2, update_stop=1.0
    )
    handle = attach(model, optimizer, method, total_steps=100)
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    return handle


def _there(gradient: "Tensor | None") -> "Tensor":
    assert gradient is not None
    return gradient


def updating(handle: "Attached") -> Callable[[], object]:
    """The update of an attached method, as the optimizer's hooks call it."""

    def update() -> None:
        handle.sparsifier.after_backward(2)
        handle.sparsifier.after_step(2)

    return update


def arm(layers: "list[tuple[Tensor, Tensor, Tensor]]", update: Callable[[], object]) -> Arm:
    """An arm that moves active weights, draws gradients, and times the update alone."""
    import torch

    draws = torch.Generator().manual_seed(1)

    def work() -> float:
        for weight, mask, gradient in layers:
            weight.add_(torch.randn(weight.shape, generator=draws).mul_(0.01).mul_(mask))
            gradient.normal_(0.0, 1e-3, generator=draws)
        start = time.process_time()
        update()
        return time.process_time() - start

    return work


def held_bytes(handle: "Attached") -> Figure:
    """What is kept per weight besides weight, gradient and slots, from one update to the next."""
    method = handle.sparsifier
    kept = [layer.mask for layer in method.layers] + list(method.explored.values())
    size = sum(tensor.numel() * tensor.element_size() for tensor in kept)
    return Figure(
        name="bytes held per weight",
        value=size / sum(method.sizes().values()),
        unit=" B",
        note="mask 4, explored 1; for the time of an update 4 more for |gradient|",
    )


if __name__ == "__main__":
    main()
