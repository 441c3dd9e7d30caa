"""A topology update of SET on one layer of 614,400 active weights against the one in SciPy.

The layer is 3072-4000 at density 0.05 with momentum; both arms drop 30 % of each sign, grow as many
at random and carry the momentum over. Ours edits sorted flat positions; the peer sorts values and
compares pairs of rows and columns, as the published SciPy code does. Every turn continues from what
the last one left. Seconds are CPU seconds of this process on one thread.
"""

import time

from harness import Report, begin, interleave, parser, ratio, set_exact_environment, timed

SHAPE, COUNT, FRACTION = (4000, 3072), 614_400, 0.3


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    set_exact_environment()
    report = begin("evolution_step", arguments)
    measure(report, rounds=5 if arguments.quick else 15)
    report.finish(arguments.json)


def measure(report: Report, *, rounds: int) -> None:
    """Update the layer by both arms in turn, each its own copy."""
    import numpy as np
    import torch

    from peers.scipy_set import evolved
    from sparse.csr.evolution import evolve
    from sparse.csr.linear import SparseLinear
    from sparse_arms import scipy_matrix, sgd

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    layer = SparseLinear.random(SHAPE, COUNT, generator, bias=False)
    weight = scipy_matrix(layer.to_dense())
    held, draws = (weight, weight.copy()), np.random.default_rng(0)
    optimizer = sgd(layer)
    layer.values.grad = torch.ones_like(layer.values)
    optimizer.step()

    def published() -> None:
        nonlocal held
        held = evolved(*held, FRACTION, draws)

    arms = {
        "SET in SciPy": timed(published, time.process_time),
        "ours": timed(
            lambda: evolve(layer, optimizer, FRACTION, generator, initial=0.1), time.process_time
        ),
    }
    samples = interleave(arms, rounds=rounds)
    if not len(layer.values) == held[0].nnz == COUNT:
        raise RuntimeError(f"an arm has lost count: {len(layer.values)} and {held[0].nnz}")
    report.keep("update of 614,400 active weights", samples)
    name = "topology update over SET in SciPy"
    report.add(ratio(name, samples["SET in SciPy"], samples["ours"], asked=10.0))


if __name__ == "__main__":
    main()
