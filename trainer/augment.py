"""Random crops, flips and rotations of a batch on its device, as one look-up of pixels.

What happens to an example in an epoch is drawn beforehand for the whole epoch, by a generator named
by cell seed and epoch, so that it depends neither on the batch nor on what runs beside it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from trainer import seeding
from trainer.recipe import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Draws:
    """What is drawn for every example of an epoch; each (..., n).

    Attributes:
        down, right: where the crop lies in the padded image, relative to the image, in pixels.
        flipped: whether left and right change places.
        angle: rotation in radians, counter-clockwise.
    """

    down: Tensor
    right: Tensor
    flipped: Tensor
    angle: Tensor

    def at(self, positions: Tensor) -> "Draws":
        """The draws of a batch: positions (cells, b), draws (cells, n)."""
        return Draws(
            down=self.down.gather(1, positions),
            right=self.right.gather(1, positions),
            flipped=self.flipped.gather(1, positions),
            angle=self.angle.gather(1, positions),
        )


def augments(recipe: Recipe) -> bool:
    """Whether a recipe changes its training images at random."""
    return bool(recipe.crop or recipe.flip or recipe.rotation)


def refuse_wide_crop(recipe: Recipe, shape: tuple[int, ...]) -> None:
    """Raise a ValueError unless the padding of crops is smaller than both sides of the images.

    Args:
        recipe: says how large crops are padded.
        shape: of one image (c, h, w).
    """
    if recipe.crop and len(shape) == 3 and recipe.crop >= min(shape[1:]):
        height, width = shape[1:]
        raise ValueError(
            f"recipe.crop {recipe.crop} is too much for images of {height} x {width} pixels; "
            f"at most {min(height, width) - 1}"
        )


def draw_epoch(recipe: Recipe, seed: int, epoch: int, count: int) -> Draws:
    """The draws of one cell seed for one epoch (from 0) of ``count`` examples, on the CPU."""
    draws = seeding.generator(seed, "augment", epoch)
    pad = recipe.crop
    return Draws(
        down=torch.randint(-pad, pad + 1, (count,), generator=draws),
        right=torch.randint(-pad, pad + 1, (count,), generator=draws),
        flipped=torch.rand(count, generator=draws) < (0.5 if recipe.flip else 0.0),
        angle=(2.0 * torch.rand(count, generator=draws) - 1.0).deg2rad_() * recipe.rotation,
    )


def stack_draws(draws: list[Draws], device: str) -> Draws:
    """The draws of several cells as rows (cells, n), on a device."""
    return Draws(
        down=torch.stack([own.down for own in draws]).to(device),
        right=torch.stack([own.right for own in draws]).to(device),
        flipped=torch.stack([own.flipped for own in draws]).to(device),
        angle=torch.stack([own.angle for own in draws]).to(device),
    )


def augment(images: Tensor, draws: Draws, recipe: Recipe) -> Tensor:
    """The images cropped, then flipped, then rotated about their middle.

    Args:
        images: (..., c, h, w), of any type.
        draws: each (...).
        recipe: says how large crops are padded, and with what. What rotation brings in from
            outside is 0; it takes the nearest pixel.

    Returns:
        Images of the same shape and type.
    """
    *lead, channels, height, width = images.shape
    flat = images.reshape(-1, channels, height * width)
    down, right, flipped, angle = (
        each.reshape(-1, 1, 1) for each in (draws.down, draws.right, draws.flipped, draws.angle)
    )
    rows = torch.arange(height, device=images.device).view(1, -1, 1)
    columns = torch.arange(width, device=images.device).view(1, 1, -1)
    inside = None
    if recipe.rotation:
        rows, columns = _rotated(rows, columns, angle, height, width)
        inside = _within(rows, height) & _within(columns, width)
    columns = torch.where(flipped, width - 1 - columns, columns)
    rows, columns = rows + down, columns + right
    if recipe.crop_fill == "reflect":
        rows, columns = _reflected(rows, height), _reflected(columns, width)
    else:
        cropped = _within(rows, height) & _within(columns, width)
        inside = cropped if inside is None else inside & cropped
    source = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    source = source.expand(len(flat), height, width).reshape(len(flat), 1, -1)
    moved = flat.gather(2, source.expand(-1, channels, -1))
    if inside is not None:
        shown = inside.expand(len(flat), height, width).reshape(len(flat), 1, -1)
        moved.masked_fill_(~shown, 0)
    return moved.view(*lead, channels, height, width)


def _rotated(
    rows: Tensor, columns: Tensor, angle: Tensor, height: int, width: int
) -> tuple[Tensor, Tensor]:
    # Where each pixel of the rotated image comes from: the inverse rotation about the middle.
    y, x = rows - (height - 1) / 2, columns - (width - 1) / 2
    sine, cosine = angle.sin(), angle.cos()
    from_y = cosine * y + sine * x + (height - 1) / 2
    from_x = cosine * x - sine * y + (width - 1) / 2
    return from_y.round().long(), from_x.round().long()


def _within(positions: Tensor, size: int) -> Tensor:
    return (positions >= 0) & (positions < size)


def _reflected(positions: Tensor, size: int) -> Tensor:
    # Mirrored at the border pixels, which are not repeated.
    inner = positions.abs()
    return torch.where(inner < size, inner, 2 * (size - 1) - inner)
