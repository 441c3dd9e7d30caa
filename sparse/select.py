"""Exact selection: the k largest or the k smallest positions, never one more or less.

Everywhere ties go to the lower flat index (row-major order), so a selection depends neither on the
number of threads nor on how the tensor lies in memory. Nothing here sorts a large tensor: a
threshold is found by partial selection and ties at it are counted out.

NaN has no place in an order: scores that hold one are refused with a ValueError. That check waits
for the device; `checked=True` leaves it out, for callers that called `refuse_nan` on all their
scores at once. Apart from it the selections by score do not wait for a CUDA device: there NaN that
nobody refused rank below all other scores but -inf, and the counts stay exact.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

_SAMPLE = 1024


def largest(scores: Tensor, k: int, *, checked: bool = False) -> Tensor:
    """Return the mask (bool, same shape) of exactly the k largest scores; 0 <= k <= size."""
    refuse_count(k, scores.numel())
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
    refuse_count(k, scores.shape[1])
    if k == 0:
        return torch.zeros_like(scores, dtype=torch.bool)
    threshold = scores.topk(k, dim=1, sorted=False).values.amin(1, keepdim=True)
    above = scores > threshold
    ties = scores == threshold
    return above | (ties & (ties.cumsum(1) <= k - above.sum(1, keepdim=True)))


def largest_positions(
    scores: Tensor, k: int, *, among: Tensor | None = None, checked: bool = False
) -> Tensor:
    """Return the flat positions (int64, ascending) of exactly the k largest scores.

    The same choice as `largest` makes, found faster where k is small. `among` is a bool mask of the
    positions to choose from, with at least k of them; scores there lie above -inf.
    """
    refuse_count(k, scores.numel())
    if not checked:
        refuse_nan({"scores": scores})
    values = scores.flatten()
    if values.is_cpu:
        return _top_positions(values, k, None if among is None else among.flatten())
    if among is not None:
        values = values.masked_fill(~among.flatten(), -math.inf)
    return positions(_top(values, k), k)


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


def refuse_nan(scores: Mapping[str, Tensor], *, wait: bool = True) -> None:
    """Raise a ValueError that names the tensors with a NaN in them; waits for the device once.

    With `wait=False` only tensors on the CPU are looked at.
    """
    looked = [tensor for tensor in scores.values() if tensor.numel() and (wait or tensor.is_cpu)]
    # The largest of values with a NaN among them is NaN, and it is found several times faster.
    peaks = [tensor.amax().float() for tensor in looked]
    if peaks and bool(torch.stack(peaks).isnan().any()):
        named = ", ".join(name for name, tensor in scores.items() if bool(tensor.isnan().any()))
        raise ValueError(f"NaN in {named}: it cannot be ranked; has the training diverged?")


def refuse_count(k: int, available: int) -> None:
    """Raise a ValueError where k of the positions to choose from cannot be chosen."""
    if not 0 <= k <= available:
        raise ValueError(
            f"k is {k}; it must be between 0 and {available}, the positions to choose from"
        )


def positions(mask: Tensor, count: int | None = None) -> Tensor:
    """Return the flat positions (int64, ascending) of the non-zero entries of a mask.

    With their `count` known beforehand a CUDA device is not waited for, and a CPU has less to do.
    """
    flat = mask.flatten().to(torch.bool)
    if flat.is_cpu:
        return _positions_on_cpu(flat, len(flat) if count is None else count)
    if count is None:
        return flat.nonzero().flatten()
    return torch.nonzero_static(flat, size=count).flatten()


def without(at: Tensor, removed: Tensor) -> Tensor:
    """Return the positions of the first list that are not in the second."""
    return at[~torch.isin(at, removed)]


def without_sorted(at: Tensor, removed: Tensor) -> Tensor:
    """Return the positions of the first list that are not in the second, which is ascending."""
    return at[~found_in(removed, at)[1]]


def found_in(ascending: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many of the ascending positions lie below each of `at`, and whether it is one."""
    below = torch.searchsorted(ascending, at)
    if not len(ascending):
        return below, torch.zeros_like(at, dtype=torch.bool)
    nearest = below.clamp_max(len(ascending) - 1)
    return below, ascending.index_select(0, nearest) == at


def fill(tensor: Tensor, at: Tensor, value: float) -> None:
    """Write a value to flat positions of a tensor in place, however it lies in memory."""
    if tensor.is_contiguous():
        tensor.view(-1).index_fill_(0, at, value)
    else:
        tensor[torch.unravel_index(at, tensor.shape)] = value


def _positions_on_cpu(flat: Tensor, about: int) -> Tensor:
    """Return the positions of the true entries; `about` how many there are.

    The search of numpy is several times faster than that of torch, and at its best among many true
    entries. Where few are, words of eight that hold none are left out first.
    """
    if 10 * about > len(flat) or len(flat) % 8 or flat.storage_offset() % 8:
        return _found(flat)
    words = _found(flat.view(torch.int64) != 0)
    inside = _found(flat.view(-1, 8).index_select(0, words).view(-1))
    return words.index_select(0, inside >> 3).mul_(8).add_(inside & 7)


def _found(flat: Tensor) -> Tensor:
    return torch.from_numpy(flat.numpy().nonzero()[0])


def _top(values: Tensor, k: int) -> Tensor:
    """Return the exact top-k mask of a flat tensor without NaN."""
    if k == 0:
        return torch.zeros_like(values, dtype=torch.bool)
    if not values.is_cpu:
        return _top_on_device(values, k)
    threshold = _kth_largest(values, k)
    reached = values >= threshold
    return reached if int(reached.count_nonzero()) == k else _from(values, threshold, k)


def _top_on_device(values: Tensor, k: int) -> Tensor:
    """Return the exact top-k mask of a flat tensor, k > 0, without a word to the host."""
    size = len(values)
    if values.is_floating_point():
        lowest = torch.finfo(values.dtype).min
        values = values.nan_to_num(nan=lowest, posinf=math.inf, neginf=-math.inf)
    # torch.kthvalue is slow on CUDA, and refused there in deterministic mode.
    if 2 * k <= size:
        threshold = values.topk(k, sorted=False).values.amin()
    else:
        threshold = values.topk(size - k + 1, largest=False, sorted=False).values.amax()
    return _from(values, threshold, k)


def _from(values: Tensor, threshold: Tensor, k: int) -> Tensor:
    """Return the mask of the k values from the threshold upwards, the first of those at it."""
    above = values > threshold
    ties = values == threshold
    return above | (ties & (ties.cumsum(0) <= k - above.count_nonzero()))


def _top_positions(values: Tensor, k: int, among: Tensor | None) -> Tensor:
    """Return the positions of the exact top-k of a flat tensor on the CPU, ranking few of them."""
    if among is None and 2 * k > len(values):
        return positions(_top(values, k))
    inside = values >= _likely_below(values, k, among)
    at = positions(inside if among is None else inside & among, 2 * k)
    if len(at) < k:  # the sample was misleading
        at = torch.arange(len(values)) if among is None else positions(among)
        refuse_count(k, len(at))
    return at.index_select(0, positions(_top(values.index_select(0, at), k)))


def _likely_below(values: Tensor, k: int, among: Tensor | None) -> Tensor:
    """Return a value that at least k of the values reach, in all likelihood, but not many more."""
    stride = _stride(len(values))
    sample = values[::stride] if among is None else values[::stride][among[::stride]]
    expected = k / stride
    rank = int(expected + 3 * math.sqrt(expected)) + 3
    if rank > len(sample):
        return values.amin() if len(values) else values.new_zeros(())
    return sample.kthvalue(len(sample) + 1 - rank).values


def _stride(size: int) -> int:
    """Return the distance of the values of a sample: an odd one, to visit all columns of a matrix.

    A larger sample is read for longer and leaves less to rank; most gain from one in 64.
    """
    return size // min(max(size // 64, _SAMPLE), 4 * _SAMPLE) | 1


def _kth_largest(values: Tensor, k: int) -> Tensor:
    if len(values) > 8 * _SAMPLE:
        values, k = _bracketed(values, k)
    return values.kthvalue(len(values) - k + 1).values


def _bracketed(values: Tensor, k: int) -> tuple[Tensor, int]:
    """Return a small part of the values that holds the k-th largest, and its rank in that part.

    A strided sample suggests two values around the threshold; were it unlucky, everything is
    returned. The threshold is the same either way, only found more slowly.
    """
    sample = values[:: _stride(len(values))]
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
    part = values.index_select(0, positions(inside))
    return (part, rank) if 1 <= rank <= len(part) else (values, k)


def _top_with_floors(pool: Tensor, k: int, sizes: list[int], floors: list[int]) -> Tensor:
    """Return the top-k mask of pooled tensors in which each tensor keeps its best `floors`."""
    parts = zip(pool.split(sizes), floors, strict=True)
    safe = torch.cat([_top(part, floor) for part, floor in parts])
    return safe | largest_among(pool, k - sum(floors), ~safe, checked=True)
