"""Exact selection: the k largest, the k smallest, or k random positions, never one more or less.

Everywhere ties go to the lower flat index (row-major order), so a selection depends neither on the
number of threads nor on how the tensor lies in memory. Nothing here sorts a large tensor: a
threshold is found by partial selection and ties at it are counted out.

NaN has no place in an order: scores that hold one are refused with a ValueError. That check waits
for the device; `checked=True` leaves it out, for callers that called `refuse_nan` on all their
scores at once. Apart from it the selections by score do not wait for a CUDA device.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

_SAMPLE = 1024


def largest(scores: Tensor, k: int, *, checked: bool = False) -> Tensor:
    """Return the mask (bool, same shape) of exactly the k largest scores; 0 <= k <= size."""
    _refuse_count(k, scores.numel())
    if not checked:
        refuse_nan({"scores": scores})
    return _top(scores.flatten(), k).view(scores.shape)


def smallest(
    scores: Tensor, k: int, *, among: Tensor | None = None, checked: bool = False
) -> Tensor:
    """Return the mask of exactly the k smallest scores, among the true positions of a bool mask."""
    if among is None:
        return largest(-scores, k, checked=checked)
    return largest_among(-scores, k, among, checked=checked)


def largest_among(scores: Tensor, k: int, among: Tensor, *, checked: bool = False) -> Tensor:
    """Return the mask of exactly the k largest scores among the true positions of a bool mask.

    `among` must have at least k true positions: checked, unless `checked` says that it is known.
    """
    if not checked:
        _refuse_count(k, int(among.count_nonzero()))
        refuse_nan({"scores": scores[among]})
    values = scores.float() if not scores.is_floating_point() else scores
    values = values.masked_fill(~among, -math.inf).flatten()
    return _top(values, k, among.flatten()).view(scores.shape)


def largest_global(scores: Mapping[str, Tensor], k: int, *, minimum: int = 1) -> dict[str, Tensor]:
    """Return masks of exactly the k largest scores over all tensors together.

    The raw scores are pooled; between tensors ties go to the earlier one. Every tensor keeps at
    least its `minimum` best (or all it has), so that no layer is cut off; they count towards k.
    """
    sizes = {name: tensor.numel() for name, tensor in scores.items()}
    floors = {name: min(minimum, size) for name, size in sizes.items()}
    if not sum(floors.values()) <= k <= sum(sizes.values()):
        raise ValueError(
            f"k is {k}; it must lie between {sum(floors.values())} ({minimum} for each of"
            f" {len(sizes)} layers) and {sum(sizes.values())}"
        )
    refuse_nan(scores)
    flat = {name: tensor.flatten() for name, tensor in scores.items()}
    safe = torch.cat([_top(values, floors[name]) for name, values in flat.items()])
    pooled = torch.cat(list(flat.values())).masked_fill(safe, -math.inf)
    chosen = safe | _top(pooled, k - sum(floors.values()), ~safe)
    parts = chosen.split(list(sizes.values()))
    return {name: part.view(scores[name].shape) for name, part in zip(scores, parts, strict=True)}


def random_among(among: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Return the mask of exactly k true positions of a bool mask, drawn uniformly."""
    chosen = torch.zeros_like(among).flatten()
    chosen[random_positions(among, k, generator)] = True
    return chosen.view(among.shape)


def random_positions(among: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Return k distinct flat positions (int64) where a bool mask is true, drawn uniformly.

    The draws are made on the generator's device, which may be the CPU for a mask on a CUDA device.
    """
    flat = among.flatten()
    size, candidates = flat.numel(), int(flat.count_nonzero())
    _refuse_count(k, candidates)
    if 2 * k > candidates or 4 * candidates < size:
        return flat.nonzero().flatten()[_permutation(candidates, generator)[:k].to(flat.device)]
    # Few of many: drawing with replacement until k distinct ones are there avoids the long
    # permutation. Given their number, the distinct ones are a uniform subset, so any k are too.
    draws = _draws(size, candidates, k)
    while True:
        drawn = torch.randint(size, (draws,), generator=generator, device=generator.device)
        distinct = drawn[flat[drawn.to(flat.device)].to(drawn.device)].unique()
        if len(distinct) >= k:
            return distinct[_permutation(len(distinct), generator)[:k]].to(flat.device)


def refuse_nan(scores: Mapping[str, Tensor]) -> None:
    """Raise a ValueError that names the tensors with a NaN in them; waits for the device once."""
    if not scores:
        return
    # The largest of values with a NaN among them is NaN, and it is found several times faster.
    peaks = torch.stack([tensor.max().float() for tensor in scores.values() if tensor.numel()])
    if bool(peaks.isnan().any()):
        named = ", ".join(name for name, tensor in scores.items() if bool(tensor.isnan().any()))
        raise ValueError(f"NaN in {named}: it cannot be ranked; has the training diverged?")


def positions(mask: Tensor, count: int | None = None) -> Tensor:
    """Return the flat positions (int64, ascending) of the non-zero entries of a mask.

    With their `count` known beforehand a CUDA device is not waited for.
    """
    if count is None or not mask.is_cuda:
        return mask.flatten().nonzero().flatten()
    return torch.nonzero_static(mask.flatten(), size=count).flatten()


def fill(tensor: Tensor, at: Tensor, value: float) -> None:
    """Write a value to flat positions of a tensor in place, however it lies in memory."""
    if tensor.is_contiguous():
        tensor.view(-1).index_fill_(0, at, value)
    else:
        tensor[torch.unravel_index(at, tensor.shape)] = value


def _top(values: Tensor, k: int, among: Tensor | None = None) -> Tensor:
    """Return the exact top-k mask of a flat tensor without NaN.

    With `among`, the others hold -inf and are never chosen, not even where a candidate is -inf.
    """
    if k == 0:
        return torch.zeros_like(values, dtype=torch.bool)
    threshold = _kth_largest(values, k)
    reached = values >= threshold if among is None else (values >= threshold) & among
    if values.is_cpu and int(reached.count_nonzero()) == k:
        return reached
    above = values > threshold
    ties = reached & ~above
    return above | (ties & (ties.cumsum(0) <= k - above.count_nonzero()))


def _kth_largest(values: Tensor, k: int) -> Tensor:
    size = len(values)
    if not values.is_cpu:
        # torch.kthvalue is slow on CUDA, and refused there in deterministic mode.
        if 2 * k <= size:
            return values.topk(k, sorted=False).values.amin()
        return values.topk(size - k + 1, largest=False, sorted=False).values.amax()
    if size > 16 * _SAMPLE and 4 * k < size:
        values = _upper_part(values, k)
    return values.kthvalue(len(values) - k + 1).values


def _upper_part(values: Tensor, k: int) -> Tensor:
    """Return a small part of the values that surely holds the k largest.

    A strided sample suggests where to cut, a little below the threshold; were the sample unlucky,
    all values are returned. The result is the same, only slower.
    """
    sample = values[:: len(values) // _SAMPLE | 1]
    expected = k * len(sample) / len(values)
    rank = min(len(sample), math.ceil(expected + 3 * math.sqrt(expected) + 3))
    upper = values[values >= sample.kthvalue(len(sample) - rank + 1).values]
    return upper if len(upper) >= k else values


def _permutation(size: int, generator: torch.Generator) -> Tensor:
    return torch.randperm(size, generator=generator, device=generator.device)


def _draws(size: int, candidates: int, k: int) -> int:
    """Return how many draws from `size` positions make k distinct candidates all but certain."""
    hits = -candidates * math.log1p(-k / candidates)
    return math.ceil((hits + 6 * math.sqrt(hits) + 10) * size / candidates)


def _refuse_count(k: int, available: int) -> None:
    if not 0 <= k <= available:
        raise ValueError(
            f"k is {k}; it must lie between 0 and the {available} positions to choose from"
        )
