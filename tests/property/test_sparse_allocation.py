"""Allocation holds its promises for any shapes and densities."""

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from sparse.allocation import allocate, target_count
from sparse.allocations import ALLOCATIONS
from sparse.allocations.er import factor
from sparse.budgets import share
from sparse.options import NoOptions

SIDES = st.integers(1, 60)
SHAPES = st.lists(
    st.one_of(
        st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES, st.integers(1, 5), st.integers(1, 5))
    ),
    min_size=1,
    max_size=8,
)
DENSITIES = st.integers(1, 1000).map(lambda parts: f"{parts / 1000:g}")
NAMES = st.sampled_from(ALLOCATIONS.names())
POWERS = st.sampled_from([0.0, 0.5, 1.0, 2.0])


def named(shapes):
    return {str(number): shape for number, shape in enumerate(shapes)}


def counted(name, shapes, density, power=1.0):
    """Return the counts, or None where the density is below one weight per layer."""
    if target_count(density, sum(map(math.prod, shapes))) < len(shapes):
        return None
    return list(allocate(name, named(shapes), density, options_of(name, power)).values())


def options_of(name, power):
    return {} if ALLOCATIONS.get(name).options is NoOptions else {"power": power}


@given(NAMES, SHAPES, DENSITIES, POWERS)
def test_counts_sum_to_the_target_within_bounds(name, shapes, density, power):
    counts = counted(name, shapes, density, power)
    if counts is None:
        return
    sizes = [math.prod(shape) for shape in shapes]
    assert sum(counts) == target_count(density, sum(sizes))
    assert all(1 <= count <= size for count, size in zip(counts, sizes, strict=True))


@given(NAMES, SHAPES, DENSITIES, DENSITIES)
def test_more_density_takes_at_most_a_rounding_from_a_layer(name, shapes, first, second):
    lower, higher = sorted((first, second), key=float)
    few, many = counted(name, shapes, lower), counted(name, shapes, higher)
    if few is not None and many is not None:
        assert all(less <= more + 1 for less, more in zip(few, many, strict=True))


@given(SHAPES, st.fractions(0, 1), st.fractions(0, 1))
def test_real_valued_shares_grow_with_the_budget(shapes, first, second):
    sizes = [math.prod(shape) for shape in shapes]
    factors = [factor(shape) for shape in shapes]
    low, high = sorted(len(sizes) + part * (sum(sizes) - len(sizes)) for part in (first, second))
    few, many = share(factors, sizes, low), share(factors, sizes, high)
    assert (sum(few), sum(many)) == (low, high)
    assert all(less <= more for less, more in zip(few, many, strict=True))


@given(SHAPES, DENSITIES, st.randoms(use_true_random=False))
def test_real_valued_shares_do_not_depend_on_the_order_of_layers(shapes, density, random):
    sizes = [math.prod(shape) for shape in shapes]
    budget = Fraction(max(len(sizes), target_count(density, sum(sizes))))
    factors = [factor(shape) for shape in shapes]
    order = list(range(len(shapes)))
    random.shuffle(order)
    straight = share(factors, sizes, budget)
    shuffled = share([factors[i] for i in order], [sizes[i] for i in order], budget)
    assert shuffled == [straight[i] for i in order]


@given(NAMES, SHAPES)
def test_density_one_keeps_every_weight(name, shapes):
    assert counted(name, shapes, "1") == [math.prod(shape) for shape in shapes]


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
