"""Random selection is exact and uniform, repeats, and leaves generators as promised."""

import math

import pytest
import torch

from sparse.random_positions import first_of_permutation, random_among, random_positions


def test_random_draws_have_the_exact_count_and_stay_among_the_candidates():
    among = torch.rand(40, 50, generator=torch.Generator().manual_seed(0)) < 0.8
    for k in (0, 1, 100, 1000, int(among.sum())):
        chosen = random_among(among, k, torch.Generator().manual_seed(k))
        assert int(chosen.sum()) == k
        assert not bool((chosen & ~among).any())


def test_random_draws_repeat_with_the_generator_and_differ_between_generators():
    among = torch.ones(5000, dtype=torch.bool)
    first, again, other = (
        random_among(among, 400, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("candidates", "k"), [(20, 2), (20, 15), (3, 1)])
def test_random_draws_are_uniform(candidates, k):
    # chi-squared over `candidates` of 20 positions: beyond mean + 6 standard deviations never.
    among = torch.arange(20) < candidates
    generator = torch.Generator().manual_seed(7)
    drawn = sum(random_among(among, k, generator).double() for _ in range(3000))[:candidates]
    expected = 3000 * k / candidates
    spread = ((drawn - expected) ** 2 / (expected * (1 - k / candidates))).sum()
    assert spread < candidates + 6 * math.sqrt(2 * candidates)


def test_random_draws_do_not_touch_the_global_generator():
    before = torch.get_rng_state()
    random_positions(torch.ones(5000, dtype=torch.bool), 300, torch.Generator().manual_seed(0))
    assert torch.equal(before, torch.get_rng_state())


def test_more_random_draws_than_candidates_are_refused():
    with pytest.raises(ValueError, match="k is 2; it must be between 0 and 1"):
        random_positions(torch.tensor([False, True]), 2, torch.Generator())


@pytest.mark.gpu
def test_draws_for_a_cuda_device_are_those_of_the_generator_on_the_cpu():
    among = torch.arange(20000) % 3 > 0
    for k in (300, 13000):
        drawn, on_cuda = (
            random_positions(mask, k, torch.Generator().manual_seed(0))
            for mask in (among, among.cuda())
        )
        assert torch.equal(on_cuda.cpu(), drawn)


@pytest.mark.parametrize("k", [1, 2, 4_001, 524_289])
def test_the_beginning_of_a_permutation_has_its_bits_and_leaves_the_generator_as_it_does(k):
    count = 2**20 + 7
    one, other = (torch.Generator().manual_seed(5) for _ in range(2))
    assert torch.equal(
        torch.randperm(count, generator=one)[:k], first_of_permutation(count, k, other)
    )
    assert torch.equal(torch.rand(3, generator=one), torch.rand(3, generator=other))


def test_of_very_many_places_distinct_ones_are_drawn():
    places = first_of_permutation(10**12, 1000, torch.Generator().manual_seed(0))
    assert len(places.unique()) == 1000
    assert 0 <= int(places.min()) < 10**11
    assert 9 * 10**11 < int(places.max()) < 10**12
