"""Paired statistics in a report: every entry against the reference row, seed by seed."""

from dataclasses import dataclass

from orchestrator.answers.contrasts import Contrast, Contrasts
from orchestrator.answers.measurements import in_percent
from orchestrator.answers.rankings import Ranking
from orchestrator.answers.results import AnswerError
from orchestrator.answers.smallness import smallness_of
from orchestrator.contrasts.building import build_comparison
from orchestrator.report.blocks import MOST_PANELS
from orchestrator.report.commands import again
from orchestrator.report.material import ReportMaterial
from orchestrator.report.panels import Panel

ALPHA = 0.05
"""Adjusted p below which a difference is marked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """One contrast, as it is shown; texts are "" where there is nothing to say.

    Attributes:
        row: The entry's row.
        column: The entry's column.
        mark: "better" or "worse" where the adjusted p is below ALPHA, else "".
        mean: The difference, unrounded, for sorting; None where there is none.
        difference: The same for people, with its sign.
        interval: Of the mean, by Student's t.
        bootstrap: The same by the bootstrap.
        p: Of the t test.
        p_holm: The same after Holm's correction.
        p_bh: The same after that of Benjamini and Hochberg.
        p_wilcoxon: Of the signed-rank test.
        tally: Wins, ties and losses over the seeds.
        n: Pairs.
        warning: What a reader must know of it.
    """

    row: str
    column: str
    mark: str
    mean: float | None
    difference: str
    interval: str
    bootstrap: str
    p: float | None
    p_holm: float | None
    p_bh: float | None
    p_wilcoxon: float | None
    tally: str
    n: int
    warning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rank:
    """The average rank of a row, and the blocks that it wins, ties and loses against others."""

    row: str
    average: float
    tally: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The contrasts of one table.

    Attributes:
        title: What tells it from its neighbours; may be "".
        caption: What is compared, and how.
        unit: Of the differences; "" where they have none.
        confidence: Of the intervals, in percent.
        rows: The contrasts.
        ranks: Average ranks of the rows, the best first; empty where they cannot be ranked.
        rank_caption: What these ranks are.
        notes: What a reader must be told of all of them.
        command: Gives them again.
        problem: Why there are none; "" where there are.
    """

    title: str
    caption: str = ""
    unit: str = ""
    confidence: str = ""
    rows: tuple[Compared, ...] = ()
    ranks: tuple[Rank, ...] = ()
    rank_caption: str = ""
    notes: tuple[str, ...] = ()
    command: str
    problem: str = ""

    @property
    def remarks(self) -> bool:
        """Whether there is anything to know of single contrasts."""
        return any(row.warning for row in self.rows)


def comparisons_of(material: ReportMaterial) -> tuple[Comparison, ...]:
    """The paired statistics of every headline table; where there can be none, why."""
    return tuple(
        _comparison(material, panel, value)
        for value in material.asked.values
        for panel in material.panels[:MOST_PANELS]
    )


def _comparison(material: ReportMaterial, panel: Panel, value: str) -> Comparison:
    rows, columns, against = material.rows, material.columns, material.asked.against
    words = ("--rows", rows, "--columns", columns, "--value", value, "--against", against)
    command = again(material, "stats", panel, *words)
    try:
        whole = build_comparison(
            panel.answers, rows=rows, columns=columns, value=value, against=against
        )
    except AnswerError as error:
        return Comparison(title=panel.title, command=command, problem=str(error))
    found, percent, lower = whole.contrasts, in_percent(value), whole.better == "lower"
    return Comparison(
        title=panel.title,
        caption=_caption(found),
        unit="percentage points" if percent else "",
        confidence=f"{100 * found.confidence:g} %",
        rows=tuple(_compared(each, percent, lower) for each in found.contrasts),
        ranks=_ranks(whole.ranking),
        rank_caption=_rank_caption(whole.ranking),
        notes=(*found.notes, *smallness_of(found), *(whole.ranking.notes if whole.ranking else ())),
        command=command,
    )


def _caption(found: Contrasts) -> str:
    references = dict.fromkeys(contrast.reference for contrast in found.contrasts)
    places = " and ".join(sorted({column for _, column in references}))
    where = f" at {places}" if len(references) == 1 else " in the same column"
    return (
        f"{found.value.replace('_', ' ').capitalize()} minus that of {found.against}{where}, "
        f"paired by seed. Holm and Benjamini-Hochberg correct over these {len(found.contrasts)} "
        "comparisons."
    )


def _ranks(ranking: Ranking | None) -> tuple[Rank, ...]:
    """The rows, the best first."""
    if ranking is None:
        return ()
    found = []
    for name, average in zip(ranking.names, ranking.ranks.average, strict=True):
        total = ranking.total(name)
        tally = f"{total.wins} / {total.ties} / {total.losses}"
        found.append(Rank(row=name, average=average, tally=tally))
    return tuple(sorted(found, key=lambda rank: rank.average))


def _rank_caption(ranking: Ranking | None) -> str:
    if ranking is None:
        return ""
    ranks = ranking.ranks
    chance = "" if ranks.p is None else f" Friedman's test: p {_p(ranks.p)}."
    return (
        f"Average ranks over {ranks.blocks} blocks, 1 is the best.{chance} "
        f"Nemenyi's critical difference at 5 %: {ranks.critical_difference:.2f}."
    )


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _compared(found: Contrast, percent: bool, lower: bool) -> Compared:
    it = found.difference
    if it is None:
        return Compared(
            row=found.row, column=found.column, mark="", mean=None, difference="", interval="",
            bootstrap="", p=None, p_holm=None, p_bh=None, p_wilcoxon=None, tally="", n=0,
            warning=found.warning,
        )  # fmt: skip
    return Compared(
        row=found.row,
        column=found.column,
        mark=_mark(found, it.mean, lower),
        mean=it.mean,
        difference=_signed(it.mean, percent),
        interval=_interval(it.low, it.high, percent),
        bootstrap=_interval(it.bootstrap_low, it.bootstrap_high, percent),
        p=it.p_t,
        p_holm=found.p_holm,
        p_bh=found.p_bh,
        p_wilcoxon=it.p_wilcoxon,
        tally=f"{it.wins} / {it.ties} / {it.losses}",
        n=it.n,
        warning=found.warning,
    )


def _mark(found: Contrast, mean: float, lower: bool) -> str:
    if found.p_holm is None or found.p_holm >= ALPHA or mean == 0:
        return ""
    return "better" if (mean > 0) != lower else "worse"


def _interval(low: float | None, high: float | None, percent: bool) -> str:
    if low is None or high is None:
        return ""
    return f"{_signed(low, percent)} to {_signed(high, percent)}"


def _signed(value: float, percent: bool) -> str:
    """With its sign: percentage points with two decimals, other differences with three digits."""
    text = f"{100 * value:+.2f}" if percent else f"{value:+.3g}"
    return "0.00" if text in ("+0.00", "-0.00") else text.replace("-", "\N{MINUS SIGN}")
