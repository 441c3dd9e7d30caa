"""Splits that do not fit each other are refused before anything is trained."""

import pytest
import torch

from tests.support.cells import make_cell, train
from tests.support.image_sets import write_idx
from trainer.data.bundle import RawData, Split
from trainer.data.cutting import cut
from trainer.data.idx import IdxOptions, idx


def split_of(count=20, shape=(1, 4, 4), classes=2, kind=torch.uint8):
    return Split(
        inputs=torch.zeros(count, *shape, dtype=kind), targets=torch.arange(count) % classes
    )


def raw_of(train, **given):
    return RawData(**{"train": train, "test": None, "classes": 2, "scaling": "channel", **given})


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            raw_of(split_of(20, classes=10), classes=10),
            "the split val of the dataset is empty: raise val_fraction, or give more than 20 exam",
        ),
        (
            raw_of(split_of(20, classes=10), classes=10, val=split_of(), test_fraction=0.1),
            "the split test of the dataset is empty: raise test_fraction, or give more than 20",
        ),
        (
            raw_of(split_of(2, classes=1), val_fraction=0.4, test_fraction=0.4),
            "the split train of the dataset is empty: lower val_fraction or test_fraction, or give",
        ),
        (
            raw_of(split_of(), test=split_of(0)),
            "the split test of the dataset is empty: its file holds no example",
        ),
        (
            raw_of(split_of(), test=split_of(shape=(1, 5, 4))),
            "the split test of the dataset has inputs of shape 1 x 5 x 4 and type uint8, and train "
            "of shape 1 x 4 x 4 and type uint8; name files",
        ),
        (
            raw_of(split_of(kind=torch.float32), val=split_of(kind=torch.float64)),
            "the split val of the dataset has inputs of shape 1 x 4 x 4 and type float64, and",
        ),
        (
            raw_of(split_of(), test=split_of(classes=3)),
            "the split test of the dataset has a target 2, and there are 2 classes, 0 to 1; name",
        ),
        (
            raw_of(Split(inputs=torch.zeros(20, 3), targets=torch.arange(20) % 2 - 1)),
            "the split train of the dataset has a target -1, and there are 2 classes",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_split_and_the_cure(raw, message):
    with pytest.raises(ValueError, match=message):
        cut(raw)


def folder_of(root, *, train, test):
    """An IDX folder; each part a number of classes and a side in pixels."""
    for part, (classes, side) in (("train", train), ("t10k", test)):
        labels = torch.arange(40) % classes
        write_idx(root / "own" / f"{part}-labels-idx1-ubyte", labels.byte().numpy())
        images = torch.zeros(40, side, side, dtype=torch.uint8)
        write_idx(root / "own" / f"{part}-images-idx3-ubyte", images.numpy())


@pytest.mark.parametrize("classes", [(3, 4), (4, 3)])
def test_the_classes_of_a_folder_are_those_of_both_parts(classes, tmp_path):
    folder_of(tmp_path, train=(classes[0], 6), test=(classes[1], 6))
    assert idx(IdxOptions(folder="own"), tmp_path).classes == 4


def test_it_is_told_before_training_and_not_by_its_last_step(tmp_path):
    folder_of(tmp_path, train=(3, 8), test=(3, 10))
    cell = make_cell(dataset="idx", dataset_options={"folder": "own"}, model="convnet")
    (outcome,) = train(cell, data_root=tmp_path).values()
    assert (outcome.state, outcome.error["phase"]) == ("FAILED", "load")
    assert (
        "the split test of the dataset has inputs of shape 1 x 10 x 10" in outcome.error["message"]
    )
