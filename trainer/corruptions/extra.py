"""Two of the four extra corruptions: spatter and saturation.

(The others, speckle noise and Gaussian blur, stand with the noises and the blurs.)
Parameters of severities 1 to 5: hendrycks/robustness, make_cifar_c.py and make_tinyimagenet_c.py.
"""

import numpy as np
from numpy.typing import NDArray

from trainer.corruptions.corruption import Corruption, Images
from trainer.corruptions.filters import gaussian, tinted
from trainer.corruptions.streams import Streams

WATER = (175 / 255, 238 / 255, 238 / 255)
"""Pale turquoise: the colour of drops of water."""

MUD = (63 / 255, 42 / 255, 20 / 255)
"""The colour of drops of mud."""

_RELIEF = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])  # light from above left
_DEEPEST = 20.0  # pixels from the outline of a drop; farther is no deeper
_MUD_EDGE = 0.8  # thinner mud is none


def spatter(
    images: Images, streams: Streams, mean: float, sigma: float, size: float, threshold: float,
    strength: float, mud: float,
) -> Images:  # fmt: skip
    """Drops on the lens: of water, which shine, or of mud, which hide.

    Args:
        images: the batch.
        streams: the samples' draws.
        mean, sigma: of the normal noise that drops are made of.
        size: standard deviation of the filter that makes drops of it, in pixels.
        threshold: what is below it is dry.
        strength: of water, its brightness; of mud, how soft its edge is, in pixels.
        mud: 0 for water, 1 for mud.
    """
    shape = images.shape[1:3]
    noise = streams.draw("drops", lambda draw: draw.normal(mean, sigma, shape))
    liquid = gaussian(noise, size)
    liquid = np.where(liquid < threshold, 0.0, liquid)
    if mud:
        return _mud(images, liquid > threshold, strength)
    return _water(images, liquid, strength)


def _mud(images: Images, drops: NDArray[np.bool_], softness: float) -> Images:
    cover = gaussian(drops.astype(np.float64), softness)[..., None]
    cover = np.where(cover < _MUD_EDGE, 0.0, cover)
    return images * (1 - cover) + tinted(cover, MUD, images.shape[-1])


def _water(images: Images, liquid: Images, strength: float) -> Images:
    from scipy import ndimage

    levels = np.trunc(np.clip(liquid, 0.0, 1.0) * 255)
    depth = _box(np.minimum(outline_distance(levels > 0), _DEEPEST))
    shine = ndimage.correlate(_equalised(np.rint(depth)), _RELIEF[None], mode="mirror")
    shine = _box(np.clip(shine, 0, 255)) * levels
    peak = shine.max(axis=(1, 2), keepdims=True)
    shine = np.divide(shine, peak, out=np.zeros_like(shine), where=peak > 0)
    return images + tinted(shine[..., None] * strength, WATER, images.shape[-1])


def outline_distance(drops: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How far every pixel is from the outline of the nearest drop of its image, in pixels.

    The outline is what lies in a drop and has a neighbour (of four) that does not. In an image
    without one everything is as far as can be.

    Args:
        drops: (n, height, width), where there is liquid.
    """
    from scipy import ndimage

    cross = ndimage.generate_binary_structure(2, 1)[None]
    inside = ndimage.binary_erosion(drops, cross, border_value=1)
    # A plane of outline alone, behind the batch, so that there is one; the planes lie so far apart
    # that no other image's outline is ever the nearest within reach.
    behind = np.zeros((1, *drops.shape[1:]), dtype=bool)
    free = np.concatenate([inside | ~drops, behind])
    far: NDArray[np.float64] = ndimage.distance_transform_edt(free, sampling=(1e4, 1, 1))
    return far[:-1]


def _box(layers: Images) -> Images:
    from scipy import ndimage

    # Not scipy's uniform_filter: its running sums leave traces where all is zero.
    mean: Images = ndimage.correlate(layers, np.full((1, 3, 3), 1 / 9), mode="mirror")
    return mean


def _equalised(levels: Images) -> Images:
    # The histogram of every image made flat: a level becomes the share of pixels that are at most
    # as high, without those of the lowest level. An image of one level stays.
    flat = levels.astype(np.int64).reshape(len(levels), -1)
    counts = np.stack([np.bincount(one, minlength=256) for one in flat])
    lowest = np.take_along_axis(counts, flat.min(axis=1)[:, None], axis=1)
    others = flat.shape[1] - lowest
    ranks = np.cumsum(counts, axis=1) - lowest
    shares = np.rint(255 * np.divide(ranks, others, where=others > 0, out=np.zeros(ranks.shape)))
    flattened = np.where(others > 0, np.take_along_axis(shares, flat, axis=1), flat)
    return np.asarray(flattened.reshape(levels.shape), dtype=np.float64)


def saturate(images: Images, streams: Streams, factor: float, shift: float) -> Images:
    """Multiply the saturation of every pixel by ``factor`` and add ``shift``.

    A grey pixel has the hue 0, which is red: with a shift it becomes red, as published.
    """
    value = images.max(axis=3, keepdims=True)
    spread = value - images.min(axis=3, keepdims=True)
    old = np.divide(spread, value, out=np.zeros_like(value), where=value > 0)
    new = np.clip(old * factor + shift, 0.0, 1.0)
    ratio = np.divide(new, old, out=np.zeros_like(old), where=old > 0)
    red = value * np.concatenate([np.ones_like(new), 1 - new, 1 - new], axis=3)
    return np.where(old > 0, value - (value - images) * ratio, red)


SPATTER = Corruption(
    apply=spatter,
    columns=("mean", "sigma", "size", "threshold", "strength", "mud"),
    small=(
        (0.62, 0.1, 0.7, 0.7, 0.5, 0),
        (0.65, 0.1, 0.8, 0.7, 0.5, 0),
        (0.65, 0.3, 1, 0.69, 0.5, 0),
        (0.65, 0.1, 0.7, 0.69, 0.6, 1),
        (0.65, 0.1, 0.5, 0.68, 0.6, 1),
        (0.65, 0.1, 0.3, 0.67, 0.6, 1),
    ),
    large=(
        (0.62, 0.1, 0.7, 0.7, 0.6, 0),
        (0.65, 0.1, 0.8, 0.7, 0.6, 0),
        (0.65, 0.3, 1, 0.69, 0.6, 0),
        (0.65, 0.1, 0.7, 0.68, 0.6, 1),
        (0.65, 0.1, 0.5, 0.67, 0.6, 1),
        (0.65, 0.1, 0.3, 0.66, 0.6, 1),
    ),
)
SATURATE = Corruption(
    apply=saturate,
    columns=("factor", "shift"),
    small=((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2), (3, 0.3)),
    large=((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (30, 0.2), (55, 0.3)),
    colour=True,
    draws=False,
)
