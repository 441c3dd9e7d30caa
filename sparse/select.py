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

    `among` must have at least k true positions.
    """
    candidates = positions(among)
    values = scores.flatten().index_select(0, candidates)
    chosen = torch.zeros_like(among, memory_format=torch.contiguous_format)
    fill(chosen, candidates[largest(values, k, checked=checked)], True)
    return chosen


def largest_in_rows(scores: Tensor, k: int) -> Tensor:
    """Return the mask of exactly the k largest scores of every row of a matrix, free of NaN."""
    _refuse_count(k, scores.shape[1])
    if k == 0:
        return torch.zeros_like(scores, dtype=torch.bool)
    threshold = scores.topk(k, dim=1, sorted=False).values.amin(1, keepdim=True)
    above = scores > threshold
    ties = scores == threshold
    return above | (ties & (ties.cumsum(1) <= k - above.sum(1, keepdim=True)))


def largest_global(scores: Mapping[str, Tensor], k: int, *, minimum: int = 1) -> dict[str, Tensor]:
    """Return masks of exactly the k largest scores over all tensors together.

    The raw scores are pooled; between tensors ties go to the earlier one. Every tensor keeps at
    least its `minimum` best (or all it has), so that no layer is cut off; they count towards k.
    """
    sizes = [tensor.numel() for tensor in scores.values()]
    floors = [min(minimum, size) for size in sizes]
    if not sum(floors) <= k <= sum(sizes):
        each = f"{sum(floors)} ({minimum} for each of {len(sizes)} layers)"
        raise ValueError(f"k is {k}; it must lie between {each} and {sum(sizes)}")
    refuse_nan(scores)
    pool = torch.cat([tensor.flatten() for tensor in scores.values()])
    chosen = _top(pool, k)
    kept = [int(part.count_nonzero()) for part in chosen.split(sizes)]
    if any(count < floor for count, floor in zip(kept, floors, strict=True)):
        chosen = _top_with_floors(pool, k, sizes, floors)
    parts = zip(scores.items(), chosen.split(sizes), strict=True)
    return {name: part.view(tensor.shape) for (name, tensor), part in parts}


def random_among(among: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Return the mask of exactly k true positions of a bool mask, drawn uniformly."""
    chosen = torch.zeros_like(among, memory_format=torch.contiguous_format)
    fill(chosen, random_positions(among, k, generator), True)
    return chosen


def random_positions(among: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Return k distinct flat positions (int64) where a bool mask is true, drawn uniformly.

    The draws are made on the generator's device, which may be the CPU for a mask on a CUDA device.
    """
    flat = among.flatten().to(generator.device)
    size, candidates = len(flat), int(flat.count_nonzero())
    _refuse_count(k, candidates)
    if 2 * k > candidates or 4 * candidates < size:
        order = _permutation(candidates, generator)[:k]
        return flat.nonzero().flatten().index_select(0, order).to(among.device)
    # Few of many: drawing with replacement until k distinct ones are there avoids the long
    # permutation. Given their number, the distinct ones are a uniform subset, so any k are too.
    draws = _draws(size, candidates, k)
    while True:
        drawn = torch.randint(size, (draws,), generator=generator, device=generator.device)
        distinct = positions(torch.zeros_like(flat).index_fill_(0, drawn, True) & flat)
        if len(distinct) >= k:
            order = _permutation(len(distinct), generator)[:k]
            return distinct.index_select(0, order).to(among.device)


def refuse_nan(scores: Mapping[str, Tensor]) -> None:
    """Raise a ValueError that names the tensors with a NaN in them; waits for the device once."""
    # The largest of values with a NaN among them is NaN, and it is found several times faster.
    peaks = [tensor.max().float() for tensor in scores.values() if tensor.numel()]
    if peaks and bool(torch.stack(peaks).isnan().any()):
        named = ", ".join(name for name, tensor in scores.items() if bool(tensor.isnan().any()))
        raise ValueError(f"NaN in {named}: it cannot be ranked; has the training diverged?")


def positions(mask: Tensor, count: int | None = None) -> Tensor:
    """Return the flat positions (int64, ascending) of the non-zero entries of a mask.

    With their `count` known beforehand a CUDA device is not waited for.
    """
    flat = mask.flatten().to(torch.bool)
    if count is None or flat.is_cpu:
        return flat.nonzero().flatten()
    return torch.nonzero_static(flat, size=count).flatten()


def without(at: Tensor, removed: Tensor) -> Tensor:
    """Return the positions of the first list that are not in the second."""
    return at[~torch.isin(at, removed)]


def fill(tensor: Tensor, at: Tensor, value: float) -> None:
    """Write a value to flat positions of a tensor in place, however it lies in memory."""
    if tensor.is_contiguous():
        tensor.view(-1).index_fill_(0, at, value)
    else:
        tensor[torch.unravel_index(at, tensor.shape)] = value


def _top(values: Tensor, k: int) -> Tensor:
    """Return the exact top-k mask of a flat tensor without NaN."""
    if k == 0:
        return torch.zeros_like(values, dtype=torch.bool)
    threshold = _kth_largest(values, k)
    reached = values >= threshold
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
    if size > 32 * _SAMPLE:
        values, k = _bracketed(values, k)
    return values.kthvalue(len(values) - k + 1).values


def _bracketed(values: Tensor, k: int) -> tuple[Tensor, int]:
    """Return a small part of the values that holds the k-th largest, and its rank in that part.

    A strided sample suggests two values around the threshold; were it unlucky, everything is
    returned. The threshold is the same either way, only found more slowly.
    """
    # An odd stride visits all columns of a matrix with an even number of them.
    sample = values[:: len(values) // _SAMPLE | 1]
    expected = k * len(sample) / len(values)
    slack = 3 * math.sqrt(expected * (1 - k / len(values))) + 3
    # A side that leaves out little is not worth the pass over all values.
    worth = len(sample) // 8
    from_top, from_bottom = int(expected - slack), int(len(sample) - expected - slack)
    inside, rank = torch.ones_like(values, dtype=torch.bool), k
    if from_top > worth:
        inside = values <= sample.kthvalue(len(sample) + 1 - from_top).values
        rank = k - len(values) + int(inside.count_nonzero())
    if from_bottom > worth:
        inside &= values >= sample.kthvalue(from_bottom).values
    part = values.index_select(0, inside.nonzero().flatten())
    return (part, rank) if 1 <= rank <= len(part) else (values, k)


def _top_with_floors(pool: Tensor, k: int, sizes: list[int], floors: list[int]) -> Tensor:
    """Return the top-k mask of pooled tensors in which each tensor keeps its best `floors`."""
    parts = zip(pool.split(sizes), floors, strict=True)
    safe = torch.cat([_top(part, floor) for part, floor in parts])
    return safe | largest_among(pool, k - sum(floors), ~safe, checked=True)


def _permutation(size: int, generator: torch.Generator) -> Tensor:
    return torch.randperm(size, generator=generator, device=generator.device)


def _draws(size: int, candidates: int, k: int) -> int:
    """Return how many draws from `size` positions make k distinct candidates all but certain."""
    hits = -candidates * math.log1p(-k / candidates)
    return math.ceil((hits + 6 * math.sqrt(hits) + 10) * size / candidates)


def _refuse_count(k: int, available: int) -> None:
    if not 0 <= k <= available:
        raise ValueError(
            f"k is {k}; it must be between 0 and {available}, the positions to choose from"
        )
