"""What so few pairs can never say, in words; computed, not judged."""

from collections.abc import Sequence

from orchestrator.answers.contrasts import Contrast, Contrasts
from orchestrator.statistics.paired import pairs_needed, smallest_wilcoxon

_FEW = 10
"""Below so many pairs the bootstrap interval covers less than 90 % where 95 % are asked for."""


def smallness_of(found: Contrasts) -> tuple[str, ...]:
    """What a reader must know of the contrasts of a table because pairs are few."""
    compared = [each for each in found.contrasts if each.difference is not None]
    alone = sum(each.difference is not None and each.difference.n == 1 for each in compared)
    told = [rank_limit(found), _bootstrap(compared)]
    if alone:
        told.append(f"one pair says nothing of noise: {_count(alone)} without interval and test")
    return tuple(text for text in told if text)


def rank_limit(found: Contrasts) -> str:
    """The least p that the signed-rank test can have, alone and among so many.

    Nothing where that is small enough.
    """
    compared = [each for each in found.contrasts if each.difference is not None]
    alpha = round(1 - found.confidence, 12)
    counts = sorted({_pairs(each) for each in compared} - {0})
    family = len(compared)
    if not counts or counts[-1] >= (needed := pairs_needed(family, alpha)):
        return ""
    most = counts[-1]
    least = smallest_wilcoxon(most)
    corrected = f"{min(1.0, family * least):.3g}"
    after = f", after Holm's correction over {_count(family)} none below {corrected}"
    return (
        f"with {most} {'pair' if most == 1 else 'pairs'} the signed-rank test can give no p below "
        f"{least:.3g}{after if family > 1 else ''}; {alpha:g} takes {needed} pairs"
    )


def warnings_of(found: Contrasts) -> tuple[str, ...]:
    """The warnings of contrasts, each with the entries it is true of, or "everywhere"."""
    entries: dict[str, list[str]] = {}
    for each in found.contrasts:
        if each.warning:
            entries.setdefault(each.warning, []).append(f"{each.row} at {each.column}")
    everywhere = len(found.contrasts) if len(found.contrasts) > 1 else None
    return tuple(
        f"{'everywhere' if len(where) == everywhere else _listed(where)}: {warning}"
        for warning, where in entries.items()
    )


def _bootstrap(compared: Sequence[Contrast]) -> str:
    few = sorted({each.difference.n for each in compared if each.difference is not None})
    few = [n for n in few if 1 < n < _FEW]
    if not few:
        return ""
    return (
        f"with fewer than {_FEW} pairs (here {', '.join(map(str, few))}) the bootstrap interval is "
        "too narrow, because resamples know no more spread than the pairs: rely on the t interval"
    )


def _pairs(contrast: Contrast) -> int:
    """Pairs that differ: the others tell the signed-rank test nothing."""
    found = contrast.difference
    return 0 if found is None else found.wins + found.losses


def _count(number: int) -> str:
    return f"{number} {'contrast' if number == 1 else 'contrasts'}"


def _listed(entries: Sequence[str]) -> str:
    """Entries one after the other; names of several fields have commas of their own."""
    return ("; " if any(", " in entry for entry in entries) else ", ").join(entries)
