"""Folders of images as people keep them: any format, any size, with and without splits."""

import re

import numpy as np
import pytest
import torch
from PIL import Image

from sparse.options import build_options
from tests.support.brought_data import write_image, write_image_folder
from tests.support.cells import make_cell, sources_of
from trainer.data.image_folder import ImageFolderOptions, image_folder
from trainer.loading import load_bundle


def load(root, **options):
    return image_folder(build_options(ImageFolderOptions, options, "dataset image_folder"), root)


def pixels_of(path):
    return torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)


def test_images_are_bytes_in_the_order_of_classes_and_names(tmp_path):
    write_image_folder(tmp_path / "images", each=3)
    raw = load(tmp_path)
    assert (raw.train.inputs.dtype, raw.train.inputs.shape) == (torch.uint8, (6, 3, 10, 12))
    assert raw.train.targets.tolist() == [0, 0, 0, 1, 1, 1]
    assert (raw.classes, raw.pixel_max, raw.val, raw.test) == (2, 255, None, None)
    paths = sorted((tmp_path / "images" / "train").rglob("*.png"))
    for image, path in zip(raw.train.inputs, paths, strict=True):
        assert torch.equal(image, pixels_of(path))


def test_splits_of_its_own_are_taken_and_others_cut(tmp_path):
    write_image_folder(tmp_path / "whole", parts=("train", "val", "test"), each=5)
    write_image_folder(tmp_path / "tested", parts=("train", "test"), each=10)
    whole = load(tmp_path, folder="whole")
    assert [len(part) for part in (whole.train, whole.val, whole.test)] == [10, 10, 10]
    assert (whole.val.part, whole.test.part) == ("train", "test")
    assert whole.val.ids.tolist() == list(range(10, 20))
    cell = make_cell(dataset="image_folder", dataset_options={"folder": "tested"})
    bundle = load_bundle(cell, sources_of(cell, tmp_path), "cpu")
    assert [len(part) for part in (bundle.train, bundle.val, bundle.test)] == [16, 4, 20]


def test_the_centred_square_is_resized(tmp_path):
    for name, size in (("ant", (40, 20)), ("bee", (20, 40))):
        pixels = np.zeros((size[1], size[0], 3), np.uint8)
        middle = pixels[:, 10:30] if name == "ant" else pixels[10:30]
        middle[:10], middle[10:] = (200, 0, 0), (0, 0, 100)
        folder = tmp_path / "images" / "train" / name
        folder.mkdir(parents=True)
        Image.fromarray(pixels).save(folder / "one.png")
    images = load(tmp_path, image_size=4).train.inputs
    assert images.shape == (2, 3, 4, 4)
    for image in images:
        assert (image[0, 0] == 200).all()
        assert (image[2, 3] == 100).all()
        assert (image[1] == 0).all()


def test_grey_images_have_one_channel(tmp_path):
    write_image_folder(tmp_path / "images", each=2)
    images = load(tmp_path, colour="grey").train.inputs
    assert images.shape == (4, 1, 10, 12)
    path = sorted((tmp_path / "images").rglob("*.png"))[0]
    assert images[0, 0].tolist() == np.array(Image.open(path).convert("L")).tolist()


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "ppm", "tif", "webp", "JPEG"])
def test_formats_are_known_by_their_content(suffix, tmp_path):
    for name in ("ant", "bee"):
        write_image(tmp_path / "images" / "train" / name / f"deep/one.{suffix}", (8, 8), 1)
    assert load(tmp_path).train.inputs.shape == (2, 3, 8, 8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr"])
def test_every_mode_of_eight_bits_becomes_colours(mode, tmp_path):
    for name in ("ant", "bee"):
        folder = tmp_path / "images" / "train" / name
        folder.mkdir(parents=True)
        white = Image.new("RGB", (4, 4), (255, 255, 255)).convert(mode)
        white.save(folder / ("one.tif" if mode in ("CMYK", "YCbCr") else "one.png"))
    assert load(tmp_path).train.inputs.unique().tolist() == [255]


def test_hidden_files_are_passed_over(tmp_path):
    write_image_folder(tmp_path / "images", each=2)
    for place in ("", "train", "train/ant"):
        (tmp_path / "images" / place / ".DS_Store").write_bytes(b"x")
    assert len(load(tmp_path).train) == 4


@pytest.fixture
def folder(tmp_path):
    write_image_folder(tmp_path / "images", parts=("train", "test"), each=2)
    return tmp_path / "images"


def refuse(images, said, **options):
    with pytest.raises(ValueError, match=re.escape(said)):
        load(images.parent, **options)


def test_a_file_that_is_no_image_is_named(folder):
    (folder / "train" / "bee" / "notes.txt").write_text("hello")
    refuse(folder, f"{folder}/train/bee/notes.txt: no image that can be read")


def test_a_cut_image_is_named(folder):
    path = folder / "train" / "bee" / "00.png"
    path.write_bytes(path.read_bytes()[:-150])
    refuse(folder, f"{path}: no image that can be read")


def test_an_image_of_sixteen_bits_is_not_cut_to_eight(folder):
    path = folder / "train" / "bee" / "00.png"
    Image.fromarray(np.full((10, 12), 40_000, np.uint16)).save(path)
    refuse(folder, f"{path}: no image that can be read: mode I;16 has more than 8 bits")


def test_images_of_other_sizes_are_named(folder):
    write_image(folder / "train" / "bee" / "00.png", (9, 10), 1)
    refuse(folder, "bee/00.png: 9 x 10 pixels, and ")
    refuse(folder, "make them one size with the option image_size")
    assert load(folder.parent, image_size=8).train.inputs.shape == (4, 3, 8, 8)


def test_a_part_of_another_size_is_named(folder):
    for path in (folder / "test").rglob("*.png"):
        write_image(path, (9, 10), 1)
    refuse(folder, f"{folder}/test: images of 9 x 10 pixels, and of 12 x 10 pixels in train/")


@pytest.mark.parametrize("place", ["test/wasp/00.png", "train/loose.png"])
def test_what_lies_beside_the_classes_is_named(place, folder):
    write_image(folder / place, (12, 10), 1)
    what = place.rpartition("/")[0] if place.startswith("test") else place
    refuse(folder, f"{folder}/{what}: not the folder of a class of train/; these are ant, bee")


def test_classes_without_images_are_named(folder):
    for path in (folder / "train" / "ant").iterdir():
        path.unlink()
    refuse(folder, f"{folder}/train/ant: no images in the folder of a class")
    (folder / "train" / "ant").rmdir()
    refuse(folder, f"{folder}/train: 1 folders of classes; needed: 2 or more")


def test_a_share_to_cut_is_refused_where_the_part_is_there(folder):
    refuse(folder, "test_fraction is 0.3, and has no effect: ", test_fraction=0.3)
    assert load(folder.parent, val_fraction=0.3).val_fraction == 0.3


def test_where_the_folder_must_be(folder):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*/elsewhere/train"):
        load(folder.parent, folder="elsewhere")
    with pytest.raises(FileNotFoundError, match="--data-root"):
        load(None)
    refuse(folder, "leaves the data root", folder="../images")
