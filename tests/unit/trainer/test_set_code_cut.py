"""Tables cut as SET's released code does: its rows, and its standardisation."""

import json

import numpy as np
import pytest
import torch
from scipy.io import savemat

from sparse.options import build_options
from tests.support.cells import component, make_cell, sources_of
from tests.support.image_sets import write_idx
from trainer.data.asu import AsuOptions
from trainer.data.brought import TableOptions
from trainer.data.bundle import RawData, Split
from trainer.data.csv_file import CsvOptions
from trainer.data.cutting import cut, set_code_parts
from trainer.data.idx import IdxOptions
from trainer.loading import load_bundle

SET_CODE = {"split": "set_code"}


def bundle_of(dataset, root=None, **options):
    cell = make_cell(dataset=dataset, dataset_options={**SET_CODE, **options})
    return load_bundle(cell, sources_of(cell, root), "cpu")


def test_golden_rows_of_seed_0():
    train, val, test = set_code_parts(203, 0.1, 0)
    assert train[:8].tolist() == [18, 45, 33, 37, 109, 90, 5, 124]
    assert torch.cat([train, val, test]).sort().values.tolist() == list(range(203))


# 203 rows are those of lung, where one mistake is 1.47 points.
@pytest.mark.parametrize(
    ("rows", "trained", "tested"),
    [
        (203, 135, 68),
        (62, 41, 21),
        (72, 48, 24),
        (73, 48, 25),
        (1560, 1040, 520),
        (1943, 1295, 648),
        (2600, 1733, 867),
    ],
)
def test_two_thirds_are_trained_on_and_validation_is_taken_from_them(rows, trained, tested):
    train, val, test = set_code_parts(rows, 0.1, 3)
    assert (len(train) + len(val), len(test)) == (trained, tested)
    assert len(val) == int(0.1 * trained + 0.5)
    other = set_code_parts(rows, 0.4, 3)
    assert torch.equal(torch.cat([train, val]), torch.cat(other[:2]))
    assert torch.equal(test, other[2])


def test_it_is_a_shuffle_of_all_positions_in_place():
    order = np.arange(62)
    np.random.RandomState(7).shuffle(order)
    train, val, test = set_code_parts(62, 0.2, 7)
    assert torch.cat([train, val, test]).tolist() == order.tolist()


def test_every_way_to_a_table_gives_the_same_rows(test_data):
    bundle = bundle_of("asu", test_data, file="asu/colon", val_fraction=0.1)
    train, val, test = set_code_parts(62, 0.1, 0)
    assert bundle.train.ids.tolist() == train.tolist()
    assert bundle.val.ids.tolist() == val.tolist()
    assert bundle.test.ids.tolist() == test.tolist()
    assert set(bundle.test.targets.tolist()) == {0, 1}  # the file's labels are -1 and +1


def test_features_are_divided_by_their_deviation_plus_a_ten_thousandth(tmp_path):
    values = np.array([[3, 250, 7], [5, 10, 7], [9, 0, 7]] * 10, np.uint8)
    savemat(tmp_path / "own.mat", {"X": values, "Y": [[-1], [1], [1]] * 10})
    bundle = bundle_of("asu", tmp_path, file="own")
    train, _, test = set_code_parts(30, 0.15, 0)
    own = values[train].astype(np.float64)
    expected = (values[test] - own.mean(0)) / (own.std(0) + 1e-4)
    expected[:, 2] = 0
    np.testing.assert_allclose(bundle.test.inputs.numpy(), expected, rtol=1e-6, atol=1e-7)


def test_guard_a_constant_column_is_exactly_zero_and_not_a_rounding_error_over_1e_4(tmp_path):
    values = np.random.RandomState(0).rand(40, 3)
    values[:, 1] = 33922.123
    savemat(tmp_path / "own.mat", {"X": values, "Y": [[1], [2]] * 20})
    bundle = bundle_of("asu", tmp_path, file="own")
    for part in (bundle.train, bundle.val, bundle.test):
        assert part.inputs[:, 1].unique().tolist() == [0.0]


def test_each_pixel_of_the_digits_is_standardised_on_its_own_and_white_is_no_unit():
    plain = bundle_of("digits")
    assert plain.train.inputs.isfinite().all()
    constant = (plain.train.inputs == 0).all(0).flatten()
    assert int(constant.sum()) >= 3  # three columns of the whole set are constant
    cell = make_cell(dataset="digits", dataset_options=SET_CODE, flip=True)
    boxed = load_bundle(cell, None, "cpu")
    torch.testing.assert_close(
        boxed.standardised(boxed.test.inputs), plain.test.inputs, rtol=1e-4, atol=1e-5
    )


def test_a_folder_of_one_part_is_cut_and_one_of_two_is_refused(tmp_path):
    images = np.random.RandomState(0).randint(0, 256, (30, 4, 4)).astype(np.uint8)
    images[:, 0, 0] = 9
    labels = (np.arange(30) % 3).astype(np.uint8)

    for folder, part in (("own", "t10k"), ("both", "t10k"), ("both", "train")):
        write_idx(tmp_path / folder / f"{part}-images-idx3-ubyte", images)
        write_idx(tmp_path / folder / f"{part}-labels-idx1-ubyte", labels)
    bundle = bundle_of("idx", tmp_path, folder="own")
    train, _, test = set_code_parts(30, 0.1, 0)
    assert bundle.test.ids.tolist() == test.tolist()
    own = images[train].astype(np.float64)
    expected = (images[test] - own.mean(0)) / (own.std(0) + 1e-4)
    expected[:, 0, 0] = 0
    found = bundle.standardised(bundle.test.inputs)[:, 0].numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="the dataset has train, test of its own; leave split out"):
        bundle_of("idx", tmp_path, folder="both")


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (CsvOptions, {"test_fraction": 0.3}, "test_fraction has no effect with split: set_code"),
        (CsvOptions, {"standardise": "global"}, "standardise has no effect with split: set_code"),
        (AsuOptions, {"image_size": [2, 2]}, "split has no effect with image_size:"),
        (AsuOptions, {"standardise": "global"}, "standardise has no effect with split: set_code"),
    ],
)
def test_what_this_cut_leaves_without_effect_is_an_error(kind, given, said):
    with pytest.raises(ValueError, match=said):
        build_options(kind, {**SET_CODE, **given}, "dataset")


def test_seeds_of_the_split_are_repeats():
    repeats = [bundle_of("wine", split_seed=seed).test.ids.tolist() for seed in (0, 1, 0)]
    assert repeats[0] == repeats[2] != repeats[1]


@pytest.mark.parametrize("kind", [TableOptions, CsvOptions, AsuOptions, IdxOptions])
def test_a_seed_of_the_split_beyond_those_of_the_generator_is_an_error(kind):
    assert build_options(kind, {**SET_CODE, "split_seed": 2**32 - 1}, "dataset")
    with pytest.raises(
        ValueError, match="split_seed is 4294967296; it must be >= 0 and <= 4294967295"
    ):
        build_options(kind, {**SET_CODE, "split_seed": 2**32}, "dataset")
    assert len(set_code_parts(9, 0.1, 2**32 - 1)[0]) == 5


def test_a_raw_set_with_splits_of_its_own_has_nothing_to_cut():
    part = Split(inputs=torch.zeros(9, 2), targets=torch.arange(9) % 2)
    raw = {"train": part, "classes": 2, "scaling": "feature", "split": "set_code"}
    splits = cut(RawData(**raw, test=None))
    assert [len(one) for one in (splits.train, splits.val, splits.test)] == [5, 1, 3]
    with pytest.raises(ValueError, match="has train, test of its own"):
        RawData(**raw, test=part)


def test_a_cell_without_the_option_is_the_cell_it_was():
    plain = make_cell(dataset="wine")
    assert plain.dataset == component("wine", {})
    assert "split" not in json.dumps(plain.dataset.canonical())
