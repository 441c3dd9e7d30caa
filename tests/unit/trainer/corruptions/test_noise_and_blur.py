"""Noises and blurs against values worked out by hand."""

import numpy as np
import pytest
from scipy import ndimage

from trainer.corruptions import corrupt
from trainer.corruptions.filters import disk_kernel, gaussian, line_weights, motion, zoomed


def flat(level, count=200, side=8, channels=3):
    return np.full((count, side, side, channels), level, dtype=np.uint8)


def damaged(images, corruption, severity):
    ids = np.arange(len(images))
    return corrupt(images, ids, corruption=corruption, severity=severity, seed=0, part="train")


@pytest.mark.parametrize(("severity", "sigma"), [(1, 0.04), (5, 0.10), (6, 0.11)])
def test_gaussian_noise_has_its_deviation(severity, sigma):
    noisy = damaged(flat(128), "gaussian_noise", severity) / 255
    # Rounding down takes half a level from the mean.
    assert noisy.mean() == pytest.approx(127.5 / 255, abs=0.002)
    assert noisy.std() == pytest.approx(sigma, rel=0.02)


def test_shot_noise_is_poisson():
    noisy = damaged(flat(102), "shot_noise", 5) / 255  # 0.4 of white: 20 of 50 photons
    assert noisy.mean() == pytest.approx(0.4, abs=0.003)
    assert noisy.std() == pytest.approx(20**0.5 / 50, rel=0.03)


def test_impulse_noise_makes_as_much_salt_as_pepper():
    noisy = damaged(flat(128), "impulse_noise", 5)
    assert (noisy == 0).mean() == pytest.approx(0.035, rel=0.1)
    assert (noisy == 255).mean() == pytest.approx(0.035, rel=0.1)
    assert set(np.unique(noisy).tolist()) == {0, 128, 255}


@pytest.mark.parametrize("corruption", ["shot_noise", "speckle_noise"])
def test_noise_that_grows_with_light_leaves_black_alone(corruption):
    assert not damaged(flat(0), corruption, 6).any()


def test_speckle_noise_grows_with_the_value():
    for level in (50, 100):
        noisy = damaged(flat(level), "speckle_noise", 2)
        assert noisy.std() == pytest.approx(0.1 * level, rel=0.03)


def test_the_disk_of_a_point_is_the_smoothing_kernel():
    # Radius 0.3 holds the centre alone; a Gaussian of 0.4 over -1, 0, 1 weighs e^-3.125 : 1.
    kernel = disk_kernel(0.3, 0.4)
    corner, side, centre = 0.0016311747, 0.0371256, 0.8449729
    rows = [[corner, side, corner], [side, centre, side], [corner, side, corner]]
    np.testing.assert_allclose(kernel, rows, rtol=1e-5)


@pytest.mark.parametrize(("radius", "points"), [(1, 5), (1.5, 9), (2.5, 21), (3, 29)])
def test_a_sharp_disk_weighs_all_points_within_its_radius_alike(radius, points):
    kernel = disk_kernel(radius, 0.01)
    assert kernel.sum() == pytest.approx(1)
    assert kernel[kernel > 0] == pytest.approx(1 / points)
    assert (kernel > 0).sum() == points


def test_a_disk_of_radius_one_is_smoothed_into_its_corners():
    # Five points of 1/5; a Gaussian of 0.6 weighs e^-1.3889 = 0.24935 beside 1, in all 1.49870.
    kernel = disk_kernel(1, 0.6)
    side, middle = 0.24935 / 1.49870, 1 / 1.49870
    assert kernel[2, 2] == pytest.approx(0.2 * (middle**2 + 4 * side * middle), rel=1e-4)
    assert kernel[1, 1] == pytest.approx(0.2 * (side**2 + 2 * side * middle), rel=1e-4)
    assert kernel[0, 2] == pytest.approx(0.2 * side * middle, rel=1e-4)


def test_defocus_blur_spreads_a_point_into_the_disk_and_mirrors_at_the_border():
    images = flat(0, count=1, side=9)
    images[0, 4, 4] = 252
    images[0, 0, 0] = 252
    blurred = damaged(images, "defocus_blur", 4)[0, ..., 0]  # radius 1: five points of a fifth
    assert blurred[4, 3:6].tolist() == [50, 50, 50]
    assert blurred[3, 3:6].tolist() == [0, 50, 0]
    # Behind the border stands the pixel next to it, so the corner itself counts once.
    assert blurred[0, :3].tolist() == [50, 50, 0]


def test_glass_blur_copies_from_above_and_left_as_the_published_arrays_do():
    # All pixels differ, and a filter of 0.05 pixels changes nothing.
    image = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    mixed = damaged(image, "glass_blur", 1)[0, ..., 0].astype(int)
    row, column = np.divmod(mixed, 16)
    down, right = np.mgrid[:16, :16] - np.stack([row, column])
    assert set(np.unique(down)) == set(np.unique(right)) == {0, 1}
    assert not down[:2].any()
    assert not down[:, :2].any()
    # A swap would keep every value; copies lose some.
    assert len(np.unique(mixed)) < 256


def test_a_line_kernel_is_one_half_of_a_gaussian():
    halves = [1, 0.6065307, 0.1353353, 0.0111090, 0.0003355]
    np.testing.assert_allclose(line_weights(6, 1), np.array(halves) / 1.7533145, rtol=1e-3)
    assert len(line_weights(14, 12)) == 29


def test_motion_smears_along_its_direction():
    image = np.zeros((1, 9, 9, 1))
    image[0, 4, 4] = 1
    weights = line_weights(1, 1)
    across = motion(np.repeat(image, 2, 0), np.array([0.0, -90.0]), 1, 1)[..., 0]
    np.testing.assert_allclose(across[0, 4, 2:5], weights[::-1])
    np.testing.assert_allclose(across[1, 4:7, 4], weights)
    assert across.sum() == pytest.approx(2)


def test_a_zoom_is_that_of_scipy_on_the_centre():
    image = np.random.default_rng(0).random((1, 9, 9, 2))
    # ceil(9 / 1.3) = 7 pixels from the second on, enlarged to 9.
    centre = ndimage.zoom(image[0, 1:8, 1:8], (1.3, 1.3, 1), order=1)
    np.testing.assert_allclose(zoomed(image, (1.3,))[0], centre, rtol=1e-12)
    np.testing.assert_array_equal(zoomed(image, (1.0,)), image)
    np.testing.assert_allclose(zoomed(image, (1.0, 1.3))[0], (image[0] + centre) / 2, rtol=1e-12)


def test_a_gaussian_filter_of_no_width_changes_nothing_and_others_keep_the_sum():
    image = np.zeros((1, 15, 15, 1))
    image[0, 7, 7] = 1
    assert gaussian(image, 0) is image
    blurred = gaussian(image, 0.8)[0, ..., 0]
    assert blurred.sum() == pytest.approx(1)
    assert blurred[7, 8] / blurred[7, 7] == pytest.approx(np.exp(-1 / 1.28))
