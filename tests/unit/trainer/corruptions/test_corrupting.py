"""The door to the corruptions: what it refuses, whose draws are whose, and the tables."""

import itertools

import numpy as np
import pytest

from trainer.corruptions import (
    COMMON,
    CORRUPTIONS,
    DRAWING,
    EXTRA,
    SEVERITIES,
    corrupt,
    mixed_names,
)

GOLDEN_NOISE = [133, 167, 104, 113, 118, 153, 114, 109, 156, 118, 111, 81]
"""The first row of sample 7 of "train" with seed 0: grey 128 under noise of severity 5."""

GOLDEN_MIX = ["shot_noise", "jpeg_compression", "brightness", "shot_noise"]
"""What the first four samples of "test" get with seed 0."""

RATIO_STEPS = {"shot_noise": ("photons",), "contrast": ("factor",)}
"""Parameters whose step to severity 6 is a ratio, because a difference would reach zero."""

KEPT = {"defocus_blur": ("alias",), "snow": ("zoom",)}
"""Parameters that stay as they are at severity 5."""

GENTLER = {"glass_blur", "elastic_transform", "frost", "spatter", "saturate"}
"""Corruptions that trade one kind of damage for another, so that no distance grows throughout."""


def scenes(count=12, side=32, channels=3):
    """Smooth images with edges: waves of different lengths."""
    phase = np.random.default_rng(0).uniform(0, 6, (count, 2, channels))
    y, x = np.mgrid[:side, :side] * (8 / side)
    waves = np.sin(y[..., None] + phase[:, 0, None, None]) * np.sin(
        2 * x[..., None] + phase[:, 1, None, None]
    )
    return (127.5 + 90 * waves + 30 * np.sign(waves)).astype(np.uint8)


def damaged(images, corruption="snow", severity=3, *, seed=0, part="train", ids=None):
    ids = np.arange(len(images)) if ids is None else ids
    return corrupt(images, ids, corruption=corruption, severity=severity, seed=seed, part=part)


@pytest.mark.parametrize("name", [*CORRUPTIONS, "mixed"])
def test_a_seed_counts_where_it_is_declared_to(name):
    images = scenes(count=3)
    same = np.array_equal(damaged(images, name), damaged(images, name, seed=1))
    assert same == (name not in DRAWING)


def test_there_are_fifteen_and_four():
    assert (len(COMMON), len(EXTRA), len(CORRUPTIONS)) == (15, 4, 19)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_tables_have_six_rows_of_all_columns(name):
    chosen = CORRUPTIONS[name]
    for table in (chosen.small, chosen.large):
        assert len(table) == len(SEVERITIES)
        assert {len(row) for row in table} == {len(chosen.columns)}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_severity_six_is_the_next_step(name):
    chosen = CORRUPTIONS[name]
    for table in (chosen.small, chosen.large):
        for column, four, five, six in zip(chosen.columns, *table[3:], strict=True):
            if column in KEPT.get(name, ()):
                assert six == five
            elif column in RATIO_STEPS.get(name, ()):
                assert six == pytest.approx(five * five / four, rel=0.02)
            else:
                assert six == pytest.approx(five + (five - four))


@pytest.mark.parametrize(("side", "table"), [(8, "small"), (48, "small"), (49, "large")])
def test_the_longer_side_chooses_the_table(side, table):
    chosen = CORRUPTIONS["gaussian_noise"]
    assert chosen.parameters(5, 20, side) == getattr(chosen, table)[4]


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("shape", [(9, 9, 3), (28, 28, 1), (20, 32, 3), (64, 64, 3), (64, 50, 1)])
def test_every_size_and_colour_works(name, shape):
    if name == "saturate":  # it has nothing to do on grey images, and says so
        shape = (*shape[:2], 3)
    images = np.random.default_rng(0).integers(0, 256, (2, *shape), dtype=np.uint8)
    before = images.copy()
    for severity in SEVERITIES:
        result = damaged(images, name, severity)
        assert (result.shape, result.dtype) == (images.shape, np.uint8)
        assert (result != images).any()
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("name", [*CORRUPTIONS, "mixed"])
def test_a_sample_does_not_depend_on_its_batch(name):
    images = scenes(300, side=8)
    whole = damaged(images, name)
    order = np.array([299, 3, 256, 255, 17])
    np.testing.assert_array_equal(damaged(images[order], name, ids=order), whole[order])
    np.testing.assert_array_equal(damaged(images[3:4], name, ids=order[1:2]), whole[3:4])


@pytest.mark.parametrize("name", ["gaussian_noise", "glass_blur", "frost", "elastic_transform"])
def test_every_part_of_the_name_changes_the_draws(name):
    images = scenes(1)
    given = damaged(images, name)
    others = [{"seed": 1}, {"part": "test"}, {"ids": np.array([1])}]
    assert all((damaged(images, name, **other) != given).any() for other in others)


@pytest.mark.parametrize("name", sorted(set(CORRUPTIONS) - GENTLER))
@pytest.mark.parametrize("side", [32, 64])
def test_damage_grows_with_severity(name, side):
    images = scenes(side=side)
    far = [
        np.abs(damaged(images, name, severity).astype(int) - images).mean()
        for severity in SEVERITIES
    ]
    assert all(later > 0.95 * earlier for earlier, later in itertools.pairwise(far))
    assert far[5] > far[3] > far[0]


def test_mixed_gives_every_sample_one_of_the_fifteen_at_every_severity():
    ids = np.arange(600)
    names = mixed_names(ids, 0, "train")
    assert set(names) == set(COMMON)
    assert max(names.count(name) for name in COMMON) < 70  # 40 are expected
    images = scenes(600, side=9)
    for severity in (1, 6):
        result = damaged(images, "mixed", severity)
        for sample in (0, 1, 2, 3):
            one = slice(sample, sample + 1)
            alone = damaged(images[one], names[sample], severity, ids=ids[one])
            np.testing.assert_array_equal(result[one], alone)


def test_draws_are_golden():
    grey = np.full((1, 4, 4, 3), 128, dtype=np.uint8)
    noisy = damaged(grey, "gaussian_noise", 5, ids=np.array([7]))
    assert noisy[0, 0].ravel().tolist() == GOLDEN_NOISE
    assert mixed_names(np.arange(4), 0, "test") == GOLDEN_MIX


def test_what_cannot_be_corrupted_is_refused():
    images = scenes(1)
    with pytest.raises(ValueError, match=r"unknown corruption 'snou'.*did you mean 'snow'"):
        damaged(images, "snou")
    with pytest.raises(ValueError, match="severity 7 is not one of 1 to 6"):
        damaged(images, severity=7)
    with pytest.raises(ValueError, match=r"1 or 3 channels.*these are 32 x 32 x 2"):
        damaged(images[..., :2])
    with pytest.raises(ValueError, match="at least 4 pixels a side at severity 3; these are 3"):
        damaged(images[:, :3])


@pytest.mark.parametrize("name", ["zoom_blur", "mixed"])
def test_what_would_leave_every_image_as_it_is_is_refused(name):
    assert (damaged(scenes(side=9), "zoom_blur", 1) != scenes(side=9)).any()
    assert (damaged(scenes(side=8), "zoom_blur", 2) != scenes(side=8)).any()
    with pytest.raises(ValueError, match=r"at least 9 pixels a side at severity 1; these are 8 x"):
        damaged(scenes(side=8), name, 1)
