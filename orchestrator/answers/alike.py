"""What may share an entry: cells that differ in the seed, and in what was asked to be averaged."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.answers.naming import Parts, names_along
from orchestrator.answers.results import RENAMED, Answer, AnswerError, Answers, not_found, text_of

SEED = "seed"
"""The field that every mean is taken over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Axes:
    """The fields that were asked for, and what becomes of each.

    Attributes:
        rows: Those that name the rows, the outer one first.
        columns: Those that name the columns, the outer one first.
        average: Those that are averaged over within each seed.
    """

    rows: Parts
    columns: Parts
    average: Parts = ()

    @property
    def told(self) -> Parts:
        """The fields that name a row or a column."""
        return (*self.rows, *self.columns)


def within(path: str, average: Parts) -> bool:
    """Whether a field is averaged over: it is named, or an option of a component that is."""
    return path in average or path.partition(".")[0] in average


def does_without(answer: Answer, path: str) -> bool:
    """Whether a cell is the same cell for every value of a field.

    It has no such option, or it is dense: at density 1 there is nothing to allocate.
    """
    if answer.fields.get(path) is None:
        return True
    neutral = path == "density" or path.partition(".")[0] == "allocation"
    return neutral and text_of(answer.fields.get("density")) == "1"


def check_fields(answers: Answers, axes: Axes) -> None:
    """Refuse fields that no cell has, or that are asked for twice or in vain.

    Raises:
        AnswerError: What is wrong, with the fields there are.
    """
    if not answers.answers:
        raise AnswerError("there are no cells to answer for")
    known = {path for answer in answers.answers for path in answer.fields}
    for path in (*axes.told, *axes.average):
        if path not in known:
            raise not_found(f"no cell has a field {path!r}", path, sorted(known), "fields")
    if axes.rows == axes.columns:
        raise AnswerError(f"rows and columns are both {', '.join(axes.rows)}")
    asked = (*axes.told, *axes.average)
    twice = [path for path in dict.fromkeys(asked) if asked.count(path) > 1]
    if twice:
        raise AnswerError(f"{', '.join(twice)} is asked for twice in rows, columns and average")
    _check_average(answers.answers, axes.average)


def check_measured(answers: Answers, value: str) -> None:
    """Refuse a measurement that no cell has.

    Raises:
        AnswerError: With the measurements there are, or what to write to get this one.
    """
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


def check_alike(groups: Iterable[Sequence[Answer]], axes: Axes) -> None:
    """Refuse to average what differs in more than the seed and the fields in `axes.average`.

    Raises:
        AnswerError: With these fields, their values, and three ways out.
    """
    varying = differing_fields(groups, axes)
    if varying:
        raise AnswerError(_refusal(varying, axes))


def differing_fields(groups: Iterable[Sequence[Answer]], axes: Axes) -> dict[str, Parts]:
    """The fields in which answers of one group differ, with their values.

    The seed is none of them, nor is what `axes` averages over.
    """
    varying: dict[str, dict[str, None]] = {}
    for answers in groups:
        for path in _varying(answers):
            if not within(path, axes.average):
                values = {text_of(answer.fields.get(path)): None for answer in answers}
                varying.setdefault(path, {}).update(values)
    # The options of a component that varies itself say nothing more.
    return {
        path: tuple(varying[path])
        for path in sorted(varying)
        if path.partition(".")[0] == path or path.partition(".")[0] not in varying
    }


def confounded(answers: Sequence[Answer], axes: Axes) -> list[str]:
    """Notes on fields that differ from row to row, so that more than the rows is compared."""
    notes = []
    for path in _varying(answers):
        component = path.partition(".")[0]
        if {path, component} & {*axes.told, *axes.average}:
            continue
        rows = _told_by(answers, path, axes.rows)
        by_value: dict[str, dict[str, None]] = {}
        for answer in answers:
            if path in answer.fields:
                shown = by_value.setdefault(text_of(answer.fields[path]), {})
                shown[" ".join(text_of(answer.fields.get(row)) for row in rows)] = None
        if len(by_value) > 1:
            parts = "; ".join(f"{value}: {', '.join(shown)}" for value, shown in by_value.items())
            notes.append(f"{path} differs ({parts})")
    return notes


def _check_average(answers: Sequence[Answer], average: Parts) -> None:
    if SEED in average:
        raise AnswerError("the mean is over the seeds in any case; name other fields to average")
    for path in average:
        values = set(names_along(answers, path))
        if len(values) == 1:
            raise AnswerError(f"there is nothing to average: {path} is {values.pop()} in all cells")


def _refusal(varying: Mapping[str, Parts], axes: Axes) -> str:
    found = "; ".join(f"{path} is {', '.join(values)}" for path, values in varying.items())
    choices = (f"{path}={values[0]}" for path, values in varying.items())
    fixed = " ".join(f"--where {shlex.quote(choice)}" for choice in choices)
    now = f"{', '.join(axes.rows)} and {', '.join(axes.columns)}"
    also = "".join(f" --average {path}" for path in varying)
    return (
        f"cells that differ in more than the {SEED} would be averaged: {found}. Make it the rows "
        f"or the columns (now {now}), ask for the mean over it with{also}, or fix it with {fixed}"
    )


def _varying(answers: Sequence[Answer]) -> list[str]:
    first = answers[0].fields
    paths = {path for answer in answers for path in answer.fields} - {SEED}
    return sorted(
        path
        for path in paths
        if any(answer.fields.get(path) != first.get(path) for answer in answers)
    )


def _told_by(answers: Sequence[Answer], path: str, rows: Parts) -> Parts:
    """The field of the rows that determines another one alone, or else all of them."""
    for row in rows:
        pairs = {
            (text_of(answer.fields.get(row)), text_of(answer.fields.get(path)))
            for answer in answers
        }
        if len(pairs) == len({value for value, _ in pairs}):
            return (row,)
    return rows
