"""The ASU sets: every file at hand, and what such files may get wrong."""

import re

import numpy as np
import pytest
import torch
from scipy.io import savemat
from scipy.sparse import csc_matrix

from sparse.options import build_options
from tests.support.cells import make_cell, sources_of
from tests.support.console import sparsesweep
from trainer.data import DATASETS
from trainer.data.asu import AsuOptions, asu
from trainer.loading import load_bundle

# File: rows, columns, sizes of the classes in the order of their labels.
GOLDEN = {
    "ALLAML": (72, 7129, [47, 25]),
    "BASEHOCK": (1993, 4862, [994, 999]),
    "COIL20": (1440, 1024, [72] * 20),
    "GLIOMA": (50, 4434, [14, 7, 14, 15]),
    "ORL": (400, 1024, [10] * 40),
    "PCMAC": (1943, 3289, [982, 961]),
    "Prostate-GE": (102, 5966, [50, 52]),
    "Yale": (165, 1024, [11] * 15),
    "colon": (62, 2000, [40, 22]),
    "leukemia": (72, 7070, [47, 25]),
    "lung_small": (73, 325, [6, 5, 5, 16, 7, 13, 21]),
    "warpPIE10P": (210, 2420, [21] * 10),
}
IMAGES = {"COIL20": (32, 32), "ORL": (32, 32), "Yale": (32, 32), "warpPIE10P": (55, 44)}


def load(root, **options):
    return asu(build_options(AsuOptions, options, "dataset asu"), root)


@pytest.fixture
def write(tmp_path):
    """Write a file of some variables and return what loads it with some options."""

    def written(options=None, **variables):
        savemat(tmp_path / "own.mat", variables)
        return load(tmp_path, file="own.mat", **(options or {}))

    return written


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_every_file_at_hand(name, test_data):
    raw = load(test_data, file=f"asu/{name}.mat")
    rows, columns, sizes = GOLDEN[name]
    assert raw.train.inputs.shape == (rows, columns)
    assert raw.train.inputs.dtype == torch.float32
    assert torch.bincount(raw.train.targets).tolist() == sizes
    assert (raw.classes, raw.scaling, raw.pixel_max) == (len(sizes), "feature", None)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_every_file_at_hand_is_cut_and_standardised(name, test_data):
    cell = make_cell(dataset="asu", dataset_options={"file": f"asu/{name}"})
    bundle = load_bundle(cell, sources_of(cell, test_data), "cpu")
    assert sum(len(part) for part in (bundle.train, bundle.val, bundle.test)) == GOLDEN[name][0]
    assert bundle.train.targets.unique().tolist() == list(range(bundle.classes))
    assert bundle.train.inputs.isfinite().all()
    assert float(bundle.train.inputs.mean()) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_rows_become_upright_images(name, test_data):
    height, width = IMAGES[name]
    raw = load(test_data, file=f"asu/{name}", image_size=[height, width])
    assert raw.train.inputs.shape == (GOLDEN[name][0], 1, height, width)
    assert (raw.train.inputs.dtype, raw.pixel_max) == (torch.uint8, 255)
    # Photographs are smooth along both sides; read in the wrong order, along one at most.
    turned = load(test_data, file=f"asu/{name}", image_size=[height, width], pixel_order="row")

    def roughness(images):
        steps = (images.float().diff(dim=dim).abs().mean() for dim in (2, 3))
        return float(sum(steps))

    if height != width:
        assert roughness(raw.train.inputs) < 0.6 * roughness(turned.train.inputs)
    else:
        assert torch.equal(raw.train.inputs, turned.train.inputs.transpose(2, 3))


def test_faces_have_their_eyes_above_their_mouths(test_data):
    faces = load(test_data, file="asu/ORL", image_size=[32, 32]).train.inputs.float().mean(0)[0]
    mirrored = (faces - faces.flip(1)).abs().mean()
    turned = (faces - faces.flip(0)).abs().mean()
    assert float(mirrored) < 0.7 * float(turned)


def test_the_columns_of_a_literal_image(write):
    for order, flat in (("column", [1, 4, 2, 5, 3, 6]), ("row", [1, 2, 3, 4, 5, 6])):
        matrix = np.array([flat, [0] * 6, [9] * 6], np.uint8)
        raw = write({"image_size": [2, 3], "pixel_order": order}, X=matrix, Y=[[1], [2], [2]])
        assert raw.train.inputs[0].tolist() == [[[1, 2, 3], [4, 5, 6]]]


def test_shades_become_the_nearest_byte(write):
    raw = write(
        {"image_size": [1, 3]}, X=[[0.0, 0.5, 1.0], [0.001, 0.0, 0.003]] * 2, Y=[[0], [1]] * 2
    )
    assert raw.train.inputs[:2, 0, 0].tolist() == [[0, 128, 255], [0, 0, 1]]


@pytest.mark.parametrize(
    ("labels", "targets"),
    [
        ([-1, 1, 1, -1], [0, 1, 1, 0]),
        ([1, 2, 2, 1], [0, 1, 1, 0]),
        ([3, 40, 7, 3], [0, 2, 1, 0]),
        ([0.0, 1.0, 1.0, 0.0], [0, 1, 1, 0]),
    ],
)
@pytest.mark.parametrize("shape", [(-1, 1), (1, -1)])
def test_labels_of_any_coding_count_from_zero(labels, targets, shape, write):
    raw = write(X=np.eye(4), Y=np.array(labels).reshape(shape))
    assert raw.train.targets.tolist() == targets


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "i4", "f4", "f8"])
def test_values_of_every_type_survive(dtype, write):
    values = np.array([[100, 3], [0, 127], [5, 6]], dtype)
    assert write(X=values, Y=[[1], [2], [2]]).train.inputs.tolist() == values.tolist()


def test_sparse_and_logical_matrices_are_read(write):
    dense = np.array([[0.0, 2.5], [0, 0], [1, 0]])
    for matrix, expected in ((csc_matrix(dense), dense), (dense != 0, dense != 0)):
        assert write(X=matrix, Y=[[1], [2], [2]]).train.inputs.tolist() == expected.tolist()


def test_other_names_and_other_variables_are_read(write):
    raw = write(fea=np.eye(3), gnd=[[1], [2], [2]], trainIdx=[[1]])
    assert raw.train.targets.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"A": [[1.0]], "B": [[1.0]]}, "holds A, B; needed are X and Y, or fea and gnd"),
        ({"X": np.eye(3), "Y": [[1], [2]]}, "3 x 3 and 2 x 1: not one label for each row"),
        ({"X": np.ones((2, 5)), "Y": np.arange(5)}, "examples are in rows: transpose it"),
        ({"X": np.eye(4), "Y": np.eye(4)[:, :2]}, "4 x 4 and 4 x 2: not one label for each row"),
        ({"X": np.eye(3), "Y": [[1], [1], [1]]}, "1 different labels in 3 rows are no classes"),
        ({"X": np.eye(3), "Y": [[1], [2], [3]]}, "3 different labels in 3 rows are no classes"),
        ({"X": np.eye(3), "Y": [[0.5], [1], [1]]}, "the labels are not all whole numbers"),
        ({"X": np.eye(3), "Y": [[np.nan], [1], [1]]}, "the labels are not all whole numbers"),
        ({"X": [[1, 2], [3, np.nan], [5, 6]], "Y": [[1], [2], [2]]}, "row 2, column 2 is nan"),
        ({"X": [[1, 2], [3, 4], [1e300, 6]], "Y": [[1], [2], [2]]}, "row 3, column 1 is 1e+300"),
        ({"X": [["a", "b"], ["c", "d"]], "Y": [[1], [2]]}, "is no table of numbers"),
        ({"X": np.eye(3) * 1j, "Y": [[1], [2], [2]]}, "is no table of numbers"),
        ({"X": np.ones((2, 2, 2)), "Y": [[1], [2]]}, "(2 x 2 x 2 of float64) is no table"),
        ({"X": np.zeros((0, 3)), "Y": [[1], [2]]}, "is no table of numbers"),
    ],
)
def test_what_is_no_table_is_refused_with_the_file(variables, said, write, tmp_path):
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        write(**variables)
    assert str(tmp_path / "own.mat") in str(caught.value)


@pytest.mark.parametrize(
    ("size", "values", "said"),
    [
        ([2, 2], np.ones((3, 6)), "image_size is [2, 2]; allowed: [height, width] with height"),
        ([6], np.ones((3, 6)), "image_size is [6]"),
        ([2, 3], np.full((3, 6), -1.0), "values from -1 to -1 are no pixels"),
        ([2, 3], np.full((3, 6), 300), "values from 300 to 300 are no pixels"),
        ([2, 3], np.full((3, 6), 7.5), "values from 7.5 to 7.5 are no pixels"),
    ],
)
def test_rows_that_are_no_images_are_refused(size, values, said, write):
    with pytest.raises(ValueError, match=re.escape(said)):
        write({"image_size": size}, X=values, Y=[[1], [2], [2]])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n", "7.3 file"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 600, "save(..., '-v7')"),
        (b"", "not a whole MATLAB file"),
        (b"not a mat file at all", "not a whole MATLAB file"),
        (b"\x80\x04\x95" + b"\0" * 300, "not a whole MATLAB file"),
    ],
)
def test_other_files_are_refused_with_their_name(content, said, tmp_path):
    (tmp_path / "own.mat").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        load(tmp_path, file="own.mat")
    assert str(tmp_path / "own.mat") in str(caught.value)


@pytest.mark.parametrize("cut", [100, 200, 0.5, 0.99])
def test_a_cut_file_is_refused(cut, tmp_path, test_data):
    whole = (test_data / "asu" / "lung_small.mat").read_bytes()
    (tmp_path / "own.mat").write_bytes(whole[: int(cut * len(whole)) if cut < 1 else cut])
    with pytest.raises(
        ValueError, match=r"own\.mat: (not a whole MATLAB file|holds X; needed are X and Y)"
    ):
        load(tmp_path, file="own.mat")


@pytest.mark.parametrize("given", ["TOX_171", "tox-171.mat", "TOX-171", "Tox_171.MAT"])
def test_a_set_is_found_under_each_of_its_spellings(given, tmp_path):
    savemat(tmp_path / "TOX-171.mat", {"X": np.eye(3), "Y": [[1], [2], [2]]})
    assert load(tmp_path, file=given).classes == 2


def test_an_absent_file_is_told_with_what_is_there(tmp_path):
    for name in ("colon", "COIL20"):
        savemat(tmp_path / f"{name}.mat", {"X": np.eye(3), "Y": [[1], [2], [2]]})
    with pytest.raises(
        FileNotFoundError, match=r"holds COIL20.mat, colon.mat \(did you mean 'COIL"
    ):
        load(tmp_path, file="COIL200.mat")
    with pytest.raises(FileNotFoundError, match=r"holds no \.mat files"):
        load(tmp_path, file="elsewhere/COIL20")
    with pytest.raises(FileNotFoundError, match="--data-root"):
        load(None)
    with pytest.raises(ValueError, match="leaves the data root"):
        load(tmp_path, file="../own.mat")


def test_two_files_that_are_spelled_alike_must_be_told_apart(tmp_path):
    for name in ("GLA-BRA", "gla_bra"):
        savemat(tmp_path / f"{name}.mat", {"X": np.eye(3), "Y": [[1], [2], [2]]})
    with pytest.raises(ValueError, match=r"may be GLA-BRA\.mat and gla_bra\.mat"):
        load(tmp_path, file="Gla_Bra")
    assert load(tmp_path, file="gla_bra.mat").classes == 2


def test_options_that_have_no_effect_are_refused():
    for given in ({"pixel_order": "row"}, {"image_size": [2, 2], "standardise": "global"}):
        with pytest.raises(ValueError, match="has no effect"):
            build_options(AsuOptions, given, "dataset asu")


def test_grids_take_images_of_it_only_with_a_size(tmp_path):
    assert DATASETS.get("asu").traits["pixels"] == {"unless": {"image_size": None}}
    text = (
        "name: faces\nbase:\n  method: dense\n  model: convnet\n  recipe: {flip: true}\n"
        "  dataset: {name: asu, file: ORL%s}\n"
    )
    for given, code in (("", 2), (", image_size: [32, 32]", 0)):
        (tmp_path / "faces.yaml").write_text(text % given)
        told = sparsesweep("plan", tmp_path / "faces.yaml", "--data-root", tmp_path)
        assert told.code == code, told.err
