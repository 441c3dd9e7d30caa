"""Grouping answers by two fields, honestly: what is averaged differs in the seed alone."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.answers.naming import names_along
from orchestrator.answers.results import RENAMED, Answer, AnswerError, Answers, not_found, text_of
from orchestrator.statistics.summaries import Summary, summarise
from orchestrator.watching.states import FAILURES

_AVERAGED = "seed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The cells that share one row and one column.

    A cell counts in exactly one attribute.

    Attributes:
        summary: The value over their seeds; None when no cell has it.
        missing: How many of them have no result yet: `run` would train them.
        unmeasured: How many of them completed without this measurement.
        failed: State, of `states.FAILURES`, to how many of them ended in it.
    """

    summary: Summary | None
    missing: int
    unmeasured: int
    failed: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Grouped:
    """A value by two fields.

    Attributes:
        value: Name of the measurement.
        rows: Values of the first field as text, in the order of the grid; a component that occurs
            in several variants is told with the options that differ.
        columns: Values of the second field as text, numbers ascending.
        entries: (row, column) to entry; combinations that the grid does not have are absent.
        notes: What a reader must be told.
        better: The better end of the value, where a probe says it: "higher" or "lower".
    """

    value: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    entries: Mapping[tuple[str, str], Entry]
    notes: tuple[str, ...]
    better: str | None = None

    @property
    def gaps(self) -> tuple[str, ...]:
        """What no mean counts, in words: failures apart from cells that may still get there."""
        entries = self.entries.values()
        failed = sum((Counter(entry.failed) for entry in entries), Counter[str]())
        states = ", ".join(f"{count} {state}" for state, count in failed.most_common())
        missing = sum(entry.missing for entry in entries)
        unmeasured = sum(entry.unmeasured for entry in entries)
        told = (
            (failed.total(), f"failed ({states}), and no mean counts them"),
            (missing, f"{'has' if missing == 1 else 'have'} no result yet"),
            (unmeasured, f"completed without {self.value}"),
        )
        return tuple(
            f"{count} {'cell' if count == 1 else 'cells'} {text}" for count, text in told if count
        )

    @property
    def common_n(self) -> int | None:
        """The number of seeds in every entry; None when it differs or there is nothing."""
        counts = {entry.summary.n for entry in self.entries.values() if entry.summary}
        return counts.pop() if len(counts) == 1 else None


def group(
    answers: Answers, *, rows: str, columns: str, value: str, confidence: float | None = None
) -> Grouped:
    """Summarise `value` over the seeds for every combination of two fields.

    Args:
        answers: The cells to group.
        rows: Path of the first field, for example "method".
        columns: Path of the second field, for example "density".
        value: Name of the measurement, for example "test_accuracy".
        confidence: Of the intervals of the means; None for none.

    Raises:
        AnswerError: When a field or the value does not occur, or when cells that would be
            averaged differ in another field than the seed.
    """
    _check_asked(answers, rows, columns, value)
    groups = members(answers, rows, columns)
    _check_alike(groups, rows, columns)
    return Grouped(
        value=value,
        rows=tuple(dict.fromkeys(row for row, _ in groups)),
        columns=_ordered(column for _, column in groups),
        entries={key: _entry(group, value, confidence) for key, group in groups.items()},
        notes=(*answers.notes, *_confounded(answers, rows, columns)),
        better=answers.better.get(value),
    )


def differing(answers: Answers, *, rows: str, columns: str) -> dict[str, tuple[str, ...]]:
    """The fields besides the seed in which cells of one row and column differ, with their values.

    Where there are any, `group` refuses; fixing one of their values each leaves it none.

    Raises:
        AnswerError: When a field does not occur, or both are the same.
    """
    _check_fields(answers, rows, columns)
    return _differing(members(answers, rows, columns))


def members(answers: Answers, rows: str, columns: str) -> dict[tuple[str, str], list[Answer]]:
    """The answers of every row and column, by their names and in the order of the grid."""
    groups: dict[tuple[str, str], list[Answer]] = {}
    along = names_along(answers.answers, rows, columns), names_along(answers.answers, columns, rows)
    for answer, *key in zip(answers.answers, *along, strict=True):
        groups.setdefault((key[0], key[1]), []).append(answer)
    return groups


def _check_asked(answers: Answers, rows: str, columns: str, value: str) -> None:
    _check_fields(answers, rows, columns)
    _check_measured(answers, value)


def _check_fields(answers: Answers, rows: str, columns: str) -> None:
    if not answers.answers:
        raise AnswerError("there are no cells to answer for")
    known = {path for answer in answers.answers for path in answer.fields}
    for path in (rows, columns):
        if path not in known:
            raise not_found(f"no cell has a field {path!r}", path, sorted(known), "fields")
    if rows == columns:
        raise AnswerError(f"rows and columns are both {rows}")


def _check_measured(answers: Answers, value: str) -> None:
    if value in RENAMED:
        raise AnswerError(
            f"no cell has a measurement {value!r}: what the trainer measures under that name is "
            f"{RENAMED[value]!r} in tables, plots and queries"
        )
    names = answers.metric_names()
    if names and value not in names:
        message = f"no cell has a measurement {value!r}"
        if value in answers.unasked:
            probe = answers.unasked[value]
            raise AnswerError(
                f"{message} that this grid asks for: write `probes: [{probe}]` into it and run it"
            )
        raise not_found(message, value, names, "measurements")


def _check_alike(
    groups: Mapping[tuple[str, str], Sequence[Answer]], rows: str, columns: str
) -> None:
    varying = _differing(groups)
    if varying:
        found = "; ".join(f"{path} is {', '.join(values)}" for path, values in varying.items())
        choices = (f"{path}={values[0]}" for path, values in varying.items())
        fixed = " ".join(f"--where {shlex.quote(choice)}" for choice in choices)
        raise AnswerError(
            f"cells that differ in more than the {_AVERAGED} would be averaged: {found}. Make it "
            f"the rows or the columns (now {rows} and {columns}), or fix it with {fixed}"
        )


def _differing(
    groups: Mapping[tuple[str, str], Sequence[Answer]],
) -> dict[str, tuple[str, ...]]:
    varying: dict[str, dict[str, None]] = {}
    for answers in groups.values():
        for path in _varying(answers):
            values = {text_of(answer.fields.get(path)): None for answer in answers}
            varying.setdefault(path, {}).update(values)
    # The options of a component that varies itself say nothing more.
    return {
        path: tuple(varying[path])
        for path in sorted(varying)
        if path.partition(".")[0] == path or path.partition(".")[0] not in varying
    }


def _varying(answers: Sequence[Answer]) -> list[str]:
    first = answers[0].fields
    paths = {path for answer in answers for path in answer.fields} - {_AVERAGED}
    return sorted(
        path
        for path in paths
        if any(answer.fields.get(path) != first.get(path) for answer in answers)
    )


def _confounded(answers: Answers, rows: str, columns: str) -> list[str]:
    """Notes on fields that differ from row to row, so that more than the rows is compared."""
    notes = []
    for path in _varying(answers.answers):
        component = path.partition(".")[0]
        if {path, component} & {rows, columns}:
            continue
        by_value: dict[str, dict[str, None]] = {}
        for answer in answers.answers:
            if path in answer.fields:
                shown = by_value.setdefault(text_of(answer.fields[path]), {})
                shown[text_of(answer.fields.get(rows))] = None
        if len(by_value) > 1:
            parts = "; ".join(f"{value}: {', '.join(shown)}" for value, shown in by_value.items())
            notes.append(f"{path} differs ({parts})")
    return notes


def _entry(answers: Sequence[Answer], value: str, confidence: float | None) -> Entry:
    found = [answer.metrics for answer in answers if answer.metrics is not None]
    values = [metrics[value] for metrics in found if value in metrics]
    failed = Counter(answer.state for answer in answers if answer.state in FAILURES)
    return Entry(
        summary=summarise(values, confidence) if values else None,
        missing=len(answers) - len(found) - failed.total(),
        unmeasured=len(found) - len(values),
        failed=failed,
    )


def _ordered(texts: Any) -> tuple[str, ...]:
    distinct = list(dict.fromkeys(texts))
    try:
        return tuple(sorted(distinct, key=float))
    except ValueError:
        return tuple(distinct)
