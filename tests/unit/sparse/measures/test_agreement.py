"""How far masks agree, in the golden values of A5 and the properties of independent masks (G24)."""

import math

import pytest
import torch

from sparse.measures.agreement import Agreement, jaccard, kappa, layer_drift, layer_kappas, overlap


def layer(both, first, second, total):
    return Agreement(both=both, first=first, second=second, total=total)


def bits(text):
    return torch.tensor([int(character) for character in text])


def test_two_masks_of_three_in_six():
    parts = [Agreement.of(bits("110010"), bits("101010"))]
    assert parts == [layer(2, 3, 3, 6)]
    assert (jaccard(parts), overlap(parts)) == (0.5, 2 / 3)
    assert kappa(parts) == pytest.approx((2 / 3 - 0.5) / (1 - 0.5))


def test_a_mask_agrees_with_itself_and_not_with_its_opposite():
    same = [Agreement.of(bits("110010"), bits("110010"))]
    assert (overlap(same), jaccard(same), kappa(same), layer_drift(same)) == (1.0, 1.0, 1.0, 0.0)
    other = [Agreement.of(bits("110010"), bits("001101"))]
    assert (overlap(other), jaccard(other), kappa(other)) == (0.0, 0.0, -1.0)


@pytest.mark.parametrize("both", [0, 40, 100, 233, 1000])
def test_jaccard_follows_from_the_overlap_of_masks_of_one_size(both):
    parts = [layer(both, 1000, 1000, 10_000)]
    share = overlap(parts)
    assert jaccard(parts) == pytest.approx(share / (2 - share))
    assert kappa(parts) == pytest.approx((share - 0.1) / (1 - 0.1))


@pytest.mark.parametrize(("density", "index"), [(0.1, 0.0526), (0.05, 0.0256)])
def test_what_chance_alone_gives(density, index):
    count = round(density * 100_000)
    parts = [layer(round(density * count), count, count, 100_000)]
    assert overlap(parts) == density
    assert jaccard(parts) == pytest.approx(index, abs=5e-5)
    assert kappa(parts) == 0.0


def test_random_masks_agree_as_often_as_a_hypergeometric_law_says():
    # E[o] = d and sd(o) = (1 - d) / sqrt(N): kappa has a deviation of 1 / sqrt(N), here 0.01.
    generator, found = torch.Generator().manual_seed(0), []
    for _ in range(100):
        first, second = (
            torch.zeros(10_000).index_fill_(
                0, torch.randperm(10_000, generator=generator)[:1000], 1
            )
            for _ in range(2)
        )
        found.append(kappa([Agreement.of(first, second)]))
    values = torch.tensor(found)
    assert abs(float(values.mean())) < 4 * 0.01 / math.sqrt(100)
    assert float(values.std()) == pytest.approx(0.01, rel=0.25)


def test_equal_layer_densities_alone_are_no_agreement():
    # Independent masks of densities 0.8 and 0.02: over all weights together they overlap by 0.71,
    # far above their density of 0.15.
    parts = [layer(1280, 1600, 1600, 2000), layer(4, 200, 200, 10_000)]
    assert overlap(parts) == pytest.approx(0.713, abs=5e-4)
    assert kappa(parts) == pytest.approx(0.0)


def test_layers_count_by_what_they_could_agree_in():
    parts = [layer(50, 100, 100, 1000), layer(10, 10, 10, 10), layer(30, 40, 20, 100)]
    assert layer_kappas(parts) == [pytest.approx(40 / 90), pytest.approx(22 / 22)]
    assert kappa(parts) == pytest.approx((40 + 22) / (90 + 22))
    assert kappa([layer(10, 10, 10, 10)]) is None
    assert kappa([layer(0, 0, 0, 10)]) is None


def test_drift_is_the_share_of_weights_in_another_layer():
    assert layer_drift([layer(5, 30, 10, 100), layer(0, 10, 30, 100)]) == 0.5
    # A network that only loses weights evenly does not drift.
    assert layer_drift([layer(5, 30, 15, 100), layer(0, 10, 5, 100)]) == 0.0


def test_empty_masks_have_neither_overlap_nor_drift():
    empty, filled = layer(0, 0, 5, 10), layer(0, 5, 0, 10)
    assert (overlap([empty]), jaccard([empty]), layer_drift([empty])) == (None, 0.0, None)
    assert (overlap([filled]), jaccard([filled]), layer_drift([filled])) == (0.0, 0.0, None)
    nothing = [layer(0, 0, 0, 10), layer(0, 0, 0, 20)]
    assert (overlap(nothing), jaccard(nothing), layer_drift(nothing)) == (None, None, None)
