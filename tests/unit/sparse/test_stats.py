"""Statistics of masks."""

import pytest
import torch

from sparse.stats import (
    collapsed_layers,
    explored_rate,
    layer_stats,
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


def test_the_explored_rate_is_the_share_ever_active():
    seen = bits(0, 1) | bits(1, 5) | bits(5, 6)
    assert explored_rate([ToyLayer("w", torch.zeros(len(seen)))], {"w": seen}) == 0.5
