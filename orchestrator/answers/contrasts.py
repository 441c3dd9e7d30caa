"""Differences of every entry of a table to a reference row, paired by seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from orchestrator.answers.grouping import Grouped, Key
from orchestrator.answers.references import references_of
from orchestrator.answers.results import AnswerError, not_found, text_of
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
        p_holm: p of the chosen test after Holm's correction over all contrasts; None where the test
            has none, which counts as 1 in the family.
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
    grouped: Grouped,
    *,
    against: str = "dense",
    better: Better,
    confidence: float = 0.95,
    test: Test = "t",
) -> Contrasts:
    """Compare every entry with that of the reference row in its column, seed by seed.

    Where the reference row does not depend on the columns, as dense at density 1 does not on the
    density, all columns are compared with its one entry; see `references_of`.

    Args:
        grouped: The entries.
        against: The reference row, as the table names it.
        better: Which end of the value wins a seed.
        confidence: Of the intervals, see `check_confidence`.
        test: Whose p is corrected for being so many.

    Raises:
        AnswerError: When the reference row does not occur, or is not there to be compared with.
    """
    check_confidence(confidence)
    test_named(test)
    references = references_of(grouped, against)
    by_seed = {key: entry.by_seed for key, entry in grouped.entries.items()}
    found = [
        _contrast((row, column), references[row, column], by_seed, confidence, better)
        for row in grouped.rows
        for column in grouped.columns
        if (row, column) in references
    ]
    return Contrasts(
        contrasts=_corrected(found, test),
        against=against,
        value=grouped.value,
        test=test,
        confidence=confidence,
        notes=(*grouped.gaps, *grouped.notes),
    )


def check_confidence(confidence: float) -> None:
    """Refuse a confidence that no interval of few seeds can have.

    Raises:
        AnswerError: When it is not between 0.5 and 0.9999.
    """
    if not 0.5 <= confidence <= 0.9999:
        given = text_of(float(confidence))
        raise AnswerError(f"confidence {given} is not between 0.5 and 0.9999, such as 0.95")


def test_named(name: str) -> Test:
    """The test of this name.

    Raises:
        AnswerError: When there is none, with those there are.
    """
    for test in TESTS:
        if test == name:
            return test
    raise not_found(f"no test {name!r}", name, TESTS, "tests")


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
    """The contrasts with their corrected p, over all of them.

    One without a p counts as 1, so that the family is the same while results still come in.
    """
    p_values = [_p(each, test) for each in found]
    counted = [1.0 if p is None else p for p in p_values]
    adjusted = zip(found, p_values, holm(counted), benjamini_hochberg(counted), strict=True)
    return tuple(
        each if p is None else replace(each, p_holm=p_holm, p_bh=p_bh)
        for each, p, p_holm, p_bh in adjusted
    )


def _p(contrast: Contrast, test: Test) -> float | None:
    if contrast.difference is None:
        return None
    return contrast.difference.p_t if test == "t" else contrast.difference.p_wilcoxon
