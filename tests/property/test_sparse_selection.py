"""Selection is exact for any scores, ties and infinities included."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from sparse import select
from sparse.drop import signed, whole_share
from sparse.random_positions import random_positions
from sparse.select import (
    largest,
    largest_among,
    largest_global,
    largest_positions,
    positions,
    smallest,
)

SCORES = st.lists(
    st.one_of(
        st.integers(-2, 2).map(float),
        st.floats(width=32, allow_nan=False),
        st.sampled_from([math.inf, -math.inf, -0.0]),
    ),
    min_size=1,
    max_size=40,
)


def ranked(scores):
    """Positions from the largest score to the smallest, equal ones in order: the specification."""
    return sorted(range(len(scores)), key=lambda at: (-scores[at], at))


def chosen(mask):
    return set(mask.flatten().nonzero().flatten().tolist())


@given(SCORES, st.data())
def test_largest_and_smallest_are_prefixes_of_the_ranking(scores, data):
    k = data.draw(st.integers(0, len(scores)))
    tensor = torch.tensor(scores)
    assert chosen(largest(tensor, k)) == set(ranked(scores)[:k])
    assert chosen(smallest(tensor, k)) == set(ranked([-score for score in scores])[:k])


@given(SCORES, st.data())
def test_among_selects_like_on_the_candidates_alone(scores, data):
    flags = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))
    k = data.draw(st.integers(0, sum(flags)))
    expected = [at for at in ranked(scores) if flags[at]][:k]
    found = largest_among(torch.tensor(scores), k, torch.tensor(flags))
    assert chosen(found) == set(expected)


@given(SCORES, st.data())
def test_positions_are_those_of_the_mask(scores, data):
    tensor = torch.tensor(scores)
    k = data.draw(st.integers(0, len(scores)))
    expected = largest(tensor, k).nonzero().flatten()
    assert torch.equal(largest_positions(tensor, k), expected)
    assert torch.equal(positions(largest(tensor, k), k), expected)


@given(SCORES, st.data())
def test_positions_among_some_are_those_of_the_mask(scores, data):
    flags = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))
    k = data.draw(st.integers(0, sum(flags)))
    tensor, among = torch.tensor(scores).clamp_min(-1e30), torch.tensor(flags)
    expected = largest_among(tensor, k, among).nonzero().flatten()
    assert torch.equal(largest_positions(tensor, k, among=among), expected)


@given(SCORES, st.data())
def test_what_runs_on_a_device_chooses_the_same(scores, data):
    tensor = torch.tensor(scores)
    k = data.draw(st.integers(1, len(scores)))
    assert torch.equal(select._top_on_device(tensor, k), largest(tensor, k))


@given(st.lists(SCORES, min_size=1, max_size=4), st.integers(1, 3), st.data())
def test_global_selection_is_exact_and_keeps_every_minimum(parts, minimum, data):
    floors = [min(minimum, len(part)) for part in parts]
    k = data.draw(st.integers(sum(floors), sum(map(len, parts))))
    scores = {str(i): torch.tensor(part) for i, part in enumerate(parts)}
    masks = list(largest_global(scores, k, minimum=minimum).values())
    assert sum(int(mask.sum()) for mask in masks) == k
    for mask, part, floor in zip(masks, parts, floors, strict=True):
        count = int(mask.sum())
        assert count >= floor
        assert chosen(mask) == set(ranked(part)[:count])
    # What is kept beyond the minima is nowhere worse than what is left out.
    extra = [part[at] for part, mask, floor in zip(parts, masks, floors, strict=True)
             for at in ranked(part)[floor : int(mask.sum())]]  # fmt: skip
    left = [part[at] for part, mask in zip(parts, masks, strict=True)
            for at in ranked(part)[int(mask.sum()) :]]  # fmt: skip
    assert not extra or not left or min(extra) >= max(left)


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(0, 2**31), st.data())
def test_random_positions_are_distinct_candidates(flags, seed, data):
    k = data.draw(st.integers(0, sum(flags)))
    drawn = random_positions(torch.tensor(flags), k, torch.Generator().manual_seed(seed)).tolist()
    assert len(set(drawn)) == len(drawn) == k
    assert all(flags[at] for at in drawn)


@given(SCORES, st.integers(1, 99), st.one_of(st.none(), st.integers(0, 40)))
def test_signed_drop_counts_each_sign_and_respects_its_limit(scores, percent, limit):
    fraction = percent / 100
    weight = torch.tensor(scores)
    dropped = signed(weight, torch.arange(len(scores)), fraction, limit=limit).tolist()
    below = sum(score < 0 for score in scores)
    full = whole_share(fraction, below) + whole_share(fraction, len(scores) - below)
    assert len(set(dropped)) == len(dropped) == (full if limit is None else min(full, limit))
    for side in (True, False):
        members = [at for at, score in enumerate(scores) if (score < 0) == side]
        gone = [abs(scores[at]) for at in members if at in dropped]
        stay = [abs(scores[at]) for at in members if at not in dropped]
        assert not gone or not stay or max(gone) <= min(stay)
