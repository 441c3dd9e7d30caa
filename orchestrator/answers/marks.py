"""Which entries differ from a reference significantly: one judgement for all that shows it."""

import math
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from orchestrator.answers.contrasts import Contrast, Contrasts, Test
from orchestrator.answers.grouping import Entry, Grouped, Key
from orchestrator.answers.measurements import words_of

TEST_NAMES: Mapping[Test, str] = MappingProxyType(
    {"t": "paired t test", "wilcoxon": "signed-rank test"}
)
"""What a test is called in notes."""


class Mark(Enum):
    """How an entry differs from the reference, where it does significantly."""

    BETTER = "†"
    WORSE = "‡"


def alpha_of(contrasts: Contrasts) -> float:
    """The level of a family: what its intervals leave out, 0.05 for those of 95 %."""
    return round(1 - contrasts.confidence, 12)


def marks_of(grouped: Grouped, contrasts: Contrasts, better: str | None) -> dict[Key, Mark]:
    """The entries that differ from the reference significantly after Holm's correction.

    An entry of which cells failed or diverged is never marked as better: only the others were
    compared. `held_back` gives those.

    Args:
        grouped: What was compared.
        contrasts: Its contrasts.
        better: The better end of the measurement; where nothing says it (None), `Mark.BETTER` is
            higher, as `mark_words` tells.
    """
    found = _significant(contrasts, better)
    return {
        key: mark
        for key, mark in found.items()
        if mark is Mark.WORSE or _whole(grouped.entries[key])
    }


def held_back(grouped: Grouped, contrasts: Contrasts, better: str | None) -> tuple[Key, ...]:
    """The entries that are better significantly, but by the cells only that did not fail."""
    marked = marks_of(grouped, contrasts, better)
    return tuple(key for key in _significant(contrasts, better) if key not in marked)


def mark_words(better: str | None) -> tuple[str, str]:
    """What the two marks say: better and worse, or where nothing tells these, higher and lower."""
    return ("better", "worse") if better else ("higher", "lower")


def legend_of(grouped: Grouped, contrasts: Contrasts, better: str | None) -> list[str]:
    """What the marks say: by which test, at which level, in which family, from how many pairs.

    Nothing where no contrast can be tested.
    """
    tested = [each for each in contrasts.contrasts if each.p_holm is not None]
    if not tested:
        return []
    count = len(contrasts.contrasts)
    family = f"the {count} comparisons" if count > 1 else "the one comparison"
    how = (
        f"p < {alpha_of(contrasts):g}, {TEST_NAMES[contrasts.test]} by seed, Holm's correction "
        f"over {family} of {words_of(contrasts.value)}, {_pairs(tested)}"
    )
    high, low = mark_words(better)
    against = contrasts.against
    kept = held_back(grouped, contrasts, better)
    told = f"no difference to {against} is significant"
    if kept or marks_of(grouped, contrasts, better):
        told = f"{Mark.BETTER.value} {high}, {Mark.WORSE.value} {low} than {against}"
    return [f"{told} ({how})", *_unmarked(kept, high, against)]


def _unmarked(keys: tuple[Key, ...], high: str, against: str) -> list[str]:
    if not keys:
        return []
    names = [f"{row} at {column}" for row, column in keys]
    listed = ("; " if any(", " in name for name in names) else ", ").join(names)
    return [
        f"significantly {high} than {against}, but not marked, because cells failed or diverged "
        f"and only the others were compared: {listed}"
    ]


def _significant(contrasts: Contrasts, better: str | None) -> dict[Key, Mark]:
    """Every entry with a p below the level, by the sign of its mean difference."""
    level = alpha_of(contrasts)
    found = {}
    for each in contrasts.contrasts:
        if _differs(each, level) and each.difference is not None and each.difference.mean:
            upward = each.difference.mean > 0
            found[each.row, each.column] = (
                Mark.BETTER if upward == (better != "lower") else Mark.WORSE
            )
    return found


def _differs(contrast: Contrast, level: float) -> bool:
    return contrast.p_holm is not None and contrast.p_holm < level


def _whole(entry: Entry) -> bool:
    """Whether no cell of an entry failed, and none diverged."""
    return not entry.failures and all(map(math.isfinite, entry.by_seed.values()))


def _pairs(tested: list[Contrast]) -> str:
    counts = sorted({each.difference.n for each in tested if each.difference is not None})
    return f"n = {counts[0]}{f' to {counts[-1]}' * (len(counts) > 1)} pairs"
