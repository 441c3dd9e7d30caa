"""What rows and columns are called: a component's variants are told apart by their options."""

import contextlib
from collections.abc import Iterable, Sequence

from grids.cell import COMPONENTS
from orchestrator.answers.results import Answer, text_of

Parts = tuple[str, ...]
"""The name of a row or a column by each of its fields."""


def fields_in(text: str) -> Parts:
    """The fields of an axis: "dataset,method" names two of them, the outer one first."""
    return tuple(part.strip() for part in text.split(","))


def parts_along(answers: Sequence[Answer], fields: Parts, others: Iterable[str]) -> list[Parts]:
    """The name of every answer by each field of an axis; see `names_along`.

    Args:
        answers: What is to be named.
        fields: The fields of the axis.
        others: The fields whose values are told elsewhere.
    """
    told = {*fields, *others}
    named = [names_along(answers, field, *sorted(told - {field})) for field in fields]
    return list(zip(*named, strict=True))


def ordered(parts: Iterable[Parts], *, by_number: bool) -> tuple[Parts, ...]:
    """Distinct names in the order of the axis: what shares its outer parts stands together.

    Args:
        parts: Names in the order of the grid.
        by_number: Sort a field whose values are all numbers by these, ascending.
    """
    distinct = list(dict.fromkeys(parts))
    ranks = [_ranks(level, by_number) for level in zip(*distinct, strict=True)]
    return tuple(sorted(distinct, key=lambda name: _place(ranks, name)))


def names_along(answers: Sequence[Answer], path: str, *others: str) -> list[str]:
    """The name of every answer along a field, for example "gmp" and "gmp(scope=layer)".

    Where the field is a component, an option that takes several values under one name is told, but
    for those at which it stands at its default. An option that nothing varies is not.

    Args:
        answers: What is to be named.
        path: The field: "method", "density", "method.update_every", ...
        others: The fields along the other directions, which tell their own values.
    """
    if path not in COMPONENTS:
        return [text_of(answer.fields.get(path)) for answer in answers]
    varying = _varying_options(answers, path) - set(others)
    return [_name(answer, path, varying) for answer in answers]


def _ranks(names: Iterable[str], by_number: bool) -> dict[str, int]:
    distinct = list(dict.fromkeys(names))
    if by_number:
        with contextlib.suppress(ValueError):  # where they are no numbers, in the grid's order
            distinct = sorted(distinct, key=float)
    return {name: rank for rank, name in enumerate(distinct)}


def _place(ranks: Sequence[dict[str, int]], name: Parts) -> list[int]:
    return [level[part] for level, part in zip(ranks, name, strict=True)]


def _varying_options(answers: Sequence[Answer], component: str) -> set[str]:
    """Paths of the component's options that differ between answers of one name."""
    first: dict[str, Answer] = {}
    varying: set[str] = set()
    for answer in answers:
        fields, others = answer.fields, first.setdefault(answer.fields[component], answer).fields
        varying |= {
            option
            for option in fields.keys() | others.keys()
            if option.startswith(f"{component}.") and fields.get(option) != others.get(option)
        }
    return varying


def _name(answer: Answer, component: str, varying: set[str]) -> str:
    told = [
        f"{option.partition('.')[2]}={text_of(answer.fields[option])}"
        for option in sorted(varying & answer.chosen)
    ]
    name = text_of(answer.fields[component])
    return f"{name}({', '.join(told)})" if told else name
