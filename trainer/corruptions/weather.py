"""Weather: snow, frost, fog and light.

Parameters of severities 1 to 5: hendrycks/robustness, make_cifar_c.py and make_tinyimagenet_c.py.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from trainer.corruptions.corruption import Corruption, Images, single
from trainer.corruptions.filters import luminance, motion, tinted, zoomed
from trainer.corruptions.streams import Streams

ICE = (0.85, 0.93, 1.0)
"""The colour of frost: red, green, blue."""

FROST_TEXTURES = 5
"""How many frost textures there are; the published generator draws from five photographs."""

_DIRECTIONS = 6  # needles of ice grow in so many directions
_FIRST_WIBBLE = 100.0


def snow(
    images: Images, streams: Streams, mean: float, sigma: float, zoom: float, threshold: float,
    radius: float, smear: float, keep: float,
) -> Images:  # fmt: skip
    """Flakes that fall, on an image that grows pale.

    Args:
        images: the batch.
        streams: the samples' draws.
        mean, sigma: of the normal noise that flakes are made of.
        zoom: how much the flakes are enlarged.
        threshold: noise below it is no flake.
        radius, smear: of the motion blur of the flakes, which fall at 45 to 135 degrees.
        keep: how much of the image keeps its colour.
    """
    shape = images.shape[1:3]
    noise = streams.draw("flakes", lambda draw: draw.normal(mean, sigma, shape))
    degrees = streams.draw("angle", lambda draw: draw.uniform(-135, -45))
    flakes = zoomed(noise[..., None], (zoom,))
    flakes = np.clip(np.where(flakes < threshold, 0.0, flakes), 0.0, 1.0)
    flakes = np.trunc(flakes * 255) / 255
    flakes = np.rint(motion(flakes, degrees, radius, smear) * 255) / 255
    pale = np.maximum(images, luminance(images) * 1.5 + 0.5)
    return keep * images + (1 - keep) * pale + flakes + flakes[:, ::-1, ::-1]


def frost(images: Images, streams: Streams, keep: float, cover: float) -> Images:
    """Ice on the lens: ``keep`` of the image and ``cover`` of a piece of a frost texture.

    The published generator cuts the pieces from photographs; these textures are synthetic.
    """
    height, width, channels = images.shape[1:]
    side = 4 * max(height, width)
    textures = frost_textures(side)
    high = (FROST_TEXTURES, side - height, side - width)
    places = streams.draw("piece", lambda draw: draw.integers(high))
    pieces = [textures[k, y : y + height, x : x + width] for k, y, x in places.tolist()]
    return keep * images + cover * tinted(np.stack(pieces)[..., None], ICE, channels)


@functools.lru_cache(maxsize=4)
def frost_textures(side: int) -> Images:
    """Square textures of ice needles that repeat at their borders: (FROST_TEXTURES, side, side).

    White noise, smeared along lines in six directions, of which the brightest counts: needles that
    cross. They are dense in some regions and sparse in others. Values lie in [0, 1].
    """
    names = Streams(name="frost", ids=np.arange(FROST_TEXTURES))
    noise = names.draw("noise", lambda draw: draw.standard_normal((_DIRECTIONS, side, side)))
    turns = names.draw("turn", lambda draw: draw.uniform(0, math.pi))
    return np.stack([_texture(one, turn) for one, turn in zip(noise, turns, strict=True)])


def _texture(noise: NDArray[np.float64], turn: float) -> NDArray[np.float64]:
    side = noise.shape[-1]
    angles = turn + math.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    needles = [
        _smeared(one, angle, along=side / 16, across=side / 256)
        for one, angle in zip(noise, angles.tolist(), strict=True)
    ]
    brightest = np.max(needles, axis=0)
    regions = _smeared(noise[0], 0.0, along=side / 10, across=side / 10)
    return np.clip(0.3 + 0.2 * brightest + 0.15 * regions, 0.0, 1.0)


def _smeared(
    noise: NDArray[np.float64], angle: float, *, along: float, across: float
) -> NDArray[np.float64]:
    # A periodic Gaussian filter, longer in one direction; the result has mean 0 and variance 1.
    frequencies = 2 * math.pi * np.fft.fftfreq(len(noise))
    down, right = frequencies[:, None], frequencies[None, :]
    forward = along * (math.cos(angle) * right + math.sin(angle) * down)
    sideways = across * (math.cos(angle) * down - math.sin(angle) * right)
    spectrum = np.fft.fft2(noise) * np.exp(-(forward**2 + sideways**2) / 2)
    smeared = np.fft.ifft2(spectrum).real
    centred = smeared - smeared.mean()
    return np.asarray(centred / centred.std(), dtype=np.float64)


def fog(images: Images, streams: Streams, thickness: float, decay: float) -> Images:
    """A fractal haze of at most ``thickness``; the brightest value of the image stays.

    Args:
        images: the batch.
        streams: the samples' draws.
        thickness: the haze's largest value.
        decay: the ratio of roughness from one scale of the haze to the next; 1 is the roughest.
    """
    height, width = images.shape[1:3]
    side = 1 << (max(height, width) - 1).bit_length()
    draws = streams.draw("haze", lambda draw: draw.uniform(-1, 1, (side, side)))
    haze = plasma(draws, decay)[:, :height, :width, None]
    brightest = images.max(axis=(1, 2, 3), keepdims=True)
    return (images + thickness * haze) * brightest / (brightest + thickness)


def plasma(draws: NDArray[np.float64], decay: float) -> NDArray[np.float64]:
    """Fractal height maps by midpoint displacement (diamond-square) on a torus, in [0, 1].

    Every point becomes the mean of its four neighbours at its scale, plus its own draw times the
    square of the scale's wibble: the amplitude goes from 100 ** 2 down by ``decay ** 2`` a scale.

    Args:
        draws: (n, side, side) in [-1, 1], one for every point; side is a power of two.
        decay: as in :func:`fog`.
    """
    side = draws.shape[-1]
    heights = np.zeros_like(draws)
    step, wibble = side, _FIRST_WIBBLE
    while step >= 2:
        half = step // 2
        shift = wibble**2 * draws
        corners = heights[:, ::step, ::step]
        pairs = corners + np.roll(corners, -1, axis=1)
        centres = (pairs + np.roll(pairs, -1, axis=2)) / 4 + shift[:, half::step, half::step]
        heights[:, half::step, half::step] = centres
        upright = centres + np.roll(centres, 1, axis=1)
        level = corners + np.roll(corners, -1, axis=2)
        heights[:, ::step, half::step] = (upright + level) / 4 + shift[:, ::step, half::step]
        level = centres + np.roll(centres, 1, axis=2)
        upright = corners + np.roll(corners, -1, axis=1)
        heights[:, half::step, ::step] = (upright + level) / 4 + shift[:, half::step, ::step]
        step, wibble = half, wibble / decay
    heights -= heights.min(axis=(1, 2), keepdims=True)
    return np.asarray(heights / heights.max(axis=(1, 2), keepdims=True), dtype=np.float64)


def brightness(images: Images, streams: Streams, shift: float) -> Images:
    """Add ``shift`` to the value (the largest channel) of every pixel; hue and saturation stay."""
    value = images.max(axis=3, keepdims=True)
    lit = np.clip(value + shift, 0.0, 1.0)
    with np.errstate(invalid="ignore"):
        dimmer = np.where(value > 0, (value - images) / value, 0.0)
    return lit - dimmer * lit


SNOW = Corruption(
    apply=snow,
    columns=("mean", "sigma", "zoom", "threshold", "radius", "smear", "keep"),
    small=(
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
        (0.35, 0.3, 1.25, 0.7, 16, 18, 0.75),
    ),
    large=(
        (0.1, 0.2, 1, 0.6, 8, 3, 0.8),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.8),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.7),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.65),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.6),
        (0.35, 0.3, 1.25, 0.7, 16, 18, 0.55),
    ),
)
FROST = Corruption(
    apply=frost,
    columns=("keep", "cover"),
    small=((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45), (0.65, 0.5)),
    large=((1, 0.3), (0.9, 0.4), (0.8, 0.45), (0.75, 0.5), (0.7, 0.55), (0.65, 0.6)),
)
FOG = Corruption(
    apply=fog,
    columns=("thickness", "decay"),
    small=((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75), (2, 1.5)),
    large=((0.4, 3), (0.7, 3), (1, 2.5), (1.5, 2), (2, 1.75), (2.5, 1.5)),
)
BRIGHTNESS = Corruption(
    apply=brightness,
    columns=("shift",),
    small=single(0.05, 0.1, 0.15, 0.2, 0.3, 0.4),
    large=single(0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    draws=False,
)
