"""What so few pairs can never say, in words; computed, not judged."""

from collections.abc import Sequence

from orchestrator.answers.contrasts import Contrast, Contrasts
from orchestrator.answers.marks import alpha_of
from orchestrator.statistics.corrections import holm
from orchestrator.statistics.paired import pairs_needed, smallest_wilcoxon

_FEW = 10
"""Below so many pairs the bootstrap interval covers less than 90 % where 95 % are asked for."""
_LISTED = 4
"""Entries that a warning names; of more it says how many they are."""


_NAMED = 4
"""So many contrasts are named where more share a shortage."""


def smallness_of(found: Contrasts) -> tuple[str, ...]:
    """What a reader must know of the contrasts of a table because pairs are few."""
    compared = [each for each in found.contrasts if each.difference is not None]
    alone = sum(each.difference is not None and each.difference.n == 1 for each in compared)
    told = [rank_limit(found), _bootstrap(compared)]
    if alone:
        told.append(f"one pair says nothing of noise: {_count(alone)} without interval and test")
    return tuple(text for text in told if text)


def rank_limit(found: Contrasts) -> str:
    """The least p that the signed-rank test can have where pairs are few, alone and among so many.

    Of the contrasts that cannot be significant by their own pairs; nothing where all can.
    """
    counts = [_pairs(each) for each in found.contrasts]
    alpha, family = alpha_of(found), len(counts)
    least = holm([smallest_wilcoxon(count) if count else 1.0 for count in counts])
    short: dict[int, list[Contrast]] = {}
    for each, count, p in zip(found.contrasts, counts, least, strict=True):
        if count and p >= alpha:
            short.setdefault(count, []).append(each)
    if not short:
        return ""
    everywhere = len(short) == 1 and set(counts) <= {0, *short}
    told = [
        _shortage(count, short[count], least[counts.index(count)], family, everywhere)
        for count in sorted(short)
    ]
    return f"{'; '.join(told)}; {alpha:g} takes {pairs_needed(family, alpha)} pairs"


def family_notes(found: Contrasts) -> tuple[str, ...]:
    """How many contrasts of the family have no p, and what becomes of them."""
    count, family = sum(each.p_holm is None for each in found.contrasts), len(found.contrasts)
    if not 0 < count < family:
        return ()
    have = "has no p and counts" if count == 1 else "have no p and count"
    return (f"{count} of {_count(family)} {have} as 1 in the corrections",)


def warnings_of(found: Contrasts) -> tuple[str, ...]:
    """The warnings of contrasts, each with where it holds: entries, how many, or "everywhere"."""
    entries: dict[str, list[str]] = {}
    for each in found.contrasts:
        if each.warning:
            entries.setdefault(each.warning, []).append(f"{each.row} at {each.column}")
    family = len(found.contrasts)
    return tuple(f"{_where(where, family)}: {warning}" for warning, where in entries.items())


def _where(entries: Sequence[str], family: int) -> str:
    if len(entries) == family > 1:
        return "everywhere"
    return _listed(entries) if len(entries) <= _LISTED else f"{len(entries)} of {family} entries"


def _bootstrap(compared: Sequence[Contrast]) -> str:
    few = sorted({each.difference.n for each in compared if each.difference is not None})
    few = [n for n in few if 1 < n < _FEW]
    if not few:
        return ""
    return (
        f"with fewer than {_FEW} pairs (here {', '.join(map(str, few))}) the bootstrap interval is "
        "too narrow, because resamples know no more spread than the pairs: rely on the t interval"
    )


def _shortage(
    count: int, short: Sequence[Contrast], least: float, family: int, everywhere: bool
) -> str:
    names = "" if everywhere else f" ({_folded(short)})"
    after = f", after Holm's correction over {_count(family)} none below {least:.3g}"
    return (
        f"with {count} {'pair' if count == 1 else 'pairs'}{names} the signed-rank test can give no "
        f"p below {smallest_wilcoxon(count):.3g}{after if family > 1 else ''}"
    )


def _folded(contrasts: Sequence[Contrast]) -> str:
    names = [f"{each.row} at {each.column}" for each in contrasts]
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return _listed([*names[:_NAMED], *more])


def _pairs(contrast: Contrast) -> int:
    """Pairs that differ: the others tell the signed-rank test nothing."""
    found = contrast.difference
    return 0 if found is None else found.wins + found.losses


def _count(number: int) -> str:
    return f"{number} {'contrast' if number == 1 else 'contrasts'}"


def _listed(entries: Sequence[str]) -> str:
    """Entries one after the other; names of several fields have commas of their own."""
    return ("; " if any(", " in entry for entry in entries) else ", ").join(entries)
