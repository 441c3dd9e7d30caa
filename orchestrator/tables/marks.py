"""Marks of the entries that differ from a reference row, and the legend that explains them."""

import math
from collections.abc import Mapping

from orchestrator.answers.contrasts import Contrast, Contrasts, Test
from orchestrator.answers.grouping import Entry, Grouped, Key
from orchestrator.answers.measurements import better_end
from orchestrator.answers.smallness import rank_limit, warnings_of
from orchestrator.tables.layout import Mark

_TESTS: Mapping[Test, str] = {
    "t": "paired t test",
    "wilcoxon": "signed-rank test",
}


def marks_of(grouped: Grouped, compared: Contrasts) -> dict[Key, Mark]:
    """The entries that differ from the reference significantly after Holm's correction.

    Where nothing says which end of the measurement is better, higher counts as better. An entry
    of which cells failed or diverged is never marked as better: only the others were compared.
    """
    found = {}
    for contrast in compared.contrasts:
        key = contrast.row, contrast.column
        if _differs(contrast, _level(compared)) and contrast.difference is not None:
            upward = contrast.difference.mean > 0
            if upward != (better_end(grouped) != "lower"):
                found[key] = Mark.WORSE
            elif _whole(grouped.entries[key]):
                found[key] = Mark.BETTER
    return found


def legend_of(grouped: Grouped, compared: Contrasts) -> list[str]:
    """What the marks say, by which test, at which level, in which family, from how many pairs.

    Then what keeps comparisons from having one.
    """
    tested = [each for each in compared.contrasts if each.p_holm is not None]
    level = _level(compared)
    how = (
        f"p < {level:g}, {_TESTS[compared.test]} by seed, Holm's correction over the "
        f"{len(tested)} comparisons of {compared.value}, {_pairs(tested)}"
    )
    better, worse = ("better", "worse") if better_end(grouped) else ("higher", "lower")
    marks = f"{Mark.BETTER.value} {better}, {Mark.WORSE.value} {worse} than {compared.against}"
    if not marks_of(grouped, compared):
        marks = f"no difference to {compared.against} is significant"
    limit = rank_limit(compared) if compared.test == "wilcoxon" else ""
    asked = f"{compared.value} against {compared.against}"
    warnings = [f"{asked}, {text}" for text in warnings_of(compared)]
    return [*([f"{marks} ({how})"] if tested else []), *([limit] if limit else []), *warnings]


def _whole(entry: Entry) -> bool:
    """Whether no cell of an entry failed, and none diverged."""
    return not entry.failures and all(map(math.isfinite, entry.by_seed.values()))


def _level(compared: Contrasts) -> float:
    return round(1 - compared.confidence, 12)


def _differs(contrast: Contrast, level: float) -> bool:
    return contrast.p_holm is not None and contrast.p_holm < level


def _pairs(tested: list[Contrast]) -> str:
    counts = sorted({each.difference.n for each in tested if each.difference is not None})
    if not counts:
        return "no pairs"
    return f"n = {counts[0]}{f' to {counts[-1]}' * (len(counts) > 1)} pairs"
