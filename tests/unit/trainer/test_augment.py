"""Crops, flips and rotations: literal images, and draws that belong to seed, epoch and example."""

import pytest
import torch

from tests.support.cells import make_cell, train
from trainer.augment import Draws, augment, augments, draw_epoch, stack_draws
from trainer.recipe import Recipe
from trainer.workload import load_workload

IMAGE = torch.arange(1, 10, dtype=torch.uint8).view(1, 1, 3, 3)


def recipe(**settings):
    return Recipe.of(make_cell(**settings))


def drawn(down=0, right=0, flipped=False, angle=0.0):
    return Draws(
        down=torch.tensor([down]),
        right=torch.tensor([right]),
        flipped=torch.tensor([flipped]),
        angle=torch.tensor([angle]).deg2rad(),
    )


@pytest.mark.parametrize(
    ("draws", "settings", "expected"),
    [
        (drawn(), {"crop": 1}, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
        (drawn(down=1), {"crop": 1}, [[4, 5, 6], [7, 8, 9], [0, 0, 0]]),
        (drawn(right=-1), {"crop": 1}, [[0, 1, 2], [0, 4, 5], [0, 7, 8]]),
        (drawn(down=1), {"crop": 1, "crop_fill": "reflect"}, [[4, 5, 6], [7, 8, 9], [4, 5, 6]]),
        (
            drawn(down=-1, right=-1),
            {"crop": 1, "crop_fill": "reflect"},
            [[5, 4, 5], [2, 1, 2], [5, 4, 5]],
        ),
        (drawn(flipped=True), {"flip": True}, [[3, 2, 1], [6, 5, 4], [9, 8, 7]]),
        # Cropped first, then flipped: the empty column is on the other side.
        (
            drawn(right=-1, flipped=True),
            {"crop": 1, "flip": True},
            [[2, 1, 0], [5, 4, 0], [8, 7, 0]],
        ),
        (drawn(angle=90), {"rotation": 90}, [[3, 6, 9], [2, 5, 8], [1, 4, 7]]),
        (drawn(angle=-90), {"rotation": 90}, [[7, 4, 1], [8, 5, 2], [9, 6, 3]]),
        (drawn(angle=180), {"rotation": 180}, [[9, 8, 7], [6, 5, 4], [3, 2, 1]]),
        (drawn(angle=45), {"rotation": 45}, [[2, 3, 6], [1, 5, 9], [4, 7, 8]]),
    ],
)
def test_an_image_is_cropped_flipped_and_turned_counter_clockwise(draws, settings, expected):
    moved = augment(IMAGE, draws, recipe(**settings))
    assert moved.dtype == torch.uint8
    assert moved[0, 0].tolist() == expected


def test_what_a_turn_brings_in_from_outside_is_zero():
    turned = augment(torch.ones(1, 1, 8, 8), drawn(angle=45), recipe(rotation=45.0))
    assert turned[0, 0, 0, 0] == turned[0, 0, 7, 7] == 0
    assert (turned[0, 0, 2:6, 2:6] == 1).all()


def test_cells_and_channels_are_moved_by_their_own_draws():
    images = torch.rand(2, 3, 2, 5, 5)
    settings = recipe(crop=2, flip=True, rotation=10.0)
    draws = stack_draws([draw_epoch(settings, seed, 0, 3) for seed in (0, 1)], "cpu")
    together = augment(images, draws, settings)
    for cell in range(2):
        for example in range(3):
            own = Draws(
                **{
                    name: getattr(draws, name)[cell, example].view(1)
                    for name in ("down", "right", "flipped", "angle")
                }
            )
            alone = augment(images[cell, example, None], own, settings)
            assert torch.equal(alone[0], together[cell, example])


def test_the_draws_of_an_epoch_cover_their_range_and_belong_to_seed_and_epoch():
    settings = recipe(crop=2, flip=True, rotation=15.0)
    draws = draw_epoch(settings, 3, 5, 4000)
    assert draws.down.unique().tolist() == draws.right.unique().tolist() == [-2, -1, 0, 1, 2]
    assert 0.45 < float(draws.flipped.float().mean()) < 0.55
    degrees = draws.angle.rad2deg()
    assert -15 <= float(degrees.min()) < -14.5
    assert 14.5 < float(degrees.max()) <= 15
    again, other = draw_epoch(settings, 3, 5, 4000), draw_epoch(settings, 3, 6, 4000)
    assert torch.equal(draws.down, again.down)
    assert not torch.equal(draws.down, other.down)
    assert not torch.equal(draws.down, draw_epoch(settings, 4, 5, 4000).down)


def test_a_recipe_without_augmentation_draws_nothing():
    assert not augments(recipe())
    assert augments(recipe(rotation=5.0))


@pytest.mark.parametrize(
    ("model", "options"), [("mlp", {"hidden": (16,)}), ("convnet", {"channels": (4,)})]
)
def test_an_augmented_cell_trains_to_the_same_bits_in_company_and_differs_from_a_plain_one(
    model, options
):
    def cell(seed, **recipe):
        digits = {"dataset": "digits", "model": model, "model_options": options}
        return make_cell("static", seed=seed, **digits, epochs=2, batch=256, **recipe)

    moved = [cell(seed, crop=1, flip=True, rotation=5.0) for seed in (0, 1)]
    alone = train(moved[0])[moved[0].id]
    assert train(*moved)[moved[0].id].metrics == alone.metrics
    plain = cell(0)
    assert train(plain)[plain.id].metrics["train_loss"] != alone.metrics["train_loss"]


@pytest.mark.parametrize("fill", ["zero", "reflect"])
def test_a_crop_as_large_as_the_image_is_refused_when_the_data_are_loaded(fill):
    largest, larger = (make_cell(dataset="digits", crop=crop, crop_fill=fill) for crop in (7, 8))
    assert load_workload(largest, None, "cpu").recipe.crop == 7
    with pytest.raises(ValueError, match=r"recipe\.crop 8 is too much for images of 8 x 8 pixels"):
        load_workload(larger, None, "cpu")
