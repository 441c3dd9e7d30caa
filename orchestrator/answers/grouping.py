"""Grouping answers by their fields, honestly: what is averaged differs in the seed alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.answers.alike import (
    SEED,
    Axes,
    check_alike,
    check_fields,
    check_measured,
    confounded,
    differing_fields,
    does_without,
    within,
)
from orchestrator.answers.naming import Parts, fields_in, ordered, parts_along
from orchestrator.answers.results import Answer, Answers, text_of
from orchestrator.statistics.summaries import Summary, summarise
from orchestrator.watching.states import FAILURES, State

Key = tuple[str, str]
"""The names of a row and of a column."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The cells that share one row and one column.

    A cell counts in exactly one of `by_seed`, `missing`, `unmeasured`, `failed` and `dropped`.

    Attributes:
        summary: The value over their seeds; None when no seed has it.
        missing: How many of them have no result yet: `run` would train them.
        unmeasured: How many of them completed without this measurement.
        failed: State, of `states.FAILURES`, to how many of them ended in it.
        dropped: How many of them have the value but do not count, because their seed lacks it
            for another of the things that are averaged within each seed.
        by_seed: Seed to the value that `summary` counts for it.
        seeds: How many seeds were asked for.
        cells: How many cells were asked for: as many, unless something is averaged within seeds.
        combinations: Over how many combinations each seed's value is the mean; 1 without.
    """

    summary: Summary | None
    missing: int
    unmeasured: int
    failed: Mapping[str, int]
    dropped: int = 0
    by_seed: Mapping[int, float] = field(default_factory=dict)
    seeds: int = 0
    cells: int = 0
    combinations: int = 1

    @property
    def failures(self) -> int:
        """How many cells failed, for whichever reason."""
        return sum(self.failed.values())

    @property
    def partial(self) -> bool:
        """Whether cells that were asked for do not count."""
        return bool(self.missing or self.unmeasured or self.dropped or self.failures)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grouped:
    """A value by rows and columns.

    Attributes:
        value: Name of the measurement.
        rows: Names of the rows, in the order of the grid; a component that occurs in several
            variants is told with the options that differ. The name by several fields joins its
            parts with ", ".
        columns: Names of the columns, numbers ascending.
        entries: (row, column) to entry; combinations that the grid does not have are absent.
        notes: What a reader must be told.
        better: The better end of the value, where a probe says it: "higher" or "lower".
        row_parts: Name of a row to its parts, one by each of the fields.
        column_parts: The same of the columns.
        averaged: Field to how many values of it each seed's value is the mean over.
        row_fields: The fields that name the rows, the outer one first.
        column_fields: The same of the columns.
        fixed: Entries that are what they are for every value of the innermost column field.
        halted: Whether nothing more is begun, so that what is missing stays so.
    """

    value: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    entries: Mapping[Key, Entry]
    notes: tuple[str, ...]
    better: str | None = None
    row_parts: Mapping[str, Parts] = field(default_factory=dict)
    column_parts: Mapping[str, Parts] = field(default_factory=dict)
    averaged: Mapping[str, int] = field(default_factory=dict)
    row_fields: Parts = ()
    column_fields: Parts = ()
    fixed: frozenset[Key] = frozenset()
    halted: bool = False

    @property
    def gaps(self) -> tuple[str, ...]:
        """What no mean counts, in words: failures apart from cells that may still get there."""
        entries = self.entries.values()
        failed = sum((Counter(entry.failed) for entry in entries), Counter[str]())
        missing = sum(entry.missing for entry in entries)
        unmeasured = sum(entry.unmeasured for entry in entries)
        dropped = sum(entry.dropped for entry in entries)
        over = " and ".join(self.averaged)
        told = (
            (failed.total(), f"failed{_states(failed)}, and no mean counts them"),
            (missing, f"{'has' if missing == 1 else 'have'} no result{self._waiting}"),
            (unmeasured, f"completed without {self.value}"),
            (dropped, f"not counted, because their seed is not complete over {over}"),
        )
        return tuple(
            f"{count} {'cell' if count == 1 else 'cells'} {text}" for count, text in told if count
        )

    @property
    def _waiting(self) -> str:
        return ": the run was halted and begins nothing more" if self.halted else " yet"

    @property
    def common_n(self) -> int | None:
        """The number of seeds in every entry; None when it differs or there is nothing."""
        counts = {entry.summary.n for entry in self.entries.values() if entry.summary}
        return counts.pop() if len(counts) == 1 else None


def group(
    answers: Answers,
    *,
    rows: str,
    columns: str,
    value: str,
    confidence: float | None = None,
    average: Sequence[str] = (),
) -> Grouped:
    """Summarise `value` over the seeds for every combination of some fields.

    Where fields are averaged, they are so first, within each seed, and only over seeds that have
    the value for all of their combinations: mean, spread and n are then over seeds as ever.

    Args:
        answers: The cells to group.
        rows: Paths of the fields of the rows, for example "method", or "dataset,method".
        columns: Paths of the fields of the columns, for example "density".
        value: Name of the measurement, for example "test_accuracy".
        confidence: Of the intervals of the means; None for none.
        average: Paths of the fields to average over within each seed. A component comes with
            its options.

    Raises:
        AnswerError: When a field or the value does not occur, or when cells that would be
            averaged differ in another field than the seed and those in `average`.
    """
    axes = Axes(rows=fields_in(rows), columns=fields_in(columns), average=tuple(average))
    check_fields(answers, axes)
    check_measured(answers, value)
    groups, row_parts, column_parts = _named(answers, axes)
    check_alike(groups.values(), axes)
    over = {key: _combinations(group, axes.average) for key, group in groups.items()}
    return Grouped(
        value=value,
        rows=tuple(row_parts),
        columns=tuple(column_parts),
        entries={
            key: _entry(group, value, confidence, len(over[key])) for key, group in groups.items()
        },
        notes=(*answers.notes, *confounded(answers.answers, axes), *_fewer(over, axes)),
        better=answers.better.get(value),
        row_parts=row_parts,
        column_parts=column_parts,
        averaged=_averaged(answers.answers, axes.average),
        row_fields=axes.rows,
        column_fields=axes.columns,
        fixed=frozenset(
            key
            for key, cells in groups.items()
            if all(does_without(answer, axes.columns[-1]) for answer in cells)
        ),
        halted=answers.halted,
    )


def differing(answers: Answers, *, rows: str, columns: str) -> dict[str, tuple[str, ...]]:
    """The fields besides the seed in which cells of one row and column differ, with their values.

    Where there are any, `group` refuses; fixing one of their values each leaves it none.

    Raises:
        AnswerError: When a field does not occur, or is asked for twice.
    """
    axes = Axes(rows=fields_in(rows), columns=fields_in(columns))
    check_fields(answers, axes)
    return differing_fields(_named(answers, axes)[0].values(), axes)


def _named(
    answers: Answers, axes: Axes
) -> tuple[dict[Key, list[Answer]], dict[str, Parts], dict[str, Parts]]:
    """The answers of every row and column; the names of rows and columns, in order, with parts."""
    others = (*axes.told, *axes.average)
    rows = parts_along(answers.answers, axes.rows, others)
    columns = parts_along(answers.answers, axes.columns, others)
    groups: dict[Key, list[Answer]] = {}
    for answer, row, column in zip(answers.answers, rows, columns, strict=True):
        groups.setdefault((_joined(row), _joined(column)), []).append(answer)
    row_parts = {_joined(parts): parts for parts in ordered(rows, by_number=False)}
    column_parts = {_joined(parts): parts for parts in ordered(columns, by_number=True)}
    return groups, row_parts, column_parts


def _states(failed: Counter[str]) -> str:
    """The states that cells failed in, where "failed" does not say it all, counted if several."""
    if len(failed) > 1:
        return f" ({', '.join(f'{count} {state}' for state, count in failed.most_common())})"
    return "".join(f" ({state})" for state in failed if state != State.FAILED.value)


def _joined(parts: Parts) -> str:
    return ", ".join(parts)


def _entry(
    answers: Sequence[Answer], value: str, confidence: float | None, combinations: int
) -> Entry:
    found = [answer.metrics for answer in answers if answer.metrics is not None]
    measured = sum(value in metrics for metrics in found)
    failed = Counter(answer.state for answer in answers if answer.state in FAILURES)
    by_seed = _by_seed(answers, value, combinations)
    return Entry(
        summary=summarise(list(by_seed.values()), confidence) if by_seed else None,
        missing=len(answers) - len(found) - failed.total(),
        unmeasured=len(found) - measured,
        failed=failed,
        dropped=measured - combinations * len(by_seed),
        by_seed=by_seed,
        seeds=len({answer.fields[SEED] for answer in answers}),
        cells=len(answers),
        combinations=combinations,
    )


def _by_seed(answers: Sequence[Answer], value: str, combinations: int) -> dict[int, float]:
    """The mean of every seed that has the value for all combinations."""
    values: dict[int, list[float]] = {}
    for answer in answers:
        if answer.metrics is not None and value in answer.metrics:
            values.setdefault(answer.fields[SEED], []).append(answer.metrics[value])
    return {
        seed: found[0] if combinations == 1 else summarise(found, None).mean
        for seed, found in values.items()
        if len(found) == combinations
    }


def _combinations(answers: Sequence[Answer], average: Parts) -> frozenset[Parts]:
    """What the averaged fields of an entry are, each as text, components with their options."""
    found = set()
    for answer in answers:
        paths = sorted(path for path in answer.fields if within(path, average))
        found.add(tuple(f"{path}={text_of(answer.fields[path])}" for path in paths))
    return frozenset(found)


def _averaged(answers: Sequence[Answer], average: Parts) -> dict[str, int]:
    """Field to how many values it takes, as they are named."""
    return {path: len(set(parts_along(answers, (path,), average))) for path in average}


def _fewer(over: Mapping[Key, frozenset[Parts]], axes: Axes) -> list[str]:
    """A note on rows whose seeds' values are means over fewer combinations than the table has."""
    all_of_them = frozenset[Parts]().union(*over.values())
    fewer: dict[str, set[int]] = {}
    for (row, _), combinations in over.items():
        if combinations != all_of_them:
            fewer.setdefault(row, set()).add(len(combinations))
    told = [f"{row} over {', '.join(map(str, sorted(counts)))}" for row, counts in fewer.items()]
    if not told:
        return []
    fields = " and ".join(axes.average)
    return [f"not all means are over the same {fields}: {'; '.join(told)} of {len(all_of_them)}"]
