"""Allocation holds its promises for any shapes and densities."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparse.allocation import allocate, target_count
from sparse.allocations import ALLOCATIONS
from sparse.allocations.er import factor
from sparse.budgets import Network, share
from tests.support.methods import allocation_names
from tests.support.toy import ToyContext, ToyLayer

SIDES = st.integers(1, 60)
SHAPES = st.lists(
    st.one_of(
        st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES, st.integers(1, 5), st.integers(1, 5))
    ),
    min_size=1,
    max_size=8,
)
DENSITIES = st.integers(1, 1000).map(lambda parts: f"{parts / 1000:g}")
TARGETED = allocation_names(ignores=[])
NAMES = st.sampled_from(TARGETED)
BY_SHAPE = st.sampled_from([name for name in TARGETED if name in allocation_names(scores=False)])
WITHOUT_ORDER = st.sampled_from(["balanced", "er", "erk", "igq", "uniform"])
OPTIONS = {
    "er": {"power": st.sampled_from([0.0, 0.5, 1.0, 2.0])},
    "erk": {"power": st.sampled_from([0.0, 0.5, 1.0, 2.0])},
    "uniform_plus": {"last": st.sampled_from([0.0, 0.2, 0.35, 1.0])},
    "snip": {"batches": st.integers(1, 3)},
    "grasp": {"batches": st.integers(1, 3)},
    "synflow": {"rounds": st.integers(1, 5)},
}


def named(shapes):
    return {str(number): shape for number, shape in enumerate(shapes)}


def made(shapes):
    """Return a toy run whose layers have these shapes."""
    generator = torch.Generator().manual_seed(0)
    drawn = {name: torch.randn(shape, generator=generator) for name, shape in named(shapes).items()}
    return ToyContext([ToyLayer(name, weight) for name, weight in drawn.items()])


def counted(name, shapes, density, options=None):
    """Return the counts, or None where the density is too small, which must be true."""
    sizes = [math.prod(shape) for shape in shapes]
    context = made(shapes) if ALLOCATIONS.get(name).traits["scores"] else None
    try:
        counts = allocate(name, named(shapes), density, options, context)
    except ValueError:
        first = sizes[0] if len(shapes[0]) > 2 else 1
        last = (options or {}).get("last", 0.2) * sizes[-1]
        held = first + last + len(sizes) if name == "uniform_plus" else len(sizes)
        assert target_count(density, sum(sizes)) < held
        return None
    return list(counts.values())


def options_of(data, name):
    return data.draw(st.fixed_dictionaries(OPTIONS.get(name, {})))


def budgets(name, shapes, target):
    """Return the real-valued budgets of an allocation that only sees shapes."""
    entry = ALLOCATIONS.get(name)
    return entry.target(Network(shapes=named(shapes), target=target), entry.options())


@given(NAMES, SHAPES, DENSITIES, st.data())
def test_counts_sum_to_the_target_within_bounds(name, shapes, density, data):
    counts = counted(name, shapes, density, options_of(data, name))
    if counts is None:
        return
    sizes = [math.prod(shape) for shape in shapes]
    assert sum(counts) == target_count(density, sum(sizes))
    assert all(1 <= count <= size for count, size in zip(counts, sizes, strict=True))


@given(SHAPES, st.integers(1, 4000).map(lambda parts: parts / 100))
def test_counts_of_an_epsilon_are_its_own_budgets_rounded(shapes, epsilon):
    counts = allocate("er_epsilon", named(shapes), "1", {"epsilon": epsilon}).values()
    wanted = [Fraction(str(epsilon)) * factor(shape[:2]) * math.prod(shape) for shape in shapes]
    for count, shape, part in zip(counts, shapes, wanted, strict=True):
        size = math.prod(shape)
        assert 1 <= count <= size
        assert abs(count - min(size, max(1, part))) < 1
    bounded = [min(math.prod(s), max(1, p)) for s, p in zip(shapes, wanted, strict=True)]
    assert sum(counts) == math.floor(sum(bounded) + Fraction(1, 2))


@given(BY_SHAPE, SHAPES, DENSITIES, DENSITIES)
def test_more_density_takes_at_most_a_rounding_from_a_layer(name, shapes, first, second):
    lower, higher = sorted((first, second), key=float)
    few, many = counted(name, shapes, lower), counted(name, shapes, higher)
    if few is not None and many is not None:
        assert all(less <= more + 1 for less, more in zip(few, many, strict=True))


@given(WITHOUT_ORDER, SHAPES, st.fractions(0, 1), st.fractions(0, 1))
def test_real_valued_budgets_grow_with_the_target(name, shapes, first, second):
    total, layers = sum(math.prod(shape) for shape in shapes), len(shapes)
    low, high = sorted(layers + int(part * (total - layers)) for part in (first, second))
    few, many = budgets(name, shapes, low), budgets(name, shapes, high)
    assert float(sum(few)) == pytest.approx(low, rel=1e-12)
    assert float(sum(many)) == pytest.approx(high, rel=1e-12)
    assert all(less <= more for less, more in zip(few, many, strict=True))


@given(WITHOUT_ORDER, SHAPES, DENSITIES, st.randoms(use_true_random=False))
def test_real_valued_budgets_do_not_depend_on_the_order_of_layers(name, shapes, density, random):
    total = sum(math.prod(shape) for shape in shapes)
    target = max(len(shapes), target_count(density, total))
    order = list(range(len(shapes)))
    random.shuffle(order)
    straight = budgets(name, shapes, target)
    shuffled = budgets(name, [shapes[i] for i in order], target)
    assert shuffled == [straight[i] for i in order]


@given(NAMES, SHAPES, st.data())
def test_density_one_keeps_every_weight(name, shapes, data):
    full = [math.prod(shape) for shape in shapes]
    assert counted(name, shapes, "1", options_of(data, name)) == full


def with_the_smallest_full_prefix(factors, sizes, budget):
    """Densities by another route: fill the layers of largest factor until the others fit."""
    order = sorted(range(len(sizes)), key=lambda layer: -factors[layer])
    for count in range(len(order)):
        full, rest = order[:count], order[count:]
        left = budget - sum(sizes[layer] for layer in full)
        epsilon = left / sum(factors[layer] * sizes[layer] for layer in rest)
        if epsilon * factors[rest[0]] <= 1:
            return [1 if i in full else epsilon * factors[i] for i in range(len(sizes))]
    raise AssertionError("the budget exceeds the network")


# Wide and dense enough that no layer comes down to its lower bound of one weight, which the other
# route does not know.
WIDE, KERNEL = st.integers(3, 60), st.integers(1, 5)


@given(
    st.lists(st.one_of(st.tuples(WIDE, WIDE), st.tuples(WIDE, WIDE, KERNEL, KERNEL)), min_size=1),
    st.fractions(Fraction(1, 4), 1, max_denominator=1000),
)
def test_erk_is_the_smallest_full_prefix_of_the_layers_sorted_by_factor(shapes, density):
    sizes = [math.prod(shape) for shape in shapes]
    factors = [factor(shape) for shape in shapes]
    shares = share(factors, sizes, density * sum(sizes))
    expected = with_the_smallest_full_prefix(factors, sizes, density * sum(sizes))
    assert [part / size for part, size in zip(shares, sizes, strict=True)] == expected
