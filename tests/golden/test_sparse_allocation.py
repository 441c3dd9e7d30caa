"""Published layer-wise densities of ERK, SET and IGQ, to the last printed digit.

Real-valued shares are compared, because published codes round them each in their own way: "exact"
below means the unrounded budget density * weights, "floored" the RigL code's budget, in which every
layer's share of zeros is rounded down first. Ours is floor(density * weights + 1/2).
"""

from fractions import Fraction
from itertools import pairwise
from math import prod

import pytest

from sparse.allocation import allocate, target_count
from sparse.allocations.er import factor
from sparse.allocations.igq import common_force
from sparse.budgets import share

CONVS = ((64, 3, 3, 3), (128, 64, 3, 3), (10, 128))
LENET = ((300, 784), (100, 300), (10, 100))
NERVA = ((1024, 3072), (1024, 1024), (10, 1024))
VGG16_CHANNELS = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
VGG16 = (
    *((out, inputs, 3, 3) for inputs, out in pairwise(VGG16_CHANNELS)),
    (512, 512),
    (512, 512),
    (10, 512),
)


def resnet18(classes):
    """The CIFAR variant: a 3x3 stem, stages of 64 to 512 channels, 1x1 shortcuts between them."""
    shapes = {"conv1": (64, 3, 3, 3)}
    for stage, width in enumerate((64, 128, 256, 512), start=1):
        before = max(64, width // 2)
        shapes[f"layer{stage}.0.conv1"] = (width, before, 3, 3)
        shapes[f"layer{stage}.0.conv2"] = (width, width, 3, 3)
        if before != width or stage > 1:
            shapes[f"layer{stage}.0.shortcut"] = (width, before, 1, 1)
        shapes[f"layer{stage}.1.conv1"] = (width, width, 3, 3)
        shapes[f"layer{stage}.1.conv2"] = (width, width, 3, 3)
    return {**shapes, "classifier": (classes, 512)}


def densities(shapes, budget):
    """Return the real-valued erk density of every layer, and the common factor epsilon."""
    factors = [factor(shape) for shape in shapes]
    sizes = [prod(shape) for shape in shapes]
    budgets = share(factors, sizes, Fraction(budget))
    found = [float(part / size) for part, size in zip(budgets, sizes, strict=True)]
    open_layers = [i for i, density in enumerate(found) if density < 1]
    epsilon = found[open_layers[0]] / float(factors[open_layers[0]]) if open_layers else None
    return found, epsilon


def rounded(values, digits=5):
    return [round(value, digits) for value in values]


@pytest.mark.parametrize(
    ("convention", "shapes", "budget", "epsilon", "expected"),
    [
        ("floored", CONVS, 7674, 23.594096, [0.99674, 0.06336, 1]),
        ("exact", CONVS, Fraction(76736, 10), 23.592620, [0.99668, 0.06336, 1]),
        ("floored", CONVS, 3838, 9.439114, [0.39876, 0.02535, 1]),
        ("exact", LENET, 26620, 17.264151, [0.07957, 0.23019, 1]),
        ("exact", LENET, 13310, None, [0.03848, 0.11133, 0.91851]),
        ("Nerva", NERVA, 210227, None, [0.04238, 0.06357, 1]),
    ],
)
def test_densities_of_small_networks(convention, shapes, budget, epsilon, expected):
    found, common = densities(shapes, budget)
    assert rounded(found) == pytest.approx(expected, abs=1.1e-5)
    if epsilon is not None:
        assert common == pytest.approx(epsilon, abs=1e-6)


def test_our_integer_targets_of_these_networks():
    # Of 76736 weights 7673.6 and 3836.8 are asked for; the floored budgets are 7674 and 3838.
    assert target_count("0.1", 76736) == 7674
    assert target_count("0.05", 76736) == 3837
    named = {str(i): shape for i, shape in enumerate(CONVS)}
    assert allocate("erk", named, "0.1") == {"0": 1722, "1": 4672, "2": 1280}
    named = {str(i): shape for i, shape in enumerate(LENET)}
    assert allocate("erk", named, "0.1") == {"0": 18714, "1": 6906, "2": 1000}


@pytest.mark.parametrize("allocation", ["er", "erk"])
def test_our_counts_of_the_network_that_nerva_prints(allocation):
    named = {str(i): shape for i, shape in enumerate(NERVA)}
    counts = list(allocate(allocation, named, "0.05").values())
    assert sum(counts) == target_count("0.05", sum(map(prod, NERVA))) == 210227
    assert counts == [133325, 66662, 10240]


def test_the_epsilon_that_nerva_prints_gives_its_counts_but_for_the_digits_it_lacks():
    named = {str(i): shape for i, shape in enumerate(NERVA)}
    counts = allocate("er_epsilon", named, "1", {"epsilon": 32.55})
    assert list(counts.values()) == [133325, 66662, 10240]


@pytest.mark.parametrize(
    ("epsilon", "shape", "expected"),
    [
        (20, (3000, 3312), 126240),
        (20, (3000, 3000), 120000),
        (20, (5, 3000), 15000),  # 60100 are asked for
        (10, (5, 3000), 15000),  # 30050
        (13, (1000, 784), 23192),
        (13, (1000, 1000), 26000),
        (13, (10, 1000), 10000),  # 13130
    ],
)
def test_counts_of_set_are_the_mean_of_its_bernoulli_masks(epsilon, shape, expected):
    # Convention: SET's Keras release, p = min(1, epsilon * (in + out) / (in * out)).
    assert allocate("er_epsilon", {"w": shape}, "1", {"epsilon": epsilon}) == {"w": expected}


FULL_AT_A_TENTH = {"conv1", "layer2.0.shortcut", "layer3.0.shortcut", "classifier"}
FULL_AT_A_FIFTH = FULL_AT_A_TENTH | {
    "layer1.0.conv1",
    "layer1.0.conv2",
    "layer1.1.conv1",
    "layer1.1.conv2",
    "layer4.0.shortcut",
}


def three_by_three(stage, first, others):
    """The densities of a stage's kernels; the first one has half as many inputs."""
    names = (f"layer{stage}.{block}.conv{number}" for block in (0, 1) for number in (1, 2))
    return dict(zip(names, (first, others, others, others), strict=True))


@pytest.mark.parametrize(
    ("classes", "density", "epsilon", "full", "others"),
    [
        (
            10,
            "0.1",
            131.961867,
            FULL_AT_A_TENTH,
            three_by_three(1, 0.47968, 0.47968)
            | three_by_three(2, 0.35439, 0.23447)
            | three_by_three(3, 0.17451, 0.11589)
            | three_by_three(4, 0.08658, 0.05761)
            | {"layer4.0.shortcut": 0.77523},
        ),
        (
            10,
            "0.2",
            280.702945,
            FULL_AT_A_FIFTH,
            three_by_three(2, 0.75384, 0.49875)
            | three_by_three(3, 0.37121, 0.24652)
            | three_by_three(4, 0.18418, 0.12255),
        ),
        (
            100,
            "0.1",
            126.840603,
            FULL_AT_A_TENTH,
            three_by_three(1, 0.46106, 0.46106)
            | three_by_three(2, 0.34064, 0.22537)
            | three_by_three(3, 0.16774, 0.11139)
            | three_by_three(4, 0.08322, 0.05537)
            | {"layer4.0.shortcut": 0.74514},
        ),
        (
            100,
            "0.2",
            275.275383,
            FULL_AT_A_FIFTH,
            three_by_three(2, 0.73926, 0.48911)
            | three_by_three(3, 0.36403, 0.24175)
            | three_by_three(4, 0.18062, 0.12018),
        ),
    ],
)
def test_densities_of_resnet18(classes, density, epsilon, full, others):
    shapes = resnet18(classes)
    total = sum(map(prod, shapes.values()))
    assert (len(shapes), total) == (21, 11_164_352 if classes == 10 else 11_210_432)
    found, common = densities(list(shapes.values()), Fraction(density) * total)
    by_name = dict(zip(shapes, found, strict=True))
    assert {name for name, kept in by_name.items() if kept == 1} == full
    assert {name: by_name[name] for name in by_name.keys() - full} == pytest.approx(
        others, abs=5.1e-6
    )
    assert common == pytest.approx(epsilon, abs=1e-6)
    counts = allocate("erk", shapes, density)
    assert sum(counts.values()) == target_count(density, total)
    assert {name for name in shapes if counts[name] == prod(shapes[name])} == full


def test_densities_of_vgg16():
    total = sum(map(prod, VGG16))
    assert (len(VGG16), total) == (16, 15_239_872)
    found, _ = densities(VGG16, Fraction(total, 10))
    assert found == pytest.approx(
        [1, 0.55192, 0.40776, 0.26978, 0.20079, 0.13335, 0.13335, 0.09962]
        + [0.06629] * 5
        + [0.59311, 0.59311, 1],
        abs=5.1e-6,
    )
    epsilon = found[1] / float(Fraction(64 + 64 + 6, 64 * 64 * 9))
    assert epsilon == pytest.approx(151.835388, abs=1e-6)


@pytest.mark.parametrize(
    ("shapes", "budget", "force", "expected"),
    [
        (LENET, 26620, 6.172086e-5, [0.06445, 0.35068, 0.94187]),
        (CONVS, 7673.6, 1.7507e-4, [0.76774, 0.07190, 0.81693]),
    ],
)
def test_ideal_gas_quotas_of_small_networks(shapes, budget, force, expected):
    sizes = [prod(shape) for shape in shapes]
    found = common_force(sizes, budget)
    assert found == pytest.approx(force, rel=1e-5)
    assert rounded(1 / (found * size + 1) for size in sizes) == expected


def test_our_counts_of_ideal_gas_quotas():
    named = {str(i): shape for i, shape in enumerate(LENET)}
    assert allocate("igq", named, "0.1") == {"0": 15158, "1": 10520, "2": 942}
    named = {str(i): shape for i, shape in enumerate(CONVS)}
    assert allocate("igq", named, "0.1") == {"0": 1327, "1": 5301, "2": 1046}


def test_ideal_gas_quotas_of_resnet18():
    shapes = resnet18(10)
    sizes = {name: prod(shape) for name, shape in shapes.items()}
    force = common_force(list(sizes.values()), target_count("0.1", sum(sizes.values())))
    assert force == pytest.approx(1.02364e-5, rel=1e-5)
    found = {name: round(1 / (force * size + 1), 4) for name, size in sizes.items()}
    assert found == (
        three_by_three(1, 0.7260, 0.7260)
        | three_by_three(2, 0.5699, 0.3985)
        | three_by_three(3, 0.2488, 0.1421)
        | three_by_three(4, 0.0765, 0.0398)
        | {f"layer{n}.0.shortcut": d for n, d in ((2, 0.9226), (3, 0.7488), (4, 0.4270))}
        | {"conv1": 0.9826, "classifier": 0.9502}
    )
    counts = allocate("igq", shapes, "0.1")
    assert sum(counts.values()) == target_count("0.1", sum(sizes.values()))


def test_everything_is_dense_at_density_one():
    found, _ = densities(VGG16, sum(map(prod, VGG16)))
    assert found == [1.0] * 16
