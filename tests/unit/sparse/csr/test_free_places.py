"""Free places of a matrix that is not there."""

import pytest
import torch

from sparse.csr.free_places import FreePlaces
from sparse.random_positions import random_positions


@pytest.mark.parametrize("dead", [(), (0, 2), (0, 1, 2, 3, 5, 6)])
@pytest.mark.parametrize("k", [1, 4, 9])
def test_free_places_are_drawn_as_from_a_mask_of_them(dead, k):
    outputs, inputs = torch.ones(8, dtype=torch.bool), torch.ones(11, dtype=torch.bool)
    outputs[list(dead)] = False
    inputs[[n for n in dead if n != 3]] = False
    free = outputs.view(-1, 1) & inputs
    taken = torch.tensor([1, 12, 13, 47, 80])
    free.view(-1)[taken] = False
    places = FreePlaces((8, 11), taken, outputs, inputs)
    assert len(places) == int(free.sum())
    for seed in range(20):
        one, other = (torch.Generator().manual_seed(seed) for _ in range(2))
        assert torch.equal(random_positions(free, k, one), places.draw(k, other))
        assert torch.equal(one.get_state(), other.get_state())
