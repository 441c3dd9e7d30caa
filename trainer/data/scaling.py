"""From splits as they were read to the bundle on the device, standardised or as pixels.

Mean and deviation come from the training split alone, unless a dataset publishes its own. A
constant input becomes exactly 0, whatever is added to deviations.
"""

import torch
from torch import Tensor

from trainer.data.bundle import Bundle, Cut, Moments, Normalisation, Scaling, Split, Splits

_LEAST_DEVIATION = 1e-12

_ADDED: dict[Cut, float] = {"stratified": 0.0, "set_code": 1e-4}
"""What is added to a deviation before inputs as they were read are divided by it, by their cut."""


def as_bundle(splits: Splits, device: str, *, pixels: bool) -> Bundle:
    """The bundle of a dataset's splits.

    Args:
        splits: as they were read.
        device: where it is to lie.
        pixels: keep inputs as pixels in [0, 1], which the network standardises itself; bytes
            always are. Else inputs are standardised here, once.

    Raises:
        ValueError: when pixels are asked of inputs that are none.
    """
    raw = splits.raw
    shape = tuple(splits.train.inputs.shape[1:])
    if pixels and raw.white is None:
        raise ValueError("the inputs of this dataset are no pixels, so they have no [0, 1]")
    if raw.white is not None and (pixels or splits.train.inputs.dtype == torch.uint8):
        return _pixel_bundle(splits, shape, raw.white, device)
    shift, scale = _moments(splits.train.inputs, raw.scaling, _ADDED[raw.split])
    parts = {
        name: _placed(part, ((part.inputs.double() - shift) * scale).float(), device)
        for name, part in _all(splits).items()
    }
    return _bundle(parts, raw.classes, shape, None)


def _pixel_bundle(splits: Splits, shape: tuple[int, ...], white: float, device: str) -> Bundle:
    raw = splits.raw
    parts = {name: _placed(s, _pixels(s, white), device) for name, s in _all(splits).items()}
    if raw.moments is not None:
        shift, scale = _published(raw.moments, shape)
    else:
        pixels, added = _pixels(splits.train, white), _ADDED[raw.split] / white
        shift, scale = _moments_of_pixels(pixels, raw.scaling, added)
    normalise = Normalisation(shift=shift.float().to(device), scale=scale.float().to(device))
    return _bundle(parts, raw.classes, shape, normalise)


def _all(splits: Splits) -> dict[str, Split]:
    own = {"train": splits.train, "val": splits.val, "test": splits.test}
    return {**own, **splits.extra}


def _bundle(
    parts: dict[str, Split], classes: int, shape: tuple[int, ...], normalise: Normalisation | None
) -> Bundle:
    train, val, test = (parts.pop(name) for name in ("train", "val", "test"))
    return Bundle(
        train=train, val=val, test=test, extra=parts, classes=classes, input_shape=shape,
        normalise=normalise,
    )  # fmt: skip


def _placed(split: Split, inputs: Tensor, device: str) -> Split:
    return Split(
        inputs=inputs.contiguous().to(device),
        targets=split.targets.to(device),
        ids=split.ids,
        part=split.part,
    )


def _pixels(split: Split, white: float) -> Tensor:
    return split.inputs if split.inputs.dtype == torch.uint8 else split.inputs.float() / white


def _moments(inputs: Tensor, scaling: Scaling, added: float) -> tuple[Tensor, Tensor]:
    values = inputs.double()
    if scaling == "feature":
        dims: tuple[int, ...] = (0,)
    elif scaling == "channel":
        dims = (0, *range(2, values.ndim))
    else:
        dims = tuple(range(values.ndim))
    shift = values.mean(dims, keepdim=True)
    deviation = values.std(dims, keepdim=True, unbiased=False)
    return shift, _inverse(deviation, added)


def _moments_of_pixels(pixels: Tensor, scaling: Scaling, added: float) -> tuple[Tensor, Tensor]:
    if pixels.dtype != torch.uint8 or scaling == "feature":
        values = pixels.double() / (255.0 if pixels.dtype == torch.uint8 else 1.0)
        shift, scale = _moments(values, scaling, added)
        return shift[0], scale[0]
    # Of bytes by their counts: exact, and without a copy eight times as large.
    grouped = pixels.transpose(0, 1) if scaling == "channel" else pixels.unsqueeze(0)
    counts = torch.stack([torch.bincount(own.flatten().int(), minlength=256) for own in grouped])
    levels = torch.arange(256, dtype=torch.float64) / 255.0
    share = counts.double() / counts.sum(1, keepdim=True)
    mean = share @ levels
    variance = (share * (levels - mean[:, None]).square()).sum(1)
    form = (-1,) + (1,) * (pixels.ndim - 2)
    return mean.view(form), _inverse(variance.sqrt(), added).view(form)


def _published(moments: Moments, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    form = (-1,) + (1,) * (len(shape) - 1)
    mean, deviation = (torch.tensor(values, dtype=torch.float64).view(form) for values in moments)
    return mean, _inverse(deviation)


def _inverse(deviation: Tensor, added: float = 0.0) -> Tensor:
    inverse = 1.0 / (deviation.clamp_min(_LEAST_DEVIATION) + added)
    return torch.where(deviation > _LEAST_DEVIATION, inverse, 0.0)
