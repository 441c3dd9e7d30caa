"""How many weights of each sign the published code of the hard-sample study drops.

Of p positive weights min(p, floor(r p) + 1), of n negative ones n - floor((1 - r) n), wherever the
layer has an inactive position. So one positive weight goes even where r is 0.
"""

import math

import pytest
import torch

from sparse import drop


def layer(seed: int, active: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(active, generator=generator, dtype=torch.float64), torch.arange(active)


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.35, 0.8])
def test_counts_of_both_signs(fraction):
    for seed in range(100):
        weight, active = layer(seed, active=2 + seed)
        zeros = 1 + seed % 7
        dropped = weight[drop.set2018(weight, active, fraction, zeros=zeros)]
        positive, negative = int((weight > 0).sum()), int((weight < 0).sum())
        assert int((dropped > 0).sum()) == min(positive, math.floor(fraction * positive) + 1)
        assert int((dropped < 0).sum()) == negative - math.floor((1 - fraction) * negative)


def test_of_a_large_layer_a_fifth_is_dropped():
    weight, active = layer(0, active=100_000)
    share = len(drop.set2018(weight, active, 0.2, zeros=100_000)) / len(active)
    assert share == pytest.approx(0.2, abs=5e-5)
    assert len(drop.signed(weight, active, 0.2)) / len(active) == pytest.approx(0.2, abs=5e-5)
