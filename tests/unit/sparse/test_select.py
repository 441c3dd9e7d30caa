"""Selection: exact counts, ties by position, NaN refused, uniform draws."""

import math

import pytest
import torch

from sparse import select
from sparse.select import (
    fill,
    largest,
    largest_among,
    largest_global,
    largest_positions,
    positions,
    refuse_nan,
    smallest,
    without,
)


def bools(*entries):
    return torch.tensor(entries, dtype=torch.bool)


def test_largest_takes_the_first_of_equal_scores():
    assert largest(torch.tensor([1.0, 2.0, 2.0, 2.0]), 2).tolist() == [False, True, True, False]


def test_smallest_takes_the_first_of_equal_scores():
    assert smallest(torch.tensor([2.0, 1.0, 1.0, 1.0]), 2).tolist() == [False, True, True, False]


def test_the_mask_has_the_shape_of_the_scores_and_ties_run_along_rows():
    scores = torch.tensor([[0.0, 3.0], [3.0, 3.0]])
    assert largest(scores, 2).tolist() == [[False, True], [True, False]]
    assert largest(scores.T, 2).tolist() == [[False, True], [True, False]]


def test_guard_ties_at_the_threshold_do_not_change_the_count():
    # Published codes compare with the k-th score: ">" then keeps too few, ">=" too many.
    scores = torch.tensor([5.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    for k in range(7):
        assert int(largest(scores, k).sum()) == k


@pytest.mark.parametrize("k", [0, 4])
def test_nothing_and_everything_can_be_selected(k):
    assert int(largest(torch.tensor([1.0, 1.0, -math.inf, 5.0]), k).sum()) == k


@pytest.mark.parametrize("k", [-1, 4])
def test_a_count_that_cannot_be_met_is_refused(k):
    with pytest.raises(ValueError, match=f"k is {k}; it must be between 0 and 3"):
        largest(torch.zeros(3), k)


def test_infinite_scores_are_ranked_and_zeros_of_both_signs_are_equal():
    scores = torch.tensor([-math.inf, 0.0, -0.0, math.inf])
    assert largest(scores, 2).tolist() == [False, True, False, True]


def test_among_limits_the_choice_even_where_candidates_score_lowest():
    scores = torch.tensor([9.0, -math.inf, -math.inf, 8.0])
    among = bools(False, True, True, False)
    assert largest_among(scores, 1, among).tolist() == [False, True, False, False]
    assert smallest(scores, 1, among=bools(True, False, False, True)).tolist() == [
        False,
        False,
        False,
        True,
    ]


def test_more_than_the_candidates_are_refused():
    with pytest.raises(ValueError, match="k is 2; it must be between 0 and 1"):
        largest_among(torch.zeros(3), 2, bools(False, True, False))


def test_whole_numbers_can_be_ranked():
    assert largest(torch.tensor([3, 1, 2]), 2).tolist() == [True, False, True]


@pytest.mark.parametrize(
    "choose",
    [
        lambda scores: largest(scores, 1),
        lambda scores: smallest(scores, 1),
        lambda scores: largest_among(scores, 1, bools(True, True, True)),
        lambda scores: largest_global({"scores": scores}, 1),
    ],
)
def test_nan_is_refused(choose):
    with pytest.raises(ValueError, match="NaN in scores"):
        choose(torch.tensor([1.0, math.nan, 0.0]))


def test_refusal_names_the_tensors_with_a_nan():
    scores = {"a": torch.ones(2), "b": torch.tensor([math.inf, math.nan]), "c": torch.empty(0)}
    with pytest.raises(ValueError, match="NaN in b: "):
        refuse_nan(scores)


def test_global_selection_pools_raw_scores():
    scores = {"a": torch.tensor([9.0, 8.0, 1.0]), "b": torch.tensor([[0.5, 7.0]])}
    chosen = largest_global(scores, 3)
    assert chosen["a"].tolist() == [True, True, False]
    assert chosen["b"].tolist() == [[False, True]]


def test_global_ties_go_to_the_earlier_tensor():
    chosen = largest_global({"a": torch.ones(2), "b": torch.ones(2)}, 3)
    assert [mask.tolist() for mask in chosen.values()] == [[True, True], [True, False]]


def test_global_selection_empties_no_tensor_and_keeps_the_count():
    scores = {"a": torch.tensor([9.0, 8.0, 7.0]), "b": torch.tensor([0.1, 0.2])}
    chosen = largest_global(scores, 3)
    assert [mask.tolist() for mask in chosen.values()] == [[True, True, False], [False, True]]
    chosen = largest_global(scores, 4, minimum=2)
    assert [mask.tolist() for mask in chosen.values()] == [[True, True, False], [True, True]]


def test_global_count_below_the_minimum_is_refused():
    with pytest.raises(
        ValueError, match=r"k is 1; it must lie between 2 \(1 for each of 2 layers\)"
    ):
        largest_global({"a": torch.ones(3), "b": torch.ones(3)}, 1)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("k", [1, 50, 9000, 20000, 34999, 35000])
def test_large_tensors_agree_with_a_stable_sort(k, ties):
    generator = torch.Generator().manual_seed(k)
    scores = torch.randn(200, 175, generator=generator)
    if ties:
        scores = (2 * scores).round()
    order = scores.flatten().sort(descending=True, stable=True).indices[:k]
    expected = torch.zeros(35000, dtype=torch.bool)
    expected[order] = True
    assert torch.equal(largest(scores, k).flatten(), expected)


def test_a_misleading_sample_changes_nothing():
    # The sampled positions hold the largest values, so that the suggested bracket is far too high.
    size = 40 * select._SAMPLE
    scores = torch.arange(size, dtype=torch.float32)
    scores[:: size // select._SAMPLE | 1] += size
    part, rank = select._bracketed(scores, 9000)
    assert (len(part), rank) == (size, 9000)
    assert torch.equal(largest(scores, 9000), scores >= scores.sort(descending=True).values[8999])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("k", [0, 1, 700, 4000, 9000, 17000])
def test_positions_in_large_tensors_are_those_of_the_mask(k, ties):
    generator = torch.Generator().manual_seed(k)
    scores = torch.randn(200, 175, generator=generator)
    among = torch.rand(200, 175, generator=generator) < 0.5
    if ties:
        scores = (2 * scores).round()
    assert torch.equal(
        largest_positions(scores, k), largest(scores, k).flatten().nonzero().flatten()
    )
    expected = largest_among(scores, k, among).flatten().nonzero().flatten()
    assert torch.equal(largest_positions(scores, k, among=among), expected)


@pytest.mark.parametrize("few", [False, True])
def test_a_misleading_sample_costs_no_position(few):
    # The sample holds the largest values: more of them than k, or hardly any other is free.
    scores = torch.arange(40000, dtype=torch.float32)
    scores[:: select._stride(40000)] += 40000
    among = torch.zeros(40000, dtype=torch.bool)
    among[:: select._stride(40000)] = True
    if few:
        among[:30] = True
    k = int(among.sum())
    found = largest_positions(scores, k, among=among)
    assert torch.equal(found, among.nonzero().flatten())
    assert torch.equal(largest_positions(scores, 500), scores.topk(500).indices.sort().values)


def test_more_positions_than_there_are_to_choose_from_are_refused():
    with pytest.raises(ValueError, match="k is 2; it must be between 0 and 1"):
        largest_positions(torch.zeros(3), 2, among=bools(False, True, False))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.08, 0.5, 1.0])
@pytest.mark.parametrize("size", [0, 7, 4096, 4100])
def test_positions_are_found_whatever_their_number_is_said_to_be(size, share):
    mask = torch.rand(size, generator=torch.Generator().manual_seed(size)) < share
    expected = mask.nonzero().flatten()
    for view in (mask, torch.cat([mask[:3], mask])[3:], mask.float()):
        for count in (None, len(expected)):
            assert torch.equal(positions(view, count), expected)


def test_on_a_device_nan_rank_last_but_one_and_the_count_is_exact():
    scores = torch.tensor([math.nan, 1.0, -math.inf, math.nan, 2.0, -3.0])
    ranked = [4, 1, 5, 0, 3, 2]
    for k in range(1, 7):
        found = select._top_on_device(scores, k)
        assert sorted(ranked[:k]) == found.nonzero().flatten().tolist()


def test_nan_that_would_have_to_be_waited_for_are_not_looked_for():
    with pytest.raises(ValueError, match="NaN in here"):
        refuse_nan({"here": torch.tensor([math.nan])}, wait=False)
    refuse_nan({"there": torch.empty(2, device="meta")}, wait=False)


def test_positions_count_rows_first():
    assert positions(torch.tensor([[0.0, 1.0], [1.0, 0.0]])).tolist() == [1, 2]
    assert without(torch.tensor([5, 1, 7]), torch.tensor([7, 2])).tolist() == [5, 1]


def test_fill_writes_through_any_layout():
    for base in (torch.zeros(2, 3), torch.zeros(3, 2).T, torch.zeros(2, 6)[:, ::2]):
        fill(base, torch.tensor([1, 3]), 4.0)
        assert base.tolist() == [[0.0, 4.0, 0.0], [4.0, 0.0, 0.0]]


@pytest.mark.gpu
@pytest.mark.parametrize("k", [0, 1, 300, 9000, 17000, 20000])
def test_a_cuda_device_selects_what_the_cpu_selects(k):
    scores = torch.randn(20000, generator=torch.Generator().manual_seed(k)).mul(50).round()
    assert torch.equal(largest(scores.cuda(), k).cpu(), largest(scores, k))
