"""Statistics of masks."""

import pytest
import torch

from sparse.stats import (
    chance_corrected,
    collapsed_layers,
    explored_rate,
    jaccard,
    layer_stats,
    overlap,
    realised_density,
    table,
)
from tests.support.toy import ToyLayer


def bits(*positions, size=8):
    mask = torch.zeros(size, dtype=torch.bool)
    mask[list(positions)] = True
    return mask


@pytest.fixture
def stats():
    layers = [
        ToyLayer("conv", torch.ones(2, 2, 1, 1), torch.tensor([1, 0, 0, 0]).view(2, 2, 1, 1)),
        ToyLayer("head", torch.ones(2, 3), torch.zeros(2, 3)),
    ]
    return layer_stats(layers)


def test_layers_are_counted_from_their_masks(stats):
    assert [(item.name, item.total, item.active, item.density) for item in stats] == [
        ("conv", 4, 1, 0.25),
        ("head", 6, 0, 0.0),
    ]
    assert realised_density(stats) == 0.1


def test_a_layer_without_active_weights_has_collapsed(stats):
    assert collapsed_layers(stats) == ("head",)


def test_the_table_ends_with_the_network_and_what_has_collapsed(stats):
    lines = [
        "conv  2x2x1x1            1 of           4  25.0000%",
        "head      2x3            0 of           6   0.0000%",
        "all                      1 of          10  10.0000%",
        "collapsed, nothing passes through: head",
    ]
    assert table(stats).splitlines() == lines
    assert table(stats[:1]).splitlines() == [
        "conv  2x2x1x1            1 of           4  25.0000%",
        "all                      1 of           4  25.0000%",
    ]


def test_overlap_and_jaccard_of_masks_of_one_size():
    first, second = {"w": bits(0, 1, 2, 3)}, {"w": bits(2, 3, 4, 5)}
    assert overlap(first, first) == jaccard(first, first) == 1
    assert overlap(first, second) == 0.5
    assert jaccard(first, second) == pytest.approx(0.5 / (2 - 0.5))


def test_chance_correction_is_zero_at_the_density_and_one_for_equal_masks():
    assert chance_corrected(0.1, 0.1) == 0
    assert chance_corrected(1.0, 0.1) == 1


def test_random_masks_overlap_by_their_density():
    generator = torch.Generator().manual_seed(0)
    first, second = ({"w": torch.rand(100_000, generator=generator) < 0.1} for _ in range(2))
    assert overlap(first, second) == pytest.approx(0.1, abs=0.02)


def test_the_explored_rate_is_the_share_ever_active():
    seen = bits(0, 1) | bits(1, 5) | bits(5, 6)
    assert explored_rate([ToyLayer("w", torch.zeros(len(seen)))], {"w": seen}) == 0.5
