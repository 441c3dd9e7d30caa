"""Pairs keep what they promise for any widths."""

import itertools
from decimal import Decimal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparse.controls.capacity import first_weights, layer_pairs, unit_fan_in
from sparse.controls.narrow import scaled_widths
from sparse.random_positions import random_among

WIDTHS = st.lists(st.integers(1, 60), min_size=1, max_size=5)
SHARES = st.integers(1, 1000).map(lambda parts: Decimal(parts) / 1000)


def chain(widths, inputs, classes):
    sides = itertools.pairwise([inputs, *widths, classes])
    return {str(number): (out, into) for number, (into, out) in enumerate(sides)}


@given(WIDTHS, SHARES, st.integers(1, 30), st.integers(1, 12))
def test_counts_are_those_of_a_network_that_lies_within_the_wide_one(
    widths, share, inputs, classes
):
    try:
        narrow = scaled_widths(widths, share)
    except ValueError:
        assert min(widths) * share < Decimal("0.5")
        return
    both = list(zip(narrow, widths, strict=True))
    assert all(abs(own - share * width) <= Decimal("0.5") for own, width in both)
    wide, dense = chain(widths, inputs, classes), chain(narrow, inputs, classes)
    counts = [pair.active for pair in layer_pairs(wide, dense)]
    assert counts == [out * into for out, into in dense.values()]
    if share == 1:
        assert counts == [out * into for out, into in wide.values()]
    if any(own < width for own, width in both):
        with pytest.raises(ValueError, match="is not within"):
            layer_pairs(dense, wide)


@settings(max_examples=50)
@given(WIDTHS, SHARES, st.sampled_from(["matched", "layer_scaled", "unit_scaled"]), st.booleans())
def test_masks_have_these_counts_and_weights_are_finite(widths, share, init, wide_fan_in):
    try:
        narrow = scaled_widths(widths, share)
    except ValueError:
        return
    draws = torch.Generator().manual_seed(0)
    for pair in layer_pairs(chain(widths, 7, 3), chain(narrow, 7, 3)):
        mask = random_among(torch.ones(pair.wide, dtype=torch.bool), pair.active, draws)
        assert int(unit_fan_in(mask).sum()) == pair.active
        for given_mask, shape in ((mask, pair.wide), (None, pair.dense)):
            weight = first_weights(pair, draws, mask=given_mask, init=init, wide_fan_in=wide_fan_in)
            assert weight.shape == shape
            assert bool(weight.isfinite().all())
