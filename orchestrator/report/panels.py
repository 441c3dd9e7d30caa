"""Parts of a grid that one table or figure may show: what is averaged differs in the seed alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from grids.cell import COMPONENTS
from orchestrator.answers.grouping import differing
from orchestrator.answers.naming import fields_in, ordered, parts_along
from orchestrator.answers.results import Answers, not_found, text_of

SEED = "seed"

_PREFERRED = ("method", "density")


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """Some of a grid's cells.

    Attributes:
        where: Field to the value that they share and that tells them from other panels.
        answers: These cells.
    """

    where: Mapping[str, str]
    answers: Answers

    @property
    def title(self) -> str:
        """What tells it from the others, for people; "" where there is one panel only."""
        return ", ".join(f"{path} {value}" for path, value in self.where.items())


def varying_fields(answers: Answers) -> dict[str, tuple[str, ...]]:
    """The fields that take several values among the answers, with these as text, in grid order.

    An option of a component counts only where it differs between cells of one and the same
    component. Method and density come first, the seed last.
    """
    values: dict[str, dict[str, None]] = {}
    for answer in answers.answers:
        for path, value in answer.fields.items():
            values.setdefault(path, {})[text_of(value)] = None
    several = {path: tuple(found) for path, found in values.items() if len(found) > 1}
    places = (*_PREFERRED, *COMPONENTS, "data_ratio", "recipe")
    order = {name: place for place, name in enumerate(dict.fromkeys(places))}
    paths = sorted(
        several,
        key=lambda path: (path == SEED, order.get(path.partition(".")[0], len(order)), path),
    )
    return {path: _sorted(several[path]) for path in paths}


def shared_fields(answers: Answers) -> dict[str, Any]:
    """The fields that all answers have with one and the same value, with it."""
    shared = dict(answers.answers[0].fields) if answers.answers else {}
    for answer in answers.answers:
        differing = [path for path, value in shared.items() if _other(answer.fields, path, value)]
        for path in differing:
            del shared[path]
    return shared


def axes_of(answers: Answers, rows: str | None, columns: str | None) -> tuple[str, str]:
    """The fields for rows and columns: those given, else the ones that say most.

    That is method by density; where one of them does not vary, another field that does.

    Raises:
        AnswerError: When a field that was given does not occur, or both are the same.
    """
    known = sorted({path for answer in answers.answers for path in answer.fields})
    for path in (*fields_in(rows or ""), *fields_in(columns or "")):
        if path and known and path not in known:
            raise not_found(f"no cell has a field {path!r}", path, known, "fields")
    varying = [_field_of(path) for path in varying_fields(answers) if path != SEED]
    given = {*fields_in(rows or ""), *fields_in(columns or "")}
    candidates = [path for path in dict.fromkeys([*varying, *_PREFERRED]) if path not in given]
    chosen = rows or candidates.pop(0)
    return chosen, columns or candidates[0]


def _field_of(path: str) -> str:
    """The field that tells a path's values: a component tells its options in its name."""
    component = path.partition(".")[0]
    return component if component in COMPONENTS else path


def axis_names(answers: Answers, rows: str, columns: str) -> tuple[list[str], list[str]]:
    """The names of the row and of the column of every answer, as tables write them."""
    own, other = fields_in(rows), fields_in(columns)
    along = parts_along(answers.answers, own, other), parts_along(answers.answers, other, own)
    return [", ".join(parts) for parts in along[0]], [", ".join(parts) for parts in along[1]]


def panels_of(answers: Answers, rows: str, columns: str) -> tuple[Panel, ...]:
    """The answers in as few parts as leave each entry of a table cells that differ in the seed.

    Raises:
        AnswerError: When there are no cells, or `rows` and `columns` are the same.
    """
    return tuple(_split(Panel(where={}, answers=answers), rows, columns))


def _split(panel: Panel, rows: str, columns: str) -> list[Panel]:
    fields = differing(panel.answers, rows=rows, columns=columns)
    if not fields:
        return [panel]
    path, values = next(iter(fields.items()))
    parts: list[Panel] = []
    for value in _sorted(values):
        kept = tuple(
            answer for answer in panel.answers.answers if text_of(answer.fields.get(path)) == value
        )
        part = replace(panel.answers, answers=kept)
        parts += _split(Panel(where={**panel.where, path: value}, answers=part), rows, columns)
    return parts


def _other(fields: Mapping[str, Any], path: str, value: Any) -> bool:
    return path not in fields or fields[path] != value


def _sorted(values: tuple[str, ...]) -> tuple[str, ...]:
    """Numbers ascending, texts as the grid has them."""
    return tuple(value for (value,) in ordered([(value,) for value in values], by_number=True))
