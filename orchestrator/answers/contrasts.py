"""Differences of every entry of a table to a reference row, paired by seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from orchestrator.answers.grouping import Grouped, Key, group
from orchestrator.answers.results import AnswerError, Answers, not_found
from orchestrator.statistics.corrections import benjamini_hochberg, holm
from orchestrator.statistics.paired import Better, PairedDifference, paired_difference

Test = Literal["t", "wilcoxon"]
TESTS: tuple[Test, ...] = ("t", "wilcoxon")


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """One entry of a table against its reference.

    Attributes:
        row: The entry's row.
        column: The entry's column.
        reference: Row and column of what it is compared with.
        difference: The entry minus its reference, over the seeds that both have; None when there
            is no such seed.
        p_holm: p of the chosen test after Holm's correction over all contrasts that have one.
        p_bh: The same after that of Benjamini and Hochberg.
        warning: What a reader must know of this contrast; empty when nothing.
    """

    row: str
    column: str
    reference: Key
    difference: PairedDifference | None
    p_holm: float | None
    p_bh: float | None
    warning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrasts:
    """All contrasts of one table: the family that the corrections are over.

    Attributes:
        contrasts: Row by row, columns ascending; without the reference row.
        against: The reference row.
        value: Name of the measurement.
        test: Whose p is corrected.
        confidence: Of the intervals.
        notes: What a reader must be told of all of them.
    """

    contrasts: tuple[Contrast, ...]
    against: str
    value: str
    test: Test
    confidence: float
    notes: tuple[str, ...]

    def of(self, row: str, column: str) -> Contrast | None:
        """The contrast of an entry; None for the reference row and for what the grid lacks."""
        found = (each for each in self.contrasts if (each.row, each.column) == (row, column))
        return next(found, None)


def contrasts(
    answers: Answers,
    *,
    rows: str = "method",
    columns: str = "density",
    value: str = "test_accuracy",
    against: str = "dense",
    confidence: float = 0.95,
    test: Test = "t",
    better: Better | None = None,
    average: Sequence[str] = (),
) -> Contrasts:
    """Compare every entry with that of the reference row in its column, seed by seed.

    Where the reference row exists in one column only, as dense at density 1 does, all columns are
    compared with that one.

    Args:
        answers: The cells.
        rows: Path of the field that names the rows.
        columns: Path of the field that names the columns.
        value: Name of the measurement.
        against: The reference row, as the table names it.
        confidence: Of the intervals, in (0, 1).
        test: Whose p is corrected for being so many.
        better: Which end of the value wins a seed; by default what the answers say, else higher.
        average: Fields to average over within each seed, see `group`.

    Raises:
        AnswerError: When a field, the value or the reference row does not occur, when cells that
            would be averaged differ in another field than the seed, or when the reference row
            exists in several columns, but not in all that are to be compared.
    """
    if not 0 < confidence < 1:
        raise AnswerError(f"confidence {confidence:g} is not between 0 and 1, such as 0.95")
    test_named(test)
    grouped = group(answers, rows=rows, columns=columns, value=value, average=average)
    references = _references(grouped, against, rows)
    by_seed = {key: entry.by_seed for key, entry in grouped.entries.items()}
    side: Better = better or ("lower" if grouped.better == "lower" else "higher")
    found = [
        _contrast((row, column), references[row, column], by_seed, confidence, side)
        for row in grouped.rows
        for column in grouped.columns
        if (row, column) in references
    ]
    corrected = _corrected(found, test)
    return Contrasts(
        contrasts=corrected,
        against=against,
        value=value,
        test=test,
        confidence=confidence,
        notes=(*grouped.gaps, *grouped.notes),
    )


def test_named(name: str) -> Test:
    """The test of this name.

    Raises:
        AnswerError: When there is none, with those there are.
    """
    for test in TESTS:
        if test == name:
            return test
    raise not_found(f"no test {name!r}", name, TESTS, "tests")


def _references(grouped: Grouped, against: str, fields: str) -> Mapping[Key, Key]:
    """Every entry that is to be compared, with its reference.

    Where rows or columns have several fields, entries that agree in all but the innermost of each
    are compared: methods on one data set, and not across data sets.
    """
    inner = {row: parts[-1] for row, parts in grouped.row_parts.items()}
    if against not in inner.values():
        rows = list(dict.fromkeys(inner.values()))
        raise not_found(f"no row {against!r}: no cell has it as {fields}", against, rows, "rows")
    blocks: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Key]] = {}
    for row, column in grouped.entries:
        outer = grouped.row_parts[row][:-1], grouped.column_parts[column][:-1]
        blocks.setdefault(outer, []).append((row, column))
    found: dict[Key, Key] = {}
    for keys in blocks.values():
        own = [key for key in keys if inner[key[0]] == against]
        others = [key for key in keys if inner[key[0]] != against]
        found |= _references_in(own, others, against)
    return found


def _references_in(own: Sequence[Key], others: Sequence[Key], against: str) -> Mapping[Key, Key]:
    """The reference of every other entry among those of the reference row."""
    if len(own) == 1:
        return dict.fromkeys(others, own[0])
    by_column = {column: (row, column) for row, column in own}
    lacking = list(dict.fromkeys(column for _, column in others if column not in by_column))
    if lacking:
        there = f", nor in one column only, but at {', '.join(by_column)}" if own else ""
        raise AnswerError(
            f"{against} cannot be the reference: it is not there at {', '.join(lacking)}{there}; "
            f"take another one, or leave these out with --where"
        )
    return {key: by_column[key[1]] for key in others}


def _contrast(
    key: Key,
    reference: Key,
    by_seed: Mapping[Key, Mapping[int, float]],
    confidence: float,
    better: Better,
) -> Contrast:
    own, other = by_seed[key], by_seed[reference]
    common = sorted(own.keys() & other.keys())
    usable = [seed for seed in common if math.isfinite(own[seed]) and math.isfinite(other[seed])]
    difference = None
    if usable:
        difference = paired_difference(
            [own[seed] for seed in usable],
            [other[seed] for seed in usable],
            confidence=confidence,
            name=" ".join((*key, *reference)),
            better=better,
        )
    return Contrast(
        row=key[0],
        column=key[1],
        reference=reference,
        difference=difference,
        p_holm=None,
        p_bh=None,
        warning="; ".join(
            (
                *_gaps(own, other, len(common) - len(usable)),
                *_smallness(difference),
            )
        ),
    )


def _gaps(own: Mapping[int, float], other: Mapping[int, float], diverged: int) -> list[str]:
    unpaired = len(own.keys() ^ other.keys())
    told = ((unpaired, "unpaired"), (diverged, "diverged and left out"))
    return [f"{count} {'seed' if count == 1 else 'seeds'} {text}" for count, text in told if count]


def _smallness(difference: PairedDifference | None) -> list[str]:
    if difference is None:
        return ["no seed has both results"]
    if difference.n == 1:
        return ["one pair has no spread: no interval, no test"]
    if difference.ties == difference.n:
        return ["both are equal for every seed"]
    if not difference.std:
        return [f"all {difference.n} differences are equal: no interval, no t test"]
    return []


def _corrected(found: Sequence[Contrast], test: Test) -> tuple[Contrast, ...]:
    places = [at for at, each in enumerate(found) if _p(each, test) is not None]
    p_values = [p for each in found if (p := _p(each, test)) is not None]
    adjusted = zip(places, holm(p_values), benjamini_hochberg(p_values), strict=True)
    by_place = {at: (p_holm, p_bh) for at, p_holm, p_bh in adjusted}
    return tuple(
        replace(each, p_holm=by_place[at][0], p_bh=by_place[at][1]) if at in by_place else each
        for at, each in enumerate(found)
    )


def _p(contrast: Contrast, test: Test) -> float | None:
    if contrast.difference is None:
        return None
    return contrast.difference.p_t if test == "t" else contrast.difference.p_wilcoxon
