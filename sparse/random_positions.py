"""Random selection: exactly k positions, drawn uniformly, and the draws that this takes.

Positions are flat (int64, row-major). Every draw is made with the given generator, on its device.
Where the places to choose from are known without a mask of them, `sparse.csr.free_places` draws the
same positions, bit for bit.
"""

import math

import torch
from torch import Tensor

from sparse.select import fill, positions, refuse_count

_WORD = 2**32
_SHORT = _WORD // 20
_CHUNK = 2**20


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
    refuse_count(k, candidates)
    if 2 * k > candidates or 4 * candidates < size:
        order = permutation(candidates, generator)[:k]
        return flat.nonzero().flatten().index_select(0, order).to(among.device)
    # Few of many: drawing with replacement until k distinct ones are there avoids the long
    # permutation. Given their number, the distinct ones are a uniform subset, so any k are too.
    draws = expected_draws(size, candidates, k)
    while True:
        drawn = torch.randint(size, (draws,), generator=generator, device=generator.device)
        distinct = positions(torch.zeros_like(flat).index_fill_(0, drawn, True) & flat)
        if len(distinct) >= k:
            order = permutation(len(distinct), generator)[:k]
            return distinct.index_select(0, order).to(among.device)


def permutation(size: int, generator: torch.Generator) -> Tensor:
    """Return a random permutation of 0 to size - 1 on the generator's device."""
    return torch.randperm(size, generator=generator, device=generator.device)


def expected_draws(size: int, candidates: int, k: int) -> int:
    """Return how many draws from `size` positions make k distinct candidates all but certain."""
    hits = -candidates * math.log1p(-k / candidates)
    return math.ceil((hits + 6 * math.sqrt(hits) + 10) * size / candidates)


def first_of_permutation(count: int, k: int, generator: torch.Generator) -> Tensor:
    """Return the first k of `torch.randperm(count)`, and leave the generator as it would be left.

    On a CPU only what is returned takes memory, but time follows the count. From a count of
    2^32 / 20 on, where torch permutes in another way, they are k distinct numbers of another draw.
    """
    if 2 * k > count or count <= _CHUNK or generator.device.type != "cpu":
        return permutation(count, generator)[:k]
    if count >= _SHORT:
        return _distinct(count, k, generator)
    steps = (_words(k, generator) % (count - torch.arange(k))).tolist()
    moved: dict[int, int] = {}
    first = []
    for index, step in enumerate(steps):
        chosen = index + step
        first.append(moved.get(chosen, chosen))
        moved[chosen] = moved.get(index, index)
    _pass_over(count - 1 - 2 * ((k + 1) // 2), generator)
    return torch.tensor(first, dtype=torch.int64)


def _distinct(count: int, k: int, generator: torch.Generator) -> Tensor:
    draws = expected_draws(count, count, k)
    while True:
        drawn = torch.randint(count, (draws,), generator=generator).unique()
        if len(drawn) >= k:
            return drawn.index_select(0, permutation(len(drawn), generator)[:k])


def _words(k: int, generator: torch.Generator) -> Tensor:
    """Return the next k numbers of 32 bits of a generator; it is moved by an even number."""
    pairs = torch.empty((k + 1) // 2, dtype=torch.int64).random_(
        -(2**63), None, generator=generator
    )
    return torch.stack([pairs >> 32, pairs], 1).flatten()[:k] % _WORD


def _pass_over(words: int, generator: torch.Generator) -> None:
    """Move a generator by so many numbers of 32 bits."""
    scratch = torch.empty(min(words, _CHUNK))
    for start in range(0, words, _CHUNK):
        scratch[: words - start].uniform_(generator=generator)
