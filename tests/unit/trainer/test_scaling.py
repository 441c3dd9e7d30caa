"""Pixels stay pixels and are standardised in the network; everything else is standardised once."""

import numpy as np
import pytest
import torch

from tests.support.cells import make_cell, sources_of
from trainer.data.bundle import RawData, Split, as_pixels
from trainer.data.cutting import cut
from trainer.data.scaling import as_bundle
from trainer.loading import load_bundle
from trainer.subsets import uniform_subset


def bytes_of(count=40, channels=3):
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, channels, 4, 4), dtype=torch.uint8, generator=draws)
    return Split(inputs=images, targets=torch.arange(count) % 2)


def raw_of(train, **given):
    settings = {"test": None, "classes": 2, "scaling": "channel", "pixel_max": 255.0, **given}
    return RawData(train=train, **settings)


@pytest.mark.parametrize(("scaling", "dims"), [("channel", (0, 2, 3)), ("global", (0, 1, 2, 3))])
def test_the_moments_of_bytes_are_those_of_the_training_split(scaling, dims):
    splits = cut(raw_of(bytes_of(), scaling=scaling))
    bundle = as_bundle(splits, "cpu", pixels=False)
    assert bundle.train.inputs.dtype == torch.uint8
    seen = bundle.standardised(bundle.train.inputs).double()
    assert torch.allclose(seen.mean(dims), torch.zeros(()).double(), atol=1e-6)
    assert torch.allclose(seen.std(dims, unbiased=False), torch.ones(()).double(), atol=1e-5)


def test_published_moments_take_the_place_of_measured_ones():
    moments = ((0.5, 0.4, 0.3), (0.2, 0.25, 0.1))
    bundle = as_bundle(cut(raw_of(bytes_of(), moments=moments)), "cpu", pixels=False)
    white = torch.full((1, 3, 4, 4), 255, dtype=torch.uint8)
    assert bundle.standardised(white)[0, :, 0, 0].tolist() == pytest.approx([2.5, 2.4, 7.0])


def test_a_constant_channel_becomes_zero_and_not_infinite():
    train = Split(
        inputs=torch.full((20, 1, 2, 2), 9, dtype=torch.uint8), targets=torch.arange(20) % 2
    )
    bundle = as_bundle(cut(raw_of(train)), "cpu", pixels=False)
    assert bundle.standardised(bundle.train.inputs).unique().tolist() == [0.0]


def test_pixels_are_in_the_unit_box_and_look_to_the_network_as_before():
    plain = load_bundle(make_cell(dataset="digits"), None, "cpu")
    boxed = load_bundle(make_cell(dataset="digits", flip=True), None, "cpu")
    assert plain.normalise is None
    assert float(boxed.train.inputs.min()) == 0.0
    assert float(boxed.train.inputs.max()) == 1.0
    torch.testing.assert_close(boxed.standardised(boxed.test.inputs), plain.test.inputs)


def test_data_without_pixels_has_no_box():
    with pytest.raises(ValueError, match="no pixels"):
        load_bundle(make_cell(dataset="wine", crop=1), None, "cpu")


def test_bytes_become_fractions_of_white():
    assert as_pixels(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist() == pytest.approx(
        [0, 0.2, 1]
    )
    assert as_pixels(torch.tensor([0.3])).tolist() == pytest.approx([0.3])


def test_a_validation_split_of_its_own_is_not_cut_again():
    splits = cut(raw_of(bytes_of(40), val=bytes_of(6), test=bytes_of(8)))
    assert (len(splits.train), len(splits.val), len(splits.test)) == (40, 6, 8)


def test_examples_keep_their_numbers_through_cutting_and_choosing():
    splits = cut(raw_of(bytes_of(40)))
    numbers = torch.cat([splits.train.ids, splits.val.ids, splits.test.ids])
    assert numbers.sort().values.tolist() == list(range(40))
    cell = make_cell(dataset="digits", data_ratio="0.5")
    some = load_bundle(cell, sources_of(cell, None), "cpu")
    whole = load_bundle(make_cell(dataset="digits"), None, "cpu")
    rows = {int(number): row for row, number in enumerate(whole.train.ids)}
    targets = [int(whole.train.targets[rows[int(number)]]) for number in some.train.ids]
    assert targets == some.train.targets.tolist()


def test_the_published_subsets_are_nested_and_those_of_the_released_code():
    raw = raw_of(bytes_of(), subset="published")
    half, third = (uniform_subset(raw, 45000, ratio) for ratio in ("0.5", "0.3"))
    assert half[:8].tolist() == [41598, 26343, 24434, 33891, 8915, 18831, 37927, 11572]
    assert (len(half), int(half.sum())) == (22500, 505472168)
    assert (len(third), int(third.sum())) == (13500, 303081924)
    assert torch.equal(half[:13500], third)
    assert len(uniform_subset(raw, 45000, "0.7")) == 31499
    chosen = np.random.RandomState(12345).choice(np.arange(45000), 22500, replace=False)
    assert (half.numpy() == chosen).all()


def test_nested_subsets_are_nested_and_rounded_to_the_nearest_count():
    raw = raw_of(bytes_of())
    tenth, third = (uniform_subset(raw, 45, ratio) for ratio in ("0.1", "0.3"))
    assert (len(tenth), len(third)) == (5, 14)
    assert set(tenth.tolist()) <= set(third.tolist())
    assert len(uniform_subset(raw, 40, "0.0125")) == 1


@pytest.mark.parametrize(
    ("subset", "ratio"), [("nested", "0.0124"), ("published", "0.024")], ids=["nested", "published"]
)
def test_a_share_of_no_example_is_refused(subset, ratio):
    with pytest.raises(ValueError, match=f"data_ratio {ratio} keeps none of 40 training examples"):
        uniform_subset(raw_of(bytes_of(), subset=subset), 40, ratio)
