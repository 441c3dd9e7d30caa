"""Which examples a share keeps: rankings, ties, and equal numbers of every class."""

import pytest
import torch

from trainer.subsets import (
    by_draw,
    by_score,
    equal_counts,
    first_of_each_class,
)

SCORES = torch.tensor([0.2, 0.9, 0.5, 0.9, 0.1]).double()


def test_the_highest_come_first_and_equal_ones_by_the_lower_id():
    """A published selection is ascending but for a name that nobody gives."""
    ids = torch.tensor([10, 31, 12, 7, 14])
    assert by_score(SCORES, ids, highest_first=True).tolist() == [3, 1, 2, 0, 4]
    assert by_score(SCORES, ids, highest_first=False).tolist() == [4, 0, 2, 3, 1]


def test_a_ranking_is_of_examples_and_not_of_their_positions():
    """The same examples in another order of the split are ranked the same."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randperm(50, generator=generator) * 3
    scores = (ids % 7).double()
    shuffled = torch.randperm(50, generator=generator)
    first = ids[by_score(scores, ids, highest_first=True)]
    again = ids[shuffled][by_score(scores[shuffled], ids[shuffled], highest_first=True)]
    assert first.tolist() == again.tolist()


def test_a_random_ranking_is_named_by_its_seed():
    first, again, other = (by_draw(100, seed).tolist() for seed in (0, 0, 1))
    assert first == again != other
    assert sorted(first) == list(range(100))


@pytest.mark.parametrize(
    ("sizes", "count", "expected"),
    [
        ([5, 5, 5], 6, [2, 2, 2]),
        ([5, 5, 5], 7, [3, 2, 2]),
        ([5, 5, 5], 15, [5, 5, 5]),
        ([1, 5, 5], 8, [1, 4, 3]),
        ([1, 2, 9], 12, [1, 2, 9]),
        ([0, 4, 4], 3, [0, 2, 1]),
        ([9, 1, 9], 1, [1, 0, 0]),
    ],
)
def test_classes_get_equal_counts_as_far_as_there_are(sizes, count, expected):
    assert equal_counts(sizes, count) == expected


def test_the_best_of_every_class_are_taken_in_the_order_of_rank():
    targets = torch.tensor([0, 0, 0, 1, 1, 2])
    ranked = torch.tensor([2, 0, 1, 4, 3, 5])
    assert first_of_each_class(ranked, targets, 3).tolist() == [2, 4, 5]
    assert first_of_each_class(ranked, targets, 5).tolist() == [2, 0, 4, 3, 5]
