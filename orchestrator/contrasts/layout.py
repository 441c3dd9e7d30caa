"""Contrasts and average ranks, laid out as the formats for people write them."""

from collections.abc import Iterable, Mapping, Sequence

from orchestrator.answers.contrasts import Contrast
from orchestrator.answers.grouping import Key
from orchestrator.answers.marks import TEST_NAMES, Mark, legend_of
from orchestrator.answers.measurements import Unit, better_end, in_percent, unit_of, words_of
from orchestrator.answers.rankings import Ranking, Unranked
from orchestrator.answers.smallness import family_notes, smallness_of, warnings_of
from orchestrator.contrasts.building import Comparison
from orchestrator.statistics.ranks import Tally
from orchestrator.tables.layout import Content, Heading, HeadLine, Layout, Line, plain, shared_parts

_NOTHING = "-"
_FEW_BLOCKS = 10


def contrast_layout(comparison: Comparison) -> Layout:
    """One line per contrast: the difference, its intervals, its p-values, and the seeds won."""
    percent = f"{100 * comparison.contrasts.confidence:g} %"
    names = (
        "n", "difference", f"{percent} t", f"{percent} bootstrap", "p t", "p Wilcoxon", "Holm",
        "BH", "W/T/L",
    )  # fmt: skip
    unit = _unit(comparison)
    return Layout(
        caption=plain(_caption(comparison, unit)),
        notes=tuple(map(plain, _notes(comparison))),
        best="",
        head=(_head((*comparison.row_fields, *comparison.column_fields), names),),
        lines=tuple(_lines(comparison, unit)),
    )


def rank_layout(comparison: Comparison, ranking: Ranking) -> Layout:
    """One line per ranked row, the best first."""
    against = comparison.contrasts.against
    names = ("average rank", "W/T/L against the others", f"W/T/L against {against}")
    order = sorted(zip(ranking.ranks.average, ranking.names, strict=True), key=lambda pair: pair[0])
    lines = [
        _line(
            (name,),
            (
                Content(text=f"{rank:.2f}", value=rank),
                Content(text=_told(ranking.total(name))),
                Content(text=_told(ranking.against[name]) if name in ranking.against else _NOTHING),
            ),
        )
        for rank, name in order
    ]
    return Layout(
        caption=plain(_rank_caption(comparison, ranking)),
        notes=tuple(map(plain, _rank_notes(ranking))),
        best="",
        head=(_head((comparison.row_fields[-1],), names),),
        lines=tuple(lines),
    )


def _head(stub: Sequence[str], names: Sequence[str]) -> HeadLine:
    headings = tuple(Heading(text=plain(name), span=1) for name in names)
    return HeadLine(stub=tuple(map(plain, stub)), headings=headings)


def _line(stub: Sequence[str], contents: Iterable[Content], shared: int = 0) -> Line:
    return Line(
        stub=tuple(map(plain, stub)),
        shared=shared,
        contents=tuple(contents),
    )


def _lines(comparison: Comparison, unit: Unit) -> Iterable[Line]:
    grouped = comparison.grouped
    marks = comparison.marks
    above: tuple[str, ...] | None = None
    for contrast in comparison.contrasts.contrasts:
        stub = (*grouped.row_parts[contrast.row], *grouped.column_parts[contrast.column])
        yield _line(stub, _contents(contrast, unit, marks), shared_parts(above, stub))
        above = stub


def _contents(contrast: Contrast, unit: Unit, marks: Mapping[Key, Mark]) -> list[Content]:
    found = contrast.difference
    if found is None:
        return [Content(text="0", value=0), *[Content(text=_NOTHING)] * 8]
    return [
        Content(text=str(found.n), value=found.n),
        Content(
            text=_signed(found.mean, unit),
            value=found.mean,
            mark=marks.get((contrast.row, contrast.column)),
        ),
        Content(text=_interval(found.low, found.high, unit), value=found.low),
        Content(
            text=_interval(found.bootstrap_low, found.bootstrap_high, unit),
            value=found.bootstrap_low,
        ),
        *(
            Content(text=_p(p), value=p)
            for p in (found.p_t, found.p_wilcoxon, contrast.p_holm, contrast.p_bh)
        ),
        Content(text=_told(Tally(wins=found.wins, ties=found.ties, losses=found.losses))),
    ]


def _signed(number: float, unit: Unit) -> str:
    text = unit.written(number, unit.decimals or 0)
    return f"+{text}" if text.strip("-0.") and not text.startswith("-") else text


def _interval(low: float | None, high: float | None, unit: Unit) -> str:
    if low is None or high is None:
        return _NOTHING
    return f"[{_signed(low, unit)}, {_signed(high, unit)}]"


def _p(p: float | None) -> str:
    if p is None:
        return _NOTHING
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def _p_said(p: float) -> str:
    """ "p = 0.0123" or "p < 0.0001"."""
    return f"p {_p(p).replace('<', '< ')}" if p < 0.0001 else f"p = {_p(p)}"


def _told(tally: Tally) -> str:
    return f"{tally.wins}/{tally.ties}/{tally.losses}"


def _unit(comparison: Comparison) -> Unit:
    """That of the table, in percentage points; decimals by the largest difference."""
    unit = unit_of(comparison.grouped)
    if in_percent(comparison.grouped.value):
        return Unit(factor=unit.factor, words=" in percentage points", decimals=2)
    means = [
        abs(each.difference.mean) for each in comparison.contrasts.contrasts if each.difference
    ]
    return Unit(
        factor=unit.factor, words=unit.words, decimals=unit.decimals_of(max(means, default=0.0))
    )


def _caption(comparison: Comparison, unit: Unit) -> str:
    name = words_of(comparison.grouped.value).capitalize()
    over = [f"{field} ({count})" for field, count in comparison.grouped.averaged.items()]
    mean = f", mean over {' and '.join(over)} within each seed" if over else ""
    return f"{name}, difference to {_reference(comparison)}{unit.words}{mean}, paired by seed."


def _reference(comparison: Comparison) -> str:
    """The reference in words: "dense at density 1", "set at the same density"."""
    found, parts = comparison.contrasts, comparison.grouped.column_parts
    field = comparison.column_fields[-1]
    places = {parts[each.reference[1]][-1] for each in found.contrasts}
    if all(each.reference[1] == each.column for each in found.contrasts):
        return f"{found.against} at the same {field}"
    return f"{found.against} at {field} {places.pop()}" if len(places) == 1 else found.against


def _notes(comparison: Comparison) -> list[str]:
    found = comparison.contrasts
    family = len(found.contrasts)
    over = f"the {family} contrasts" if family > 1 else "the one contrast"
    end = comparison.better
    unknown = "" if better_end(comparison.grouped) else ", as nothing says which end is better"
    return [
        f"Holm and BH (Benjamini-Hochberg) correct the p of the {TEST_NAMES[found.test]} over "
        f"{over} of this table; all p are two-sided",
        "each interval is for its contrast alone, Holm's p for all of the table",
        *family_notes(found),
        *legend_of(comparison.grouped, found, better_end(comparison.grouped)),
        f"W/T/L: seeds won, tied and lost; {end} wins{unknown}",
        *found.notes,
        *warnings_of(found),
        *smallness_of(found),
        *_unranked(comparison.ranking),
    ]


def _unranked(ranking: Ranking | Unranked) -> list[str]:
    return [f"no average ranks: {ranking.reason}"] if isinstance(ranking, Unranked) else []


def _rank_caption(comparison: Comparison, ranking: Ranking) -> str:
    fields = (*comparison.row_fields[:-1], *comparison.column_fields)
    count = len(ranking.blocks)
    value, over = (
        words_of(comparison.grouped.value),
        f"{count} {'block' if count == 1 else 'blocks'}",
    )
    return f"Average ranks by {value} over {over} of {' and '.join(fields)}; 1 is the best."


def _rank_notes(ranking: Ranking) -> list[str]:
    told = ["W/T/L: blocks won, tied and lost by their means over seeds", *ranking.notes]
    if not ranking.independent:
        reason = "no test of equal ranks: blocks of the same data and seeds are not independent"
        return [reason, *told]
    return [*_tests(ranking), *told]


def _tests(ranking: Ranking) -> list[str]:
    """Friedman's test, and only where it says that ranks differ, which do."""
    ranks, degrees, alpha = ranking.ranks, len(ranking.names) - 1, ranking.alpha
    if ranks.friedman is None or ranks.p is None:
        return ["all are equal in every block: there is nothing to test"]
    rough = f", rough for {ranks.blocks} blocks" if ranks.blocks < _FEW_BLOCKS else ""
    told = [
        f"Friedman's test of equal ranks: chi-squared {ranks.friedman:.2f} with {degrees} "
        f"{'degree' if degrees == 1 else 'degrees'} of freedom, {_p_said(ranks.p)}{rough}"
    ]
    if ranks.critical_difference > degrees:
        told.append(
            f"by Nemenyi's test no ranks of {len(ranking.names)} rows can differ at "
            f"{100 * alpha:g} % over {ranks.blocks} blocks"
        )
    elif ranks.p < alpha:
        told.append(
            f"by Nemenyi's test, average ranks differ at {100 * alpha:g} % that are "
            f"{ranks.critical_difference:.2f} or more apart"
        )
    return told
