"""The door to the corruptions: bytes in, bytes out, every sample by its own name."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sparse.options import nearest
from trainer.corruptions import blur, digital, extra, noise, weather
from trainer.corruptions.corruption import LEAST_SIDE, SEVERITIES, Corruption
from trainer.corruptions.streams import Streams

COMMON: Mapping[str, Corruption] = {
    "gaussian_noise": noise.GAUSSIAN_NOISE,
    "shot_noise": noise.SHOT_NOISE,
    "impulse_noise": noise.IMPULSE_NOISE,
    "defocus_blur": blur.DEFOCUS_BLUR,
    "glass_blur": blur.GLASS_BLUR,
    "motion_blur": blur.MOTION_BLUR,
    "zoom_blur": blur.ZOOM_BLUR,
    "snow": weather.SNOW,
    "frost": weather.FROST,
    "fog": weather.FOG,
    "brightness": weather.BRIGHTNESS,
    "contrast": digital.CONTRAST,
    "elastic_transform": digital.ELASTIC_TRANSFORM,
    "pixelate": digital.PIXELATE,
    "jpeg_compression": digital.JPEG_COMPRESSION,
}
"""The fifteen of CIFAR-10-C's benchmark, by the names of its files."""

EXTRA: Mapping[str, Corruption] = {
    "speckle_noise": noise.SPECKLE_NOISE,
    "gaussian_blur": blur.GAUSSIAN_BLUR,
    "spatter": extra.SPATTER,
    "saturate": extra.SATURATE,
}
"""The four that the benchmark keeps for validation."""

CORRUPTIONS: Mapping[str, Corruption] = {**COMMON, **EXTRA}
"""All nineteen."""

MIXED = "mixed"
"""Instead of a name: every sample gets one of the fifteen, drawn by its id."""

DRAWING = (*(name for name, one in CORRUPTIONS.items() if one.draws), MIXED)
"""Those whose images depend on the seed."""

VERSION = 1
"""Raised whenever the bytes of any corruption change."""

_BATCH = 256  # images at once: a few megabytes of doubles


def corrupt(
    images: NDArray[np.uint8],
    ids: NDArray[np.int64],
    *,
    corruption: str,
    severity: int,
    seed: int,
    part: str,
) -> NDArray[np.uint8]:
    """Corrupt images: x / 255, the corruption, cut to [0, 1], times 255, rounded down to bytes.

    What becomes of a sample depends on its bytes and on (corruption, severity, seed, part, id),
    never on the others of the batch.

    Args:
        images: (n, height, width, channels) bytes with 1 or 3 channels, at least 4 pixels a side,
            and 9 for ``zoom_blur`` and ``"mixed"`` at severity 1.
        ids: (n,) number of each sample in its part.
        corruption: one of :data:`CORRUPTIONS`, or ``"mixed"``.
        severity: 1 to 6.
        seed: names the draws, together with all the rest.
        part: the part of the dataset that the ids count, ``"train"`` or ``"test"``.

    Returns:
        A new array of the same shape.

    Raises:
        ValueError: for an unknown name or severity, or images that cannot be corrupted so.
    """
    check(corruption, severity, images.shape)
    corrupted = np.empty_like(images)
    for start in range(0, len(images), _BATCH):
        batch = slice(start, start + _BATCH)
        which = (corruption, severity, seed, part)
        corrupted[batch] = _corrupt(images[batch], ids[batch], *which)
    return corrupted


def check(corruption: str, severity: int, shape: tuple[int, ...]) -> None:
    """Refuse what :func:`corrupt` cannot do with images of a shape (n, height, width, channels).

    Raises:
        ValueError: as from :func:`corrupt`.
    """
    if corruption != MIXED and corruption not in CORRUPTIONS:
        allowed = (*CORRUPTIONS, MIXED)
        hint = nearest(corruption, allowed)
        raise ValueError(f"unknown corruption {corruption!r}; allowed: {', '.join(allowed)}{hint}")
    if severity not in SEVERITIES:
        raise ValueError(f"corruption {corruption}: severity {severity} is not one of 1 to 6")
    least = _least_side(corruption, severity)
    if len(shape) != 4 or shape[3] not in (1, 3) or min(shape[1:3]) < least:
        given = " x ".join(map(str, shape[1:]))
        raise ValueError(
            f"corruption {corruption}: needs images of 1 or 3 channels and at least {least} "
            f"pixels a side at severity {severity}; these are {given} (height x width x channels)"
        )
    if corruption != MIXED and CORRUPTIONS[corruption].colour and shape[3] == 1:
        raise ValueError(f"corruption {corruption} acts on colour; these images are grey")


def _least_side(corruption: str, severity: int) -> int:
    if severity > 1:
        return LEAST_SIDE
    chosen = COMMON.values() if corruption == MIXED else [CORRUPTIONS[corruption]]
    return max(one.least_side for one in chosen)


def mixed_names(ids: NDArray[np.int64], seed: int, part: str) -> list[str]:
    """The corruption of each sample under ``"mixed"``; the same at every severity."""
    streams = Streams(name=f"{MIXED}/{seed}/{part}", ids=ids)
    names = list(COMMON)
    drawn = streams.draw("corruption", lambda draw: draw.integers(len(names), size=()))
    return [names[index] for index in drawn.tolist()]


def _corrupt(
    images: NDArray[np.uint8],
    ids: NDArray[np.int64],
    corruption: str,
    severity: int,
    seed: int,
    part: str,
) -> NDArray[np.uint8]:
    if corruption == MIXED:
        names = np.array(mixed_names(ids, seed, part))
        corrupted = np.empty_like(images)
        for name in np.unique(names).tolist():
            own = names == name
            corrupted[own] = _corrupt(images[own], ids[own], name, severity, seed, part)
        return corrupted
    chosen = CORRUPTIONS[corruption]
    streams = Streams(name=f"{corruption}/{severity}/{seed}/{part}", ids=ids)
    row = chosen.parameters(severity, *images.shape[1:3])
    values = chosen.apply(images / 255.0, streams, *row)
    return (np.clip(values, 0.0, 1.0) * 255).astype(np.uint8)
