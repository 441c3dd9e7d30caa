"""Weather, light, warps, compression and drops against values worked out by hand."""

import io

import numpy as np
import pytest
from PIL import Image

from trainer.corruptions import corrupt
from trainer.corruptions.extra import outline_distance
from trainer.corruptions.warping import random_affine, read_between
from trainer.corruptions.weather import FROST_TEXTURES, frost_textures, plasma


def pixels(*colours, side=4):
    """One image of each colour."""
    return np.array(colours, dtype=np.uint8)[:, None, None].repeat(side, 1).repeat(side, 2)


def damaged(images, corruption, severity):
    ids = np.arange(len(images))
    return corrupt(images, ids, corruption=corruption, severity=severity, seed=0, part="train")


def test_brightness_adds_to_the_value_and_keeps_hue_and_saturation():
    lit = damaged(pixels((100, 50, 0), (0, 0, 0), (250, 125, 250)), "brightness", 2)
    assert lit[:, 0, 0].tolist() == [[125, 62, 0], [25, 25, 25], [255, 127, 255]]


def test_contrast_brings_values_nearer_to_the_mean_of_their_channel():
    image = np.zeros((1, 4, 4, 1), dtype=np.uint8)
    image[0, :, 2:] = 201
    assert damaged(image, "contrast", 1)[0, 0, :, 0].tolist() == [25, 25, 175, 175]


def test_saturate_fades_and_turns_grey_to_red():
    faded = damaged(pixels((200, 101, 101)), "saturate", 1)
    assert faded[0, 0, 0].tolist() == [200, 170, 170]
    reddened = damaged(pixels((101, 101, 101), (0, 0, 0)), "saturate", 4)
    assert reddened[:, 0, 0].tolist() == [[101, 90, 90], [0, 0, 0]]


def test_saturate_refuses_grey_images():
    with pytest.raises(ValueError, match="saturate acts on colour; these images are grey"):
        damaged(np.zeros((1, 8, 8, 1), dtype=np.uint8), "saturate", 1)


def test_a_height_map_is_that_of_midpoint_displacement():
    # A 4 x 4 torus by hand: one centre, two edges, then the four centres of the next scale.
    draws = np.random.default_rng(0).uniform(-1, 1, (4, 4))
    large, small = 100.0**2, 50.0**2
    h = np.zeros((4, 4))
    h[2, 2] = large * draws[2, 2]
    h[0, 2] = (h[2, 2] + h[2, 2]) / 4 + large * draws[0, 2]
    h[2, 0] = (h[2, 2] + h[2, 2]) / 4 + large * draws[2, 0]
    corners = {(y, x): h[y, x] for y in (0, 2) for x in (0, 2)}
    for y in (1, 3):
        for x in (1, 3):
            around = [corners[(y + a) % 4, (x + b) % 4] for a in (-1, 1) for b in (-1, 1)]
            h[y, x] = sum(around) / 4 + small * draws[y, x]
    for y in range(4):
        for x in range(4):
            if (y + x) % 2:
                around = [
                    h[(y - 1) % 4, x],
                    h[(y + 1) % 4, x],
                    h[y, (x - 1) % 4],
                    h[y, (x + 1) % 4],
                ]
                h[y, x] = sum(around) / 4 + small * draws[y, x]
    expected = (h - h.min()) / (h - h.min()).max()
    np.testing.assert_allclose(plasma(draws[None], 2.0)[0], expected, rtol=1e-9, atol=1e-12)


def test_fog_keeps_the_brightest_value_in_reach_and_black_black():
    foggy = damaged(pixels((0, 0, 0), (200, 200, 200), side=32), "fog", 5)
    assert not foggy[0].any()
    # (200 + 1.5 * haze * 255) * 200 / (200 + 1.5 * 255), with haze from 0 to 1.
    assert (foggy[1].min(), foggy[1].max()) == (68, 200)


def test_snow_whitens_and_darkens_nothing():
    image = pixels((60, 90, 30), side=32)
    assert (damaged(image, "snow", 5) >= image).all()


def test_frost_adds_bluish_ice_to_a_darkened_image():
    frozen = damaged(pixels((0, 0, 0), (255, 255, 255), side=32), "frost", 6)
    red, _, blue = frozen[0].reshape(-1, 3).T.astype(int)
    assert (blue >= red).all()
    assert blue.max() <= 153
    assert frozen[1].min() >= 165  # 0.65 of white


def test_frost_textures_are_constant_and_differ():
    textures = frost_textures(64)
    assert textures.shape == (FROST_TEXTURES, 64, 64)
    assert textures.min() >= 0
    assert textures.max() <= 1
    assert textures.std() > 0.1
    assert all(np.abs(textures[0] - other).mean() > 0.05 for other in textures[1:])


def test_an_affine_map_of_points_that_stay_changes_nothing():
    image = np.random.default_rng(0).random((2, 8, 8, 3))
    np.testing.assert_allclose(random_affine(image, np.zeros((2, 3, 2))), image, atol=1e-12)


def test_an_affine_map_that_moves_all_points_moves_the_image():
    image = np.random.default_rng(0).random((1, 8, 8, 1))
    moved = random_affine(image, np.array([[[1.0, 2.0]] * 3]))  # a column right, two rows down
    np.testing.assert_allclose(moved[0, 2:, 1:], image[0, :-2, :-1], atol=1e-12)
    np.testing.assert_allclose(moved[0, 0, 1:], image[0, 2, :-1], atol=1e-12)  # mirrored


def test_an_affine_map_takes_its_points_where_they_are_to_go():
    # q = 8 // 3 = 2 around (4, 4): the points (6, 6), (6, 2) and (2, 2), as (column, row).
    image = np.random.default_rng(0).random((1, 8, 8, 1))
    moved = random_affine(image, np.array([[[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]]]))[0]
    np.testing.assert_allclose(
        [moved[6, 7], moved[2, 6], moved[2, 1]], [image[0, 6, 6], image[0, 2, 6], image[0, 2, 2]]
    )


@pytest.mark.parametrize(
    ("repeat_edge", "row"), [(True, [1, 0, 0, 1, 2, 2, 1]), (False, [2, 1, 0, 1, 2, 1, 0])]
)
def test_what_lies_outside_is_mirrored(repeat_edge, row):
    image = np.arange(3.0).reshape(1, 1, 3, 1).repeat(3, 1)
    columns = np.arange(-2.0, 5.0)[None, None]
    read = read_between(image, np.ones_like(columns), columns, repeat_edge=repeat_edge)
    assert read.ravel().tolist() == row
    halves = read_between(
        image, np.full((1, 1, 1), 0.5), np.full((1, 1, 1), 0.25), repeat_edge=True
    )
    assert halves.item() == 0.25


def test_pixelate_averages_blocks():
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1) * 2
    # 0.55 of 4 pixels is 2: blocks of 2 x 2, whose means are 5, 9, 21 and 25.
    coarse = damaged(image, "pixelate", 6)[0, ..., 0]
    assert coarse.tolist() == [[5, 5, 9, 9]] * 2 + [[21, 21, 25, 25]] * 2


@pytest.mark.parametrize(("severity", "quality"), [(1, 80), (5, 40), (6, 30)])
def test_jpeg_compression_is_a_file_of_its_quality(severity, quality):
    image = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(image[0]).save(file, "JPEG", quality=quality)
    expected = np.asarray(Image.open(file))
    np.testing.assert_array_equal(damaged(image, "jpeg_compression", severity)[0], expected)


def test_outline_distance_is_to_the_own_image_only():
    drops = np.zeros((2, 5, 5), dtype=bool)
    drops[0, 1:4, 1:4] = True
    far = outline_distance(drops)
    assert far[0, 2].tolist() == [1, 0, 1, 0, 1]
    assert far[0, 0, 0] == pytest.approx(2**0.5)
    assert far[1].min() > 1000


def test_spatter_leaves_an_image_alone_where_no_drop_falls():
    images = pixels(*[(90, 60, 30)] * 64, side=8)
    changed = (damaged(images, "spatter", 1) != images).any(axis=(1, 2, 3))
    assert changed.any()
    assert not changed.all()


def test_mud_hides_what_water_lets_through():
    white = pixels((255, 255, 255), side=32)
    muddy, wet = damaged(white, "spatter", 5), damaged(white, "spatter", 3)
    assert (wet == 255).all()
    assert muddy.min(axis=(0, 1, 2)).tolist() == pytest.approx([63, 42, 20], abs=30)
