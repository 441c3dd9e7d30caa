"""Allocations that rank weights over several layers together and keep the counts that come out.

The weights, and for snip and grasp training batches, are those that the run begins with. Only the
counts are used: where the active weights lie is the method's business.
"""

import dataclasses
from collections.abc import Mapping
from fractions import Fraction

from torch import Tensor

from sparse.allocations import ALLOCATIONS
from sparse.budgets import Network, rounded, share
from sparse.context import Context
from sparse.options import NoOptions
from sparse.scores import magnitude
from sparse.scoring import criteria
from sparse.scoring.scoring_options import GraspScoring, SnipScoring, SynflowScoring
from sparse.select import largest_global


@ALLOCATIONS.register(
    "global_magnitude",
    summary="as many as are among the largest weights of all layers when the run begins",
    options=NoOptions,
    scores=True,
    source="Han et al. 2015, with one ranking over all layers",
)
def global_magnitude(network: Network, options: NoOptions) -> list[Fraction]:
    """Give a layer as many weights as it has among the largest of the network."""
    return _counted(criteria.magnitude_masks(_run_of(network), network.target))


@ALLOCATIONS.register(
    "half_magnitude",
    summary="as global_magnitude, in the first and in the second half of the layers by itself",
    options=NoOptions,
    scores=True,
    source="the half_pre option of the code of Xiao et al. 2024 (hard samples)",
)
def half_magnitude(network: Network, options: NoOptions) -> list[Fraction]:
    """Rank within halves of the layer list, to each of which the density applies.

    Of an odd number of layers the middle one belongs to the first half.
    """
    layers = _run_of(network).layers
    middle = (len(layers) + 1) // 2
    halves = [half for half in (layers[:middle], layers[middle:]) if half]
    sizes = [sum(layer.weight.numel() for layer in half) for half in halves]
    least = [Fraction(len(half)) for half in halves]
    parts = rounded(share([Fraction(1)] * len(halves), sizes, Fraction(network.target), least))
    masks: dict[str, Tensor] = {}
    for half, part in zip(halves, parts, strict=True):
        masks |= largest_global({layer.name: magnitude(layer.weight) for layer in half}, part)
    return _counted(masks)


@ALLOCATIONS.register(
    "snip",
    summary="as many as the method snip keeps in each layer",
    options=SnipScoring,
    scores=True,
    source="Lee et al. 2019 (SNIP); as a ratio: Liu et al. 2022 (random pruning)",
)
def snip(network: Network, options: SnipScoring) -> list[Fraction]:
    """Give a layer as many weights as the method snip would keep there."""
    run = _run_of(network)
    return _counted(criteria.snip_masks(run, network.target, batches=options.batches))


@ALLOCATIONS.register(
    "grasp",
    summary="as many as the method grasp keeps in each layer",
    options=GraspScoring,
    scores=True,
    source="Wang et al. 2020 (GraSP); as a ratio: Liu et al. 2022 (random pruning)",
)
def grasp(network: Network, options: GraspScoring) -> list[Fraction]:
    """Give a layer as many weights as the method grasp would keep there."""
    given = dataclasses.asdict(options)
    return _counted(criteria.grasp_masks(_run_of(network), network.target, **given))


@ALLOCATIONS.register(
    "synflow",
    summary="as many as the method synflow keeps in each layer",
    options=SynflowScoring,
    scores=True,
    source="Tanaka et al. 2020 (SynFlow), algorithm 1",
)
def synflow(network: Network, options: SynflowScoring) -> list[Fraction]:
    """Give a layer as many weights as the method synflow would keep there."""
    run = _run_of(network)
    return _counted(criteria.synflow_masks(run, network.target, rounds=options.rounds))


def _run_of(network: Network) -> Context:
    if network.context is None:
        raise ValueError(
            "this allocation ranks weights, and shapes alone have none; give a context"
        )
    return network.context


def _counted(masks: Mapping[str, Tensor]) -> list[Fraction]:
    return [Fraction(int(mask.count_nonzero())) for mask in masks.values()]
