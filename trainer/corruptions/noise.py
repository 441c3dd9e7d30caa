"""Noise: every value of a pixel is disturbed on its own.

Parameters of severities 1 to 5: hendrycks/robustness, make_cifar_c.py and make_tinyimagenet_c.py.
"""

import numpy as np

from trainer.corruptions.corruption import Corruption, Images, single
from trainer.corruptions.streams import Streams


def gaussian_noise(images: Images, streams: Streams, sigma: float) -> Images:
    """Add normal noise of standard deviation ``sigma``."""
    return images + sigma * _normal(images, streams)


def shot_noise(images: Images, streams: Streams, photons: float) -> Images:
    """Replace values by Poisson counts of ``photons`` at white, divided by ``photons``."""
    pairs = zip(images, streams.generators("counts"), strict=True)
    return np.stack([draw.poisson(image * photons) / photons for image, draw in pairs])


def impulse_noise(images: Images, streams: Streams, amount: float) -> Images:
    """Salt and pepper: a share ``amount`` of all values becomes 0 or 1 with equal chances."""
    drawn = streams.draw("values", lambda draw: draw.random(images.shape[1:]))
    salted = np.where(drawn < amount, 1.0, images)
    return np.where(drawn < amount / 2, 0.0, salted)


def speckle_noise(images: Images, streams: Streams, sigma: float) -> Images:
    """Add normal noise of standard deviation ``sigma`` times the value."""
    return images + images * (sigma * _normal(images, streams))


def _normal(images: Images, streams: Streams) -> Images:
    return streams.draw("values", lambda draw: draw.standard_normal(images.shape[1:]))


GAUSSIAN_NOISE = Corruption(
    apply=gaussian_noise,
    columns=("sigma",),
    small=single(0.04, 0.06, 0.08, 0.09, 0.10, 0.11),
    large=single(0.04, 0.08, 0.12, 0.15, 0.18, 0.21),
)
SHOT_NOISE = Corruption(
    apply=shot_noise,
    columns=("photons",),
    small=single(500, 250, 100, 75, 50, 33),
    large=single(250, 100, 50, 30, 15, 7.5),
)
IMPULSE_NOISE = Corruption(
    apply=impulse_noise,
    columns=("amount",),
    small=single(0.01, 0.02, 0.03, 0.05, 0.07, 0.09),
    large=single(0.01, 0.02, 0.05, 0.08, 0.14, 0.20),
)
SPECKLE_NOISE = Corruption(
    apply=speckle_noise,
    columns=("sigma",),
    small=single(0.06, 0.1, 0.12, 0.16, 0.2, 0.24),
    large=single(0.15, 0.2, 0.25, 0.3, 0.35, 0.4),
)
