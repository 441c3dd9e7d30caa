"""Marks of the entries that differ from a reference row, and the legend that explains them."""

from collections.abc import Mapping

from orchestrator.answers.contrasts import Contrast, Contrasts, Test
from orchestrator.answers.grouping import Grouped, Key
from orchestrator.statistics.paired import smallest_wilcoxon
from orchestrator.tables.layout import Mark
from orchestrator.tables.measurements import better_end

_TESTS: Mapping[Test, str] = {
    "t": "paired t test",
    "wilcoxon": "signed-rank test",
}


def marks_of(grouped: Grouped, compared: Contrasts) -> dict[Key, Mark]:
    """The entries that differ from the reference significantly after Holm's correction.

    Where nothing says which end of the measurement is better, higher counts as better.
    """
    found = {}
    for contrast in compared.contrasts:
        if _differs(contrast, _level(compared)) and contrast.difference is not None:
            upward = contrast.difference.mean > 0
            better = upward == (better_end(grouped) != "lower")
            found[contrast.row, contrast.column] = Mark.BETTER if better else Mark.WORSE
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
    notes = [f"{marks} ({how})"] if tested else []
    if tested and compared.test == "wilcoxon" and not _possible(tested, level):
        notes.append("with so few pairs and so many comparisons no mark is possible")
    return [*notes, *_warnings(compared)]


def _level(compared: Contrasts) -> float:
    return round(1 - compared.confidence, 12)


def _differs(contrast: Contrast, level: float) -> bool:
    return contrast.p_holm is not None and contrast.p_holm < level


def _pairs(tested: list[Contrast]) -> str:
    counts = sorted({each.difference.n for each in tested if each.difference is not None})
    if not counts:
        return "no pairs"
    return f"n = {counts[0]}{f' to {counts[-1]}' * (len(counts) > 1)} pairs"


def _possible(tested: list[Contrast], level: float) -> bool:
    """Whether the least p that so many pairs can give would survive the correction."""
    most = max(each.difference.n for each in tested if each.difference is not None)
    return len(tested) * smallest_wilcoxon(most) < level


def _warnings(compared: Contrasts) -> list[str]:
    """What weakens comparisons, each with the entries it is true of."""
    found: dict[str, list[str]] = {}
    for each in compared.contrasts:
        if each.warning:
            found.setdefault(each.warning, []).append(f"{each.row} at {each.column}")
    every = len(compared.contrasts)
    return [
        f"{compared.value} against {compared.against}, "
        f"{'everywhere' if len(entries) == every else '; '.join(entries)}: {warning}"
        for warning, entries in found.items()
    ]
