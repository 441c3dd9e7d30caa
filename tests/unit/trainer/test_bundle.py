"""What a dataset may return: numbered examples, named parts, pixels or none."""

from dataclasses import dataclass

import pytest
import torch

from sparse.options import option
from tests.support.cells import make_cell
from tests.support.registering import registered
from trainer import loading
from trainer.data import DATASETS
from trainer.data.bundle import RawData, Split
from trainer.data.cutting import cut
from trainer.loading import load_bundle


def split_of(count=4, *, dtype=torch.uint8, **given):
    inputs = torch.arange(count * 4).view(count, 1, 2, 2).to(dtype)
    return Split(inputs=inputs, targets=torch.arange(count) % 2, **given)


def raw_of(train, test=None, **given):
    return RawData(train=train, test=test, classes=2, scaling="global", **given)


def test_examples_are_numbered_where_that_is_left_out():
    assert split_of(3).ids.tolist() == [0, 1, 2]
    assert split_of(3, ids=torch.tensor([7, 2, 9])).ids.tolist() == [7, 2, 9]
    assert split_of(0).ids.tolist() == []


@pytest.mark.parametrize("ids", [[], [5, 6], [5, 6, 7, 8]])
def test_ids_of_another_length_are_refused_and_not_replaced(ids):
    said = f"a split of 3 inputs, 3 targets and {len(ids)} ids"
    with pytest.raises(ValueError, match=said):
        split_of(3, ids=torch.tensor(ids, dtype=torch.int64))


def test_inputs_and_targets_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="a split of 3 inputs, 2 targets and 2 ids"):
        Split(inputs=torch.zeros(3, 5), targets=torch.tensor([0, 1]))


def test_splits_that_name_no_part_get_the_one_of_their_name():
    raw = raw_of(split_of(6), split_of(3), val=split_of(2))
    assert (raw.train.part, raw.val.part, raw.test.part) == ("train", "val", "test")
    splits = cut(raw)
    assert (splits.train.part, splits.val.part, splits.test.part) == ("train", "val", "test")


def test_what_is_cut_from_the_training_part_keeps_it():
    splits = cut(raw_of(split_of(20)))
    assert (splits.train.part, splits.val.part, splits.test.part) == ("train", "train", "train")


def test_a_part_that_is_named_stays():
    val = split_of(2, part="train", ids=torch.tensor([8, 9]))
    raw = raw_of(split_of(6), split_of(3, part="t10k"), val=val)
    assert (raw.train.part, raw.val.part, raw.test.part) == ("train", "train", "t10k")


def test_an_id_that_two_splits_of_one_part_have_is_refused():
    said = r"3 ids, 0 the first, each name more than one example of part train \(train, test\)"
    with pytest.raises(ValueError, match=said):
        raw_of(split_of(6), split_of(3, part="train"))
    val = split_of(2, part="train", ids=torch.tensor([5, 6]))
    with pytest.raises(ValueError, match=r"1 ids, 5 the first.*\(train, val\)"):
        raw_of(split_of(6), split_of(3), val=val)


def test_an_id_that_stands_twice_in_a_split_is_refused():
    with pytest.raises(ValueError, match=r"1 ids, 4 the first.*of part test \(test\)"):
        raw_of(split_of(6), split_of(3, ids=torch.tensor([4, 1, 4])))


@pytest.mark.parametrize(
    ("dtype", "pixel_max", "white"),
    [
        (torch.uint8, None, 255.0),
        (torch.uint8, 255, 255.0),
        (torch.float32, 16.0, 16.0),
        (torch.float32, None, None),
    ],
)
def test_bytes_are_pixels_and_other_inputs_where_a_white_is_named(dtype, pixel_max, white):
    assert raw_of(split_of(dtype=dtype), pixel_max=pixel_max).white == white


@pytest.mark.parametrize(
    ("dtype", "pixel_max", "said"),
    [
        (torch.uint8, 16, "pixel_max is 16, and the white of bytes is 255"),
        (torch.float32, 0.0, "pixel_max is 0; allowed: a finite number above 0"),
        (torch.float32, float("inf"), "pixel_max is inf; allowed: a finite number above 0"),
    ],
)
def test_a_white_that_cannot_be_is_refused(dtype, pixel_max, said):
    with pytest.raises(ValueError, match=said):
        raw_of(split_of(dtype=dtype), pixel_max=pixel_max)


def test_bytes_beside_other_inputs_are_refused():
    with pytest.raises(ValueError, match=r"split test .*type uint8, and train of .*type float32"):
        cut(raw_of(split_of(20, dtype=torch.float32), split_of(), pixel_max=255))


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotosOptions:
    """Whether the examples of `photos` are bytes, or plain numbers."""

    kind: str = option("bytes", help="what they are", choices=("bytes", "numbers"))


def photos(options, data_root):
    return raw_of(split_of(40, dtype=torch.uint8 if options.kind == "bytes" else torch.float32))


@pytest.fixture(autouse=True)
def nothing_kept():
    """What one test read under the name of `photos` is not another's."""
    loading._load.cache_clear()
    loading._read.cache_clear()


def load(kind, **recipe):
    cell = make_cell(dataset="photos", dataset_options={"kind": kind}, **recipe)
    return load_bundle(cell, None, "cpu")


def as_photos(pixels):
    return registered(
        DATASETS, "photos", photos, summary="for a test", options=PhotosOptions, needs_root=False,
        pixels=pixels,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pixels", "kind", "said"),
    [
        (False, "bytes", "dataset photos: its trait pixels says False, and its data are pixels"),
        (
            True,
            "numbers",
            "dataset photos: its trait pixels says True, and its data are not pixels",
        ),
        ({"when": {"kind": "numbers"}}, "bytes", "says False, and its data are pixels"),
        ({"unless": {"kind": "bytes"}}, "numbers", "says True, and its data are not pixels"),
    ],
)
def test_a_dataset_that_is_not_what_it_was_registered_as_is_refused(pixels, kind, said):
    with as_photos(pixels), pytest.raises(ValueError, match=said):
        load(kind)


@pytest.mark.parametrize(
    ("pixels", "kind"),
    [(True, "bytes"), (False, "numbers"), ({"when": {"kind": "bytes"}}, "bytes")],
)
def test_a_dataset_that_is_what_it_was_registered_as_is_read(pixels, kind):
    with as_photos(pixels):
        bundle = load(kind)
    assert (bundle.normalise is not None) == (kind == "bytes")


def test_bytes_without_a_pixel_max_can_be_augmented():
    with as_photos(True):
        bundle = load("bytes", flip=True)
    assert bundle.train.inputs.dtype == torch.uint8
    white = torch.full((1, 1, 2, 2), 255, dtype=torch.uint8)
    black = torch.zeros((1, 1, 2, 2), dtype=torch.uint8)
    assert (bundle.standardised(white) > bundle.standardised(black)).all()
