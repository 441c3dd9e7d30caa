"""Positions drawn without a tensor of the layer's size are those drawn with one, bit for bit."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from sparse import grow
from sparse.csr.free_places import random_free_positions
from sparse.random_positions import random_among, random_positions
from sparse.select import positions


@st.composite
def layers(draw):
    """(size, occupied, k): sparse, half full and nearly full layers alike."""
    size = draw(st.integers(1, 400))
    count = draw(st.one_of(st.integers(0, size), st.integers(0, size // 20)))
    seed = draw(st.integers(0, 999))
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
    free = size - count
    k = draw(st.one_of(st.integers(0, free), st.integers(0, free // 3)))
    return size, order[:count].sort().values, k


@given(layers(), st.integers(0, 2**31))
def test_the_draws_are_those_among_the_free_positions(layer, seed):
    size, occupied, k = layer
    free = torch.ones(size, dtype=torch.bool).index_fill_(0, occupied, False)
    ours, theirs = (torch.Generator().manual_seed(seed) for _ in range(2))
    found = random_free_positions(size, occupied, k, ours)
    assert torch.equal(found, random_positions(free, k, theirs))
    assert torch.equal(ours.get_state(), theirs.get_state())


@given(st.integers(1, 400), st.data(), st.integers(0, 2**31))
def test_an_initial_mask_is_the_dense_one(size, data, seed):
    k = data.draw(st.integers(0, size))
    none = torch.empty(0, dtype=torch.int64)
    found = random_free_positions(size, none, k, torch.Generator().manual_seed(seed))
    among = torch.ones(size, dtype=torch.bool)
    mask = random_among(among, k, torch.Generator().manual_seed(seed))
    assert torch.equal(found.sort().values, positions(mask))


@given(layers(), st.integers(0, 2**31))
def test_growth_without_a_dense_tensor_is_that_of_set(layer, seed):
    size, occupied, k = layer
    dense = grow.random(size, occupied, k, torch.Generator().manual_seed(seed))
    found = random_free_positions(size, occupied, k, torch.Generator().manual_seed(seed))
    assert torch.equal(found, dense)


def test_a_layer_of_a_trillion_weights_is_drawn_from():
    generator = torch.Generator().manual_seed(0)
    none = torch.empty(0, dtype=torch.int64)
    first = random_free_positions(10**12, none, 1000, generator).sort().values
    more = random_free_positions(10**12, first, 1000, generator)
    assert len(torch.cat([first, more]).unique()) == 2000
    assert 0 <= int(more.min()) <= int(more.max()) < 10**12
    assert int((more > 5 * 10**11).sum()) in range(400, 600)
