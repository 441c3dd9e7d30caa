"""Comparing two stores, studies or runs: what changed, by how much, and whether it is noise."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from grids.cell import COMPONENTS
from orchestrator.answers.alike import SEED, check_measured
from orchestrator.answers.naming import names_along
from orchestrator.answers.results import Answer, AnswerError, text_of
from orchestrator.keeping.matching import Fields, Matching, fields_without, match
from orchestrator.keeping.sides import Side
from orchestrator.statistics.corrections import holm
from orchestrator.statistics.paired import PairedDifference, paired_difference
from orchestrator.store.index_part import ORIGIN

Pair = tuple[Answer, Answer]
"""A cell of the first side, and the one that belongs to it of the second."""


class Verdict(StrEnum):
    """What a comparison says of a group of pairs."""

    IDENTICAL = "identical"
    NOISE = "within noise"
    DIFFERS = "differs"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Pairs that differ in the seed alone.

    Attributes:
        name: What tells it from the other groups.
        first: Mean of the first side over the pairs that both measured; None without any.
        second: Mean of the second side.
        difference: Second minus first, seed by seed; None without such a pair.
        p_holm: p of the paired t test, corrected for all groups that have one.
        verdict: In a word.
        without: How many pairs lack the value on one side or both.
    """

    name: str
    first: float | None
    second: float | None
    difference: PairedDifference | None
    p_holm: float | None
    verdict: Verdict
    without: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeated:
    """A cell that both sides have, measured in two attempts.

    Attributes:
        cell: Its id.
        label: Its short name.
        differing: Metrics that are not equal to the last bit: values of the first and the second.
        origin: What of the origin differs: values of the first and the second.
        promised: Whether equal bits were promised: the exact tier, and the same origin.
    """

    cell: str
    label: str
    differing: Mapping[str, tuple[float, float]]
    origin: Mapping[str, tuple[str, str]]
    promised: bool

    @property
    def broken(self) -> bool:
        """Whether equal bits were promised and are not there."""
        return self.promised and bool(self.differing)


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What a comparison found.

    Attributes:
        first, second: Names of the two sides.
        value: The measurement whose means are compared.
        alpha: Error allowed over all groups together.
        groups: The groups, in the order of the first side.
        same_records: How many cells answer with the same record on both sides.
        repeated: The cells that both have, measured in two attempts.
        varied: Field that differs by design to its values on both sides.
        only_first, only_second: Names of the cells without a partner.
        failed_first, failed_second: Names of the cells that have results on the other side only.
    """

    first: str
    second: str
    value: str
    alpha: float
    groups: tuple[Group, ...]
    same_records: int
    repeated: tuple[Repeated, ...]
    varied: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    failed_first: tuple[str, ...]
    failed_second: tuple[str, ...]

    @property
    def broken(self) -> tuple[Repeated, ...]:
        """The repeated cells of which equal bits were promised and are not there."""
        return tuple(one for one in self.repeated if one.broken)

    def plain(self) -> dict[str, Any]:
        """All of it as plain data, for scripts."""
        return asdict(self)


def compare(
    first: Side,
    second: Side,
    *,
    value: str = "test_accuracy",
    vary: Sequence[str] = (),
    alpha: float = 0.05,
) -> Comparison:
    """Compare two sides cell by cell, and group by group over the seeds.

    Args:
        first: One side.
        second: The other side; differences are its values minus those of the first.
        value: The measurement whose means are compared.
        vary: The fields that differ by design; inferred when none are given.
        alpha: Error allowed over all groups together, in (0, 1).

    Raises:
        AnswerError: When nothing belongs together, the measurement does not occur, or a field in
            `vary` does not fit.
    """
    found = match(first.answers.answers, second.answers.answers, vary)
    pairs = [*found.shared, *found.paired]
    if not pairs:
        raise AnswerError(_nothing(found, first.name, second.name))
    for side in (first, second):
        if side.answers.completed:
            check_measured(side.answers, value)
    same = [one for one, _ in found.shared if _same_record(first, second, one.cell)]
    known = {one.cell for one in same}
    repeated = [_repeated(*pair) for pair in found.shared if pair[0].cell not in known]
    return Comparison(
        first=first.name,
        second=second.name,
        value=value,
        alpha=alpha,
        groups=tuple(_groups(pairs, found.varied, value, alpha)),
        same_records=sum(one.metrics is not None for one in same),
        repeated=tuple(one for one in repeated if one is not None),
        varied=found.varied,
        only_first=tuple(map(_named, found.only_first)),
        only_second=tuple(map(_named, found.only_second)),
        failed_first=tuple(_named(a) for a, b in pairs if a.metrics is None and b.metrics),
        failed_second=tuple(_named(b) for a, b in pairs if b.metrics is None and a.metrics),
    )


def _same_record(first: Side, second: Side, cell: str) -> bool:
    attempt = first.attempts.get(cell)
    return attempt is not None and attempt == second.attempts.get(cell)


def _nothing(found: Matching, first: str, second: str) -> str:
    if not found.only_first or not found.only_second:
        return f"{first if not found.only_first else second} has no cells to compare"
    fields = ", ".join(found.varied) or "none"
    return (
        f"no cell of {first} and {second} belong together: they agree in no seed, or in other "
        f"fields than these, which differ everywhere: {fields}; name what differs by design with "
        "--vary"
    )


def _repeated(one: Answer, other: Answer) -> Repeated | None:
    """A cell measured twice; None where one side has no results."""
    if one.metrics is None or other.metrics is None:
        return None
    both = sorted(one.metrics.keys() & other.metrics.keys())
    then, now = one.provenance, other.provenance
    origin = {n: (str(then[n]), str(now[n])) for n in ORIGIN if then[n] != now[n]}
    return Repeated(
        cell=one.cell,
        label=_named(one),
        differing={
            name: (one.metrics[name], other.metrics[name])
            for name in both
            if repr(one.metrics[name]) != repr(other.metrics[name])
        },
        origin=origin,
        promised=not origin and then["tier"] == "exact",
    )


def _groups(pairs: Iterable[Pair], varied: Iterable[str], value: str, alpha: float) -> list[Group]:
    by_fields: dict[Fields, list[Pair]] = {}
    for pair in pairs:
        by_fields.setdefault(fields_without(pair[0], {SEED}), []).append(pair)
    names = _names([members[0][0] for members in by_fields.values()])
    groups = [
        _group(name, members, value)
        for name, members in zip(names, by_fields.values(), strict=True)
    ]
    return _judged(groups, alpha)


def _group(name: str, pairs: Sequence[Pair], value: str) -> Group:
    """A group before its verdict: UNDECIDED but where all is equal."""
    measured = [
        (a.metrics[value], b.metrics[value])
        for a, b in pairs
        if a.metrics and b.metrics and value in a.metrics and value in b.metrics
    ]
    finite = [pair for pair in measured if all(map(math.isfinite, pair))]
    first, second = [a for a, _ in finite], [b for _, b in finite]
    equal = bool(measured) and all(repr(a) == repr(b) for a, b in measured)
    return Group(
        name=name,
        first=sum(first) / len(first) if first else None,
        second=sum(second) / len(second) if second else None,
        difference=paired_difference(second, first, name=name) if finite else None,
        p_holm=None,
        verdict=Verdict.IDENTICAL if equal else Verdict.UNDECIDED,
        without=len(pairs) - len(finite),
    )


def _judged(groups: Sequence[Group], alpha: float) -> list[Group]:
    """The groups with the verdicts of those that can be tested, corrected for being so many."""
    p_values = [_p(group) for group in groups]
    adjusted = iter(holm([p for p in p_values if p is not None]))
    return [
        group if p is None else _with_p(group, next(adjusted), alpha)
        for group, p in zip(groups, p_values, strict=True)
    ]


def _with_p(group: Group, p: float, alpha: float) -> Group:
    return replace(group, p_holm=p, verdict=Verdict.DIFFERS if p <= alpha else Verdict.NOISE)


def _p(group: Group) -> float | None:
    """p of the paired t test; None where all is equal, or there is no test."""
    if group.verdict is Verdict.IDENTICAL or group.difference is None:
        return None
    return group.difference.p_t


def _names(answers: Sequence[Answer]) -> list[str]:
    """What tells each of these cells from the others: the fields in which they differ."""
    every = {path for answer in answers for path in answer.fields} - {SEED}
    paths = sorted(every, key=lambda path: (path != "method", path))
    # The options of a component are in its name.
    bare = [path for path in paths if path.partition(".")[0] not in COMPONENTS or "." not in path]
    columns = {path: names_along(answers, path) for path in bare}
    told = {path: names for path, names in columns.items() if len(set(names)) > 1}
    found = [
        " ".join(f"{path}={names[place]}" for path, names in told.items())
        for place in range(len(answers))
    ]
    return [name or text_of(a.fields["method"]) for name, a in zip(found, answers, strict=True)]


def _named(answer: Answer) -> str:
    fields = answer.fields
    shown = (f"{path}={text_of(fields[path])}" for path in ("density", SEED))
    return " ".join((answer.cell, text_of(fields["method"]), *shown))
