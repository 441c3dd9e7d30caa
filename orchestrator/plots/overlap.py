"""The kind `overlap`: how far the final masks of methods, densities or seeds agree, in pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.answers.results import Answer, AnswerError, not_found
from orchestrator.plots.choices import Choices
from orchestrator.plots.curves import any_measurement, default_facet
from orchestrator.plots.heat_map import HeatMap, HeatPanel
from orchestrator.plots.masks import compare
from orchestrator.plots.material import Material
from orchestrator.plots.parting import Part, gaps_of, notes_of, part
from orchestrator.statistics.summaries import Summary, summarise
from orchestrator.store.artifacts import answering_artifacts
from orchestrator.store.index import load_index

MEASURES = {
    "kappa": "kappa: agreement beyond chance, 1 for equal masks, 0 for masks drawn at random",
    "jaccard": "jaccard: weights active in both masks over those active in either",
    "overlap": "overlap: share of the weights of the row's mask that the column's has too",
}
"""What two masks can be compared by, and what it says."""

MOST_ROWS = 40
"""More would be too small to read."""

_ARTIFACT = "final"
_SEED = "seed"

Pair = tuple[str, str]
"""Ids of two cells."""


def overlap_map(material: Material, choices: Choices) -> HeatMap:
    """The agreement of final masks, a row and a column for each value of `by`.

    Off the diagonal, masks of equal seeds are compared, and the mean is taken over the seeds; on
    it, masks of different seeds: how much of a mask the seed decides. Where the rows are seeds
    themselves, every pair is one comparison. The masks are those of the artifact `final`, where
    cells left it. Dense networks have no masks and are left out.

    Raises:
        AnswerError: When fewer than two cells left their masks, or a field that varies is told
            apart by nothing.
    """
    value = choices.value or "kappa"
    if value not in MEASURES:
        raise not_found(f"masks are not compared by {value!r}", value, [*MEASURES], "measures")
    files, facet = check_masks(material, choices), default_facet(choices)
    parts = part(material.answers, by=choices.by, facet=facet)
    plans = [plan for own in parts if (plan := _planned(own, files, choices.by)).names]
    pairs = dict.fromkeys(p for plan in plans for square in plan.squares.values() for p in square)
    found = _compared([*pairs], files, value)
    panels = tuple(_panel(plan, found) for plan in plans)
    return HeatMap(
        panels=panels,
        label=value,
        subject=f"{value} of final masks",
        caption=_caption(value, panels, choices.by, _gaps(material, files)),
        notes=notes_of(material.answers, any_measurement(material), by=choices.by, facet=facet),
    )


def check_masks(material: Material, choices: Choices) -> Mapping[str, Path]:
    """The files of the masks by cell.

    Raises:
        AnswerError: When there are fewer than two, or a field that varies is told apart by nothing.
    """
    parts = part(material.answers, by=choices.by, facet=default_facet(choices))
    cells = {a.cell for own in parts for s in own.strands if not s.reference for a in s.answers}
    held = answering_artifacts(material.store, load_index(material.store))
    files = {
        a.cell: held[a.cell][_ARTIFACT].path
        for a in material.answers.completed
        if a.cell in cells and _ARTIFACT in held.get(a.cell, {})
    }
    if len(files) < 2:
        raise AnswerError(
            f"{len(files)} of {len(cells)} sparse cells left their masks: write "
            f"`artifacts: {{leave: [{_ARTIFACT}]}}` into the grid and run it"
        )
    return files


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """What is compared in one panel: its rows, and for row and column the pairs of cells."""

    title: str
    names: tuple[str, ...]
    squares: Mapping[tuple[int, int], Sequence[Pair]]


def _planned(own: Part, files: Mapping[str, Path], by: str) -> _Plan:
    strands = [
        strand
        for strand in own.strands
        if not strand.reference and any(answer.cell in files for answer in strand.answers)
    ]
    if len(strands) > MOST_ROWS:
        raise AnswerError(
            f"{len(strands)} rows: a heat map has at most {MOST_ROWS}; choose some with --where"
        )
    cells = [[answer for answer in strand.answers if answer.cell in files] for strand in strands]
    squares = {
        (i, j): [
            (one.cell, other.cell)
            for one in row
            for other in column
            if _fits(one, other, same=i == j, by=by)
        ]
        for i, row in enumerate(cells)
        for j, column in enumerate(cells)
    }
    return _Plan(title=own.title, names=tuple(s.name for s in strands), squares=squares)


def _fits(one: Answer, other: Answer, *, same: bool, by: str) -> bool:
    """Whether two cells are compared: of equal seeds, but within one row of different ones."""
    if by == _SEED:
        return not same
    return (one.fields[_SEED] == other.fields[_SEED]) is not same


def _compared(
    pairs: Sequence[Pair], files: Mapping[str, Path], value: str
) -> dict[Pair, float | None]:
    place = {cell: number for number, cell in enumerate(files)}
    asked = [(place[one], place[other]) for one, other in pairs]
    agreements = compare(list(files.values()), asked)
    return {pair: found[value] for pair, found in zip(pairs, agreements, strict=True)}


def _panel(plan: _Plan, found: Mapping[Pair, float | None]) -> HeatPanel:
    size = range(len(plan.names))
    rows = tuple(tuple(_square(plan.squares[i, j], found) for j in size) for i in size)
    return HeatPanel(title=plan.title, names=plan.names, squares=rows)


def _square(pairs: Sequence[Pair], found: Mapping[Pair, float | None]) -> Summary | None:
    numbers = [number for pair in pairs if (number := found[pair]) is not None]
    return summarise(numbers, None) if numbers else None


def _gaps(material: Material, files: Mapping[str, Path]) -> tuple[str, ...]:
    """What is in no square; the networks that have no masks are not meant."""
    sparse = tuple(a for a in material.answers.answers if float(a.fields["density"]) != 1)
    return gaps_of(replace(material.answers, answers=sparse), f"artifact {_ARTIFACT}", files)


def _caption(value: str, panels: Sequence[HeatPanel], by: str, gaps: Sequence[str]) -> str:
    apart = [p.squares[i][j] for p in panels for i in range(len(p.names)) for j in range(i)]
    counts = sorted({square.n for square in apart if square})
    n = " to ".join(str(count) for count in dict.fromkeys([*counts[:1], *counts[-1:]])) or "0"
    means = [f"mean over n = {n} seeds, diagonal: between different seeds"] if by != _SEED else []
    return "; ".join([MEASURES[value], *means, *gaps]) + "."
