"""Pairs of equal capacity: widths, counts and shares in numbers, and how signals compare at first.

Widths, counts, fan-ins and shares are computed by hand or by the named formula, not by this code.
"""

from itertools import pairwise

import pytest
import torch
from torch import nn

from sparse.controls.capacity import (
    dense_widths,
    extra_params,
    first_weights,
    layer_pairs,
)
from sparse.measures.paths import effective_masks
from sparse.methods.same_capacity import SameCapacity
from sparse.random_positions import random_among
from tests.support.toy import ToyContext, ToyLayer

SHARES = ("0.1", "0.3", "0.5", "0.7", "0.9")


@pytest.mark.parametrize(
    ("inputs", "widest", "widths"),
    [
        (3072, 3076, (308, 923, 1538, 2153, 2768)),
        (784, 788, (79, 236, 394, 552, 709)),
    ],
)
def test_widths_of_perceptrons_for_images(inputs, widest, widths):
    assert dense_widths(inputs, SHARES) == (widest, widths)


def test_halves_are_rounded_up_as_decimal_numbers():
    assert dense_widths(1, ["0.5", 0.3, 0.7, "1"], plus=4) == (5, (3, 2, 4, 5))
    assert dense_widths(3071, ["0.1"], plus=4) == (3075, (308,))  # 307.5, not 307.49999


def perceptron(inputs, hidden, width, classes):
    """The shapes of the layers of a perceptron whose hidden layers have one width."""
    sides = pairwise([inputs, *[width] * hidden, classes])
    return {f"{number}.weight": (out, into) for number, (into, out) in enumerate(sides)}


def pairs_of(inputs, hidden, wide, narrow, classes):
    shapes = [perceptron(inputs, hidden, width, classes) for width in (wide, narrow)]
    return layer_pairs(*shapes)


@pytest.mark.parametrize(
    ("hidden", "width", "first", "between", "last", "total", "stored", "density", "fan_ins"),
    [
        (1, 308, 946_176, None, 30_800, 976_976, 9_757_072, 0.100130, (307.60, 308)),
        (2, 308, 946_176, 94_864, 30_800, 1_071_840, 19_218_848, 0.055770, (307.60, 30.84, 308)),
        (4, 308, 946_176, 94_864, 30_800, 1_261_568, 38_142_400, 0.033075, (307.60, 30.84, 308)),
        (4, 923, 2_835_456, 851_929, 92_300, 5_483_543, 38_142_400, 0.143765,
         (921.80, 276.96, 923)),
        (4, 1538, 4_724_736, 2_365_444, 153_800, 11_974_868, 38_142_400, 0.313952,
         (1536, 769, 1538)),
        (4, 2153, 6_614_016, 4_635_409, 215_300, 20_735_543, 38_142_400, 0.543635,
         (2150.2, 1506.96, 2153)),
        (4, 2768, 8_503_296, 7_661_824, 276_800, 31_765_568, 38_142_400, 0.832815,
         (2764.4, 2490.84, 2768)),
    ],
)  # fmt: skip
def test_counts_of_perceptrons_for_cifar100(
    hidden, width, first, between, last, total, stored, density, fan_ins
):
    pairs = pairs_of(3072, hidden, 3076, width, 100)
    assert [p.active for p in pairs] == [first, *[between] * (hidden - 1), last]
    assert sum(p.active for p in pairs) == total
    assert sum(p.wide[0] * p.wide[1] for p in pairs) == stored
    assert total / stored == pytest.approx(density, abs=5e-7)
    expected = [fan_ins[0], *[fan_ins[1]] * (hidden - 1), fan_ins[-1]]
    assert [p.mean_fan_in for p in pairs] == pytest.approx(expected, abs=0.06)
    share = width / 3076
    assert pairs[0].density == pytest.approx(share)
    assert pairs[-1].density == pytest.approx(share)
    assert all(p.density == pytest.approx(share**2) for p in pairs[1:-1])


@pytest.mark.parametrize(
    ("inputs", "wide", "narrow", "total", "stored", "density"),
    [
        (3072, 3076, 308, 1_233_848, 37_865_560, 0.032585),
        (784, 788, 79, 81_449, 2_488_504, 0.032730),
        (784, 788, 394, 778_544, 2_488_504, 0.312856),
    ],
)
def test_counts_of_perceptrons_for_ten_classes(inputs, wide, narrow, total, stored, density):
    shapes = [perceptron(inputs, 4, width, 10) for width in (wide, narrow)]
    counts = [pair.active for pair in layer_pairs(*shapes)]
    assert sum(counts) == total
    assert sum(out * into for out, into in shapes[0].values()) == stored
    assert total / stored == pytest.approx(density, abs=5e-7)
    if narrow == 79:
        assert counts == [61_936, 6_241, 6_241, 6_241, 790]


def test_counts_of_a_convnet_whose_channels_are_halved():
    def shapes(channels):
        kernels = [(out, into, 3, 3) for into, out in pairwise([3, *channels])]
        named = {f"{number}": shape for number, shape in enumerate(kernels)}
        return {**named, "head": (100, channels[-1])}

    pairs = layer_pairs(shapes([32, 64, 64, 128, 128]), shapes([16, 32, 32, 64, 64]))
    assert [p.active for p in pairs] == [432, 4608, 9216, 18_432, 36_864, 6400]
    assert sum(p.active for p in pairs) == 75_952
    assert [p.density for p in pairs] == [0.5, 0.25, 0.25, 0.25, 0.25, 0.5]
    stored = sum(torch.empty(p.wide, device="meta").numel() for p in pairs)
    assert stored == 290_144
    assert 75_952 / stored == pytest.approx(0.261773, abs=5e-7)


@pytest.mark.parametrize(("width", "biases", "norms"), [(3076, 12_404, 24_608), (308, 1332, 2464)])
def test_parameters_that_are_not_matched(width, biases, norms):
    with torch.device("meta"):
        layers = [
            part
            for into, out in pairwise([3072, *[width] * 4, 100])
            for part in (nn.Linear(into, out), nn.BatchNorm1d(out))
        ]
        found = extra_params(nn.Sequential(*layers[:-1]))
    assert found == {"Linear": biases, "BatchNorm1d": norms}


def test_a_mask_has_exactly_the_count_whatever_the_seed():
    # Drawn weight by weight, the counts would be 42, 30 and 15 on average only.
    layers = [ToyLayer(f"{n}", torch.ones(shape)) for n, shape in enumerate([(12, 7), (9, 12)])]
    layers.append(ToyLayer("last", torch.ones(3, 9)))
    for seed in range(1000):
        method = SameCapacity(width=0.5)
        method.prepare(ToyContext(layers, seed=seed))
        assert [int(layer.mask.sum()) for layer in layers] == [42, 30, 15]


def logit_std(pairs, inputs, draws, *, sparse, **init):
    hidden = inputs
    for number, pair in enumerate(pairs):
        mask = None
        if sparse:
            whole = torch.ones(pair.wide, dtype=torch.bool)
            mask = random_among(whole, pair.active, draws)
        weight = first_weights(pair, draws, mask=mask, **init)
        weight = weight if mask is None else weight * mask
        hidden = (hidden.relu() if number else hidden) @ weight.T
    return float(hidden.std())


def mean_ratio(hidden, narrow, **init):
    """How large the logits of S are beside those of D before the first step, over five draws."""
    pairs = pairs_of(784, hidden, 788, narrow, 10)
    draws = torch.Generator().manual_seed(0)
    inputs = torch.randn(256, 784, generator=draws)
    sparse, dense = (
        sum(logit_std(pairs, inputs, draws, sparse=role, **init) for _ in range(5))
        for role in (True, False)
    )
    return sparse / dense


MATCHED = [{}, {"wide_fan_in": True}, {"init": "layer_scaled"}]


@pytest.mark.parametrize("init", MATCHED, ids=["dense fan-in", "wide fan-in", "layer-scaled"])
@pytest.mark.parametrize(("hidden", "ratio"), [(1, 0.547), (2, 0.2995), (4, 0.0897)])
def test_guard_equal_distributions_shrink_the_signal_of_the_sparse_network(hidden, ratio, init):
    # Not a fault: r^(H/2) with r = 236 / 788. A unit of S sums fewer terms of the same variance.
    assert mean_ratio(hidden, 236, **init) == pytest.approx(ratio, rel=0.1)


@pytest.mark.parametrize("hidden", [1, 2, 4])
def test_unit_scaled_weights_keep_the_signal(hidden):
    assert mean_ratio(hidden, 236, init="unit_scaled") == pytest.approx(1, rel=0.1)


def dead_and_share(inputs, hidden, wide, narrow):
    """Dead hidden units, and the share of the active weights that is on a path, for 10 classes."""
    draws = torch.Generator().manual_seed(0)
    pairs = pairs_of(inputs, hidden, wide, narrow, 10)
    masks = {
        f"{2 * n}.weight": random_among(torch.ones(p.wide, dtype=torch.bool), p.active, draws)
        for n, p in enumerate(pairs)
    }
    parts = [part for p in pairs for part in (nn.Linear(p.wide[1], p.wide[0]), nn.ReLU())]
    found = effective_masks(nn.Sequential(*parts[:-1]), torch.ones(1, inputs), masks)
    dead = sum(int((~mask.any(1)).sum()) for mask in list(found.values())[:-1])
    active = sum(int(mask.sum()) for mask in masks.values())
    return dead, sum(int(mask.sum()) for mask in found.values()) / active


def test_guard_a_thin_last_layer_leaves_units_of_the_smallest_width_dead():
    # (1 - r)^C of the units have no way out: 0.348 of 3076, with a standard deviation of 26.
    dead, share = dead_and_share(3072, 1, 3076, 308)
    assert abs(dead - 1071) < 80
    assert share == pytest.approx(0.658, abs=0.02)


@pytest.mark.parametrize(("hidden", "expected"), [(1, 0.644), (2, 0.964), (4, 0.973)])
def test_the_share_of_weights_on_a_path_by_depth(hidden, expected):
    assert dead_and_share(784, hidden, 788, 79)[1] == pytest.approx(expected, abs=0.02)
