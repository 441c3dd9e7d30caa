"""The judgement `same_capacity`: does a sparse network beat a dense one of the same capacity?

After Tessera, Hooker and Rosman 2021 ("Keep the gradients flowing"): a one-sided paired test of
S > D on test accuracy over widths and seeds. Which of its results are to be found again was fixed
as the checks R1 to R8.
"""

from collections.abc import Sequence

from orchestrator.answers.results import AnswerError
from orchestrator.verdicts.capacity_checks import checks
from orchestrator.verdicts.capacity_pairs import LABELS, Comparison, adjusted, comparisons
from orchestrator.verdicts.capacity_widths import by_width
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.pairs import LEVEL
from orchestrator.verdicts.verdict import Judgement, Sheet

_TEST = "S > D on test accuracy, one-sided Wilcoxon signed-rank test of pairs over widths and seeds"


def judge_same_capacity(material: Material) -> Judgement:
    """The checks R1 to R8, and all p-values: by variant, by activation, and one by one.

    Raises:
        AnswerError: When the grids have no pairs.
    """
    found = comparisons(material)
    if not found:
        raise AnswerError(
            f"no cell of {', '.join(material.grids)} has method same_capacity; add it with "
            f"method.role: [sparse, dense], several method.width and seeds"
        )
    holm = adjusted(found)
    return material.judgement(
        name="same_capacity",
        verdicts=tuple(checks(material, found)),
        sheets=(*_matrices(found, holm), _all(found, holm), by_width(found)),
    )


def _matrices(found: Sequence[Comparison], holm: dict[int, float]) -> list[Sheet]:
    """For every slab: optimizer by variant for each activation; by activation for each variant."""
    sheets = []
    for slab in dict.fromkeys(tuple(comparison.slab.items()) for comparison in found):
        own = [at for at, each in enumerate(found) if tuple(each.slab.items()) == slab]
        variants = {found[at].told_variant for at in own}
        activations = dict.fromkeys(found[at].activation for at in own)
        for activation in activations:
            chosen = [at for at in own if found[at].activation == activation]
            label = {"activation": activation} if len(activations) > 1 else {}
            sheets.append(_matrix(found, chosen, holm, {**dict(slab), **label}, "variant"))
        if len(activations) > 1:
            for variant in sorted(variants):
                chosen = [at for at in own if found[at].told_variant == variant]
                label = {"variant": variant}
                sheets.append(_matrix(found, chosen, holm, {**dict(slab), **label}, "activation"))
    return sheets


def _matrix(
    found: Sequence[Comparison],
    chosen: Sequence[int],
    holm: dict[int, float],
    fixed: dict[str, str],
    along: str,
) -> Sheet:
    column_of = {at: dict(zip(LABELS, found[at].labels, strict=True))[along] for at in chosen}
    columns = list(dict.fromkeys(column_of.values()))
    entries = {(found[at].optimizer, column_of[at]): at for at in chosen}
    rows = []
    for optimizer in dict.fromkeys(found[at].optimizer for at in chosen):
        texts = (_entry(found, entries.get((optimizer, column)), holm) for column in columns)
        rows.append((optimizer, *texts))
    where = ", ".join(f"{name}={value}" for name, value in fixed.items())
    return Sheet(
        id=f"p_by_{along}",
        title=f"p of S > D (adjusted by Holm) by optimizer and {along}"
        + (f", {where}" if where else ""),
        columns=("optimizer", *columns),
        rows=tuple(rows),
        notes=_legend(found, chosen),
    )


def _entry(found: Sequence[Comparison], at: int | None, holm: dict[int, float]) -> str:
    if at is None:
        return ""
    p = found[at].p
    return "-" if p is None else f"{p:.3f} ({holm[at]:.3f}){_mark(found[at])}"


def _mark(comparison: Comparison) -> str:
    """What stands after a p: that it decides nothing yet, or that it reaches the level."""
    if comparison.differences.missing:
        return "?"
    return "*" if comparison.p is not None and comparison.p <= LEVEL else ""


def _legend(found: Sequence[Comparison], chosen: Sequence[int]) -> tuple[str, ...]:
    """What the marks mean, of those that occur."""
    marks = {_mark(found[at]) for at in chosen if found[at].p is not None}
    legend = {
        "*": f"* p <= {LEVEL} before the adjustment",
        "?": "? pairs are missing, diverged or too few: see the table of all tests",
    }
    return tuple(text for mark, text in legend.items() if mark in marks)


def _all(found: Sequence[Comparison], holm: dict[int, float]) -> Sheet:
    fields = list(dict.fromkeys(name for comparison in found for name in comparison.slab))
    rows = []
    for at, comparison in enumerate(found):
        test = comparison.differences.test
        numbers = (
            (test.median, test.positive, test.p, holm[at]) if test else (None, None, None, None)
        )
        rows.append(
            (
                *(comparison.slab.get(name, "") for name in fields),
                *comparison.labels,
                test.n if test else 0,
                *numbers,
                comparison.differences.missing,
            )
        )
    return Sheet(
        id="tests",
        title=_TEST,
        columns=(
            *fields, *LABELS, "n", "median S - D", "W+", "p", "p (Holm)", "undecided because",
        ),
        rows=tuple(rows),
        units={"median S - D": "percent", "p": "p", "p (Holm)": "p"},
        notes=(
            "n counts pairs that differ; Holm adjusts for all tests of a slab: equal "
            + (", ".join(fields) or "fields but optimizer, variant and activation"),
            *_repeated(found),
        ),
    )  # fmt: skip


def _repeated(found: Sequence[Comparison]) -> list[str]:
    """How many pairs were left out because their widths round to networks that are there."""
    count = sum(comparison.repeated for comparison in found)
    pairs = f"{count} pairs are" if count > 1 else "1 pair is"
    return [f"{pairs} left out: both networks are those of another width"] if count else []
