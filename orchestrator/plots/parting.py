"""Parting a grid's cells into panels and lines, honestly: what is averaged differs in the seed.

A field that varies is told apart by the lines, the panels or the axis, or the figure is refused.
"""

import contextlib
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from grids.cell import COMPONENTS
from orchestrator.answers.grouping import Entry, Grouped, group
from orchestrator.answers.naming import names_along
from orchestrator.answers.results import Answer, AnswerError, Answers, not_found, text_of
from orchestrator.watching.states import FAILURES

MOST_PANELS = 24
"""More would be a wall of stamps."""

_AVERAGED, _DENSITY = "seed", "density"


@dataclass(frozen=True, kw_only=True, slots=True)
class Strand:
    """The cells of one line of one panel.

    Attributes:
        name: The value of the field that tells lines apart; a component that occurs in several
            variants is told with the options that differ.
        answers: Its cells: they differ in the seed, and in what lies along the axis.
        reference: Whether it exists at density 1 alone, as dense does.
    """

    name: str
    answers: tuple[Answer, ...]
    reference: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """The cells of one panel.

    Attributes:
        title: The fields that tell panels apart, with their values; "" without any.
        strands: In the order of the grid.
    """

    title: str
    strands: tuple[Strand, ...]


def part(
    answers: Answers, *, by: str, facet: Sequence[str] = (), along: Sequence[str] = ()
) -> tuple[Part, ...]:
    """Part cells into panels and lines, in the order of the grid; panels of numbers ascend.

    Where the density tells panels apart, what exists at density 1 alone stands in each of them. An
    option that differs from panel to panel, but in none of them, is not told in the names of lines;
    `notes_of` tells it.

    Args:
        answers: The cells of a grid.
        by: The field that tells lines apart.
        facet: The fields that tell panels apart.
        along: Fields along the axis.

    Raises:
        AnswerError: When a field does not occur, is asked for twice, or varies but is told apart
            by nothing; when there would be more than MOST_PANELS panels.
    """
    _check_asked(answers, (by, *facet, *along))
    labels = _labels(answers.answers, by, facet, along)
    _check_alike(answers.answers, labels, by, facet)
    strands: dict[str, list[tuple[tuple[str, ...], Answer]]] = {}
    for label, answer in zip(labels, answers.answers, strict=True):
        strands.setdefault(label[0], []).append((label[1 : 1 + len(facet)], answer))
    shared = _shared(strands) if _DENSITY in facet else set()
    keys = _ordered([key for name in strands if name not in shared for key, _ in strands[name]])
    if len(keys) > MOST_PANELS:
        raise AnswerError(
            f"{' x '.join(facet)} would be {len(keys)} panels, and a figure has at most "
            f"{MOST_PANELS}: choose some with --where"
        )
    return tuple(_part(key, facet, strands, shared) for key in keys)


def untold(
    answers: Answers, *, by: str, facet: Sequence[str] = (), along: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
    """The fields, but the seed, in which cells differ that nothing tells apart, with their values.

    Args:
        answers: The cells of a grid.
        by: The field that tells lines apart.
        facet: The fields that tell panels apart.
        along: Those that tell places along the axis apart.
    """
    return _untold(answers.answers, _labels(answers.answers, by, facet, along))


def gaps_of(answers: Answers, value: str, measured: Collection[str]) -> tuple[str, ...]:
    """What no mean counts, in words.

    Args:
        answers: The cells that were asked for.
        value: What is drawn.
        measured: Ids of the cells that have it.
    """
    failed = Counter(answer.state for answer in answers.answers if answer.state in FAILURES)
    done = answers.completed
    entry = Entry(
        summary=None,
        missing=len(answers.answers) - len(done) - failed.total(),
        unmeasured=sum(answer.cell not in measured for answer in done),
        failed=failed,
    )
    return Grouped(value=value, rows=(), columns=(), entries={("", ""): entry}, notes=()).gaps


def notes_of(
    answers: Answers, value: str, *, by: str, facet: Sequence[str] = (), along: Sequence[str] = ()
) -> tuple[str, ...]:
    """What a reader must be told: mixed provenance, and fields that differ from line to line.

    Raises:
        AnswerError: When `value` is no measurement of these cells.
    """
    columns = _DENSITY if by != _DENSITY else _AVERAGED
    apart = [path for path in (*facet, *along) if path != columns]
    alike: dict[tuple[str, ...], list[Answer]] = {}
    labels = _names(answers.answers, apart)
    for label, answer in zip(labels, answers.answers, strict=True):
        alike.setdefault(label, []).append(answer)
    notes = dict.fromkeys(_tied_notes(answers.answers, by, facet))
    for cells in alike.values():
        own = replace(answers, answers=tuple(cells))
        notes |= dict.fromkeys(group(own, rows=by, columns=columns, value=value).notes)
    return tuple(notes)


def _check_asked(answers: Answers, paths: Sequence[str]) -> None:
    if not answers.answers:
        raise AnswerError("there are no cells to answer for")
    known = {path for answer in answers.answers for path in answer.fields}
    for path in paths:
        if path not in known:
            raise not_found(f"no cell has a field {path!r}", path, sorted(known), "fields")
    twice = [path for path, count in Counter(paths).items() if count > 1]
    if twice:
        raise AnswerError(f"{twice[0]} is asked for twice, among axis, lines and panels")


def _labels(
    answers: Sequence[Answer], by: str, facet: Sequence[str], along: Sequence[str]
) -> list[tuple[str, ...]]:
    """The name of every answer along the lines, the panels and the axis."""
    tied = _tied(answers, by, facet)
    plain = [replace(answer, fields=_without(answer.fields, tied)) for answer in answers]
    return _names(plain if tied else answers, (by, *facet, *along))


def _names(answers: Sequence[Answer], paths: Sequence[str]) -> list[tuple[str, ...]]:
    """The name of every answer along each field, without what the other fields tell already."""
    columns = []
    for path in paths:
        plain = answers
        if path in COMPONENTS:  # whose name may tell options that stand elsewhere
            others = {other for other in paths if other != path}
            plain = [replace(answer, fields=_without(answer.fields, others)) for answer in answers]
        columns.append(names_along(plain, path, path))
    return list(zip(*columns, strict=True)) if columns else [()] * len(answers)


def _tied(
    answers: Sequence[Answer], by: str, facet: Sequence[str]
) -> dict[str, dict[str, list[tuple[str, ...]]]]:
    """Options of the lines' component that differ between panels alone: value to its panels."""
    if by not in COMPONENTS or not facet:
        return {}
    found: dict[str, dict[tuple[str, tuple[str, ...]], set[str]]] = {}
    for key, answer in zip(_names(answers, facet), answers, strict=True):
        for path, value in answer.fields.items():
            if path.startswith(f"{by}."):
                place = str(answer.fields[by]), key
                found.setdefault(path, {}).setdefault(place, set()).add(text_of(value))
    tied: dict[str, dict[str, list[tuple[str, ...]]]] = {}
    for path, places in found.items():
        alone = all(len(values) == 1 for values in places.values())
        if alone and any(len(values) > 1 for values in _by_name(places).values()):
            for (_, key), [value] in places.items():
                tied.setdefault(path, {}).setdefault(value, []).append(key)
    return tied


def _by_name(
    places: Mapping[tuple[str, tuple[str, ...]], Collection[str]],
) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for (name, _), values in places.items():
        found.setdefault(name, set()).update(values)
    return found


def _tied_notes(answers: Sequence[Answer], by: str, facet: Sequence[str]) -> list[str]:
    notes = []
    for path, values in _tied(answers, by, facet).items():
        parts = [
            f"{value}: {' and '.join(dict.fromkeys(_title(facet, key) for key in keys))}"
            for value, keys in values.items()
        ]
        notes.append(f"{path} differs from panel to panel ({'; '.join(parts)})")
    return notes


def _title(facet: Sequence[str], key: tuple[str, ...]) -> str:
    return ", ".join(f"{path} = {value}" for path, value in zip(facet, key, strict=True))


def _varying(answers: Sequence[Answer]) -> dict[str, tuple[str, ...]]:
    paths = {path for answer in answers for path in answer.fields} - {_AVERAGED}
    first = answers[0].fields
    return {
        path: tuple(dict.fromkeys(text_of(answer.fields.get(path)) for answer in answers))
        for path in paths
        if any(answer.fields.get(path) != first.get(path) for answer in answers)
    }


def _without(fields: Mapping[str, object], others: Collection[str]) -> dict[str, object]:
    return {path: value for path, value in fields.items() if path not in others}


def _untold(
    answers: Sequence[Answer], labels: Sequence[tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    groups: dict[tuple[str, ...], list[Answer]] = {}
    for label, answer in zip(labels, answers, strict=True):
        groups.setdefault(label, []).append(answer)
    found: dict[str, dict[str, None]] = {}
    for cells in groups.values():
        for path, values in _varying(cells).items():
            found.setdefault(path, {}).update(dict.fromkeys(values))
    return {
        path: tuple(values)
        for path, values in sorted(found.items())
        if path.partition(".")[0] == path or path.partition(".")[0] not in found
    }


def _check_alike(
    answers: Sequence[Answer], labels: Sequence[tuple[str, ...]], by: str, facet: Sequence[str]
) -> None:
    found = _untold(answers, labels)
    if not found:
        return
    told = "; ".join(f"{path} is {', '.join(values)}" for path, values in found.items())
    panels = " ".join(f"--facet {path}" for path in (*facet, *found))
    choices = (f"{path}={next(iter(values))}" for path, values in found.items())
    fixed = " ".join(f"--where {shlex.quote(choice)}" for choice in choices)
    raise AnswerError(
        f"cells that differ in more than the {_AVERAGED} would be averaged: {told}. Give them "
        f"panels ({panels}) or lines (--by, now {by}), or fix it with {fixed}"
    )


def _shared(strands: Mapping[str, Sequence[tuple[tuple[str, ...], Answer]]]) -> set[str]:
    """The strands at density 1 alone, unless all are."""
    found = {name for name, cells in strands.items() if _dense_only(a for _, a in cells)}
    return found if len(found) < len(strands) else set()


def _dense_only(answers: Iterable[Answer]) -> bool:
    return all(float(answer.fields[_DENSITY]) == 1 for answer in answers)


def _ordered(keys: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The distinct keys by the rank of their parts: numbers ascending, texts as they come."""
    ranks = []
    for values in zip(*keys, strict=True):
        distinct = list(dict.fromkeys(values))
        with contextlib.suppress(ValueError):
            distinct.sort(key=float)
        ranks.append({value: rank for rank, value in enumerate(distinct)})
    return sorted(
        dict.fromkeys(keys), key=lambda key: [rank[v] for rank, v in zip(ranks, key, strict=True)]
    )


def _part(
    key: tuple[str, ...],
    facet: Sequence[str],
    strands: Mapping[str, Sequence[tuple[tuple[str, ...], Answer]]],
    shared: Collection[str],
) -> Part:
    found = []
    for name, cells in strands.items():
        free = {facet.index(_DENSITY)} if name in shared else set()
        own = tuple(
            answer
            for other, answer in cells
            if all(i in free or other[i] == key[i] for i in range(len(key)))
        )
        if own:
            reference = _dense_only([answer for _, answer in cells])
            found.append(Strand(name=name, answers=own, reference=reference))
    return Part(title=_title(facet, key), strands=tuple(found))
