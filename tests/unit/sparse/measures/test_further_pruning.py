"""Which weights go when a sparse network is pruned further, and how large weights are."""

import pytest
import torch

from sparse.measures.further_pruning import (
    CRITERIA,
    SCOPES,
    quantile,
    relative_sizes,
    removal_scores,
    removed,
)

WEIGHTS = [torch.tensor([0.1, -0.5, 0.2, 0.4]), torch.tensor([-0.3, 0.9, -0.05, 0.6])]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def gone(criterion, percent, scope, weights=WEIGHTS, seed=0):
    masks = removed(removal_scores(weights, criterion, generator(seed)), percent, scope)
    return [mask.nonzero().flatten().tolist() for mask in masks]


@pytest.mark.parametrize(
    ("criterion", "percent", "scope", "expected"),
    [
        ("magnitude", 25, "layer", [[0], [2]]),
        ("magnitude", 50, "layer", [[0, 2], [0, 2]]),
        ("magnitude", 50, "global", [[0, 2], [0, 2]]),
        ("magnitude", 60, "global", [[0, 2], [0, 2]]),  # floor(4.8)
        ("magnitude", 70, "global", [[0, 2, 3], [0, 2]]),
        ("largest", 25, "layer", [[1], [1]]),
        ("largest", 25, "global", [[], [1, 3]]),
        ("largest", 50, "global", [[1, 3], [1, 3]]),
        ("random", 0, "global", [[], []]),
        ("random", 100, "layer", [[0, 1, 2, 3], [0, 1, 2, 3]]),
    ],
)
def test_the_lowest_go_layer_by_layer_or_over_all(criterion, percent, scope, expected):
    assert gone(criterion, percent, scope) == expected


def test_ties_go_to_the_lower_position_and_the_earlier_layer():
    equal = [torch.ones(3), torch.ones(3)]
    assert gone("magnitude", 50, "global", equal) == [[0, 1, 2], []]
    assert gone("largest", 34, "layer", equal) == [[0], [0]]


def test_percents_are_decimals():
    # In floating point 0.29 * 100 is 28.999999999999996.
    assert len(gone("magnitude", 29, "layer", [torch.arange(100.0)])[0]) == 29


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("criterion", CRITERIA)
def test_what_a_smaller_share_prunes_a_larger_one_prunes_too(criterion, scope):
    weights = [torch.randn(97, generator=generator(1)), torch.randn(211, generator=generator(2))]
    scores, before = removal_scores(weights, criterion, generator()), 0
    taken = [torch.zeros(97, dtype=torch.bool), torch.zeros(211, dtype=torch.bool)]
    for percent in (1, 5, 20, 50, 90, 100):
        now = removed(scores, percent, scope)
        assert all(bool((new | ~old).all()) for old, new in zip(taken, now, strict=True))
        count = sum(int(mask.sum()) for mask in now)
        assert count > before
        taken, before = now, count
    assert before == 308


@pytest.mark.parametrize("scope", SCOPES)
def test_pruning_by_a_half_and_by_a_fifth_is_pruning_by_three_fifths_at_once(scope):
    weights = [torch.randn(100, generator=generator(1)), torch.randn(300, generator=generator(2))]
    once = removed(removal_scores(weights, "magnitude", generator()), 60, scope)
    first = removed(removal_scores(weights, "magnitude", generator()), 50, scope)
    left = [weight[~mask] for weight, mask in zip(weights, first, strict=True)]
    second = removed(removal_scores(left, "magnitude", generator()), 20, scope)
    for weight, at_once, rest, more in zip(weights, once, left, second, strict=True):
        assert torch.equal(weight[~at_once], rest[~more])


def test_random_prunings_are_named_and_differ_between_draws():
    weights = [torch.randn(50, generator=generator(1))]
    first, second, again = (gone("random", 30, "layer", weights, seed) for seed in (0, 1, 0))
    assert (len(first[0]), first) == (15, again)
    assert first != second


def test_sizes_are_relative_to_the_deviation_of_their_layer():
    # Deviations 1 and 10 about means of 0; a layer of equal weights has none.
    sizes = relative_sizes(
        [torch.tensor([1.0, -1.0]), torch.tensor([10.0, -10.0]), torch.ones(4), torch.ones(0)]
    )
    assert sizes.tolist() == [1.0, 1.0, 1.0, 1.0]


def test_quantiles_are_values_that_occur():
    values = torch.tensor([4.0, 1.0, 3.0, 2.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0])
    assert [quantile(values, share) for share in (0.1, 0.5, 0.9, 0.29)] == [1.0, 5.0, 9.0, 3.0]
