"""Which cell of one side belongs to which of the other.

A cell that both sides have is matched with itself. Of the others, those belong together that agree
in every field, seed included, but for what differs by design: the fields that a person names, or
else those of which no value occurs on both sides.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.answers.alike import SEED
from orchestrator.answers.results import Answer, AnswerError, not_found, text_of

Fields = tuple[tuple[str, str], ...]
"""Fields with their values as text, sorted: equal for cells that agree in all of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Matching:
    """Two sides, cell by cell.

    Attributes:
        shared: Cells that both have: the first side's answer, and the second's.
        paired: Different cells that belong together, in the order of the first side.
        only_first, only_second: Cells that have no partner.
        varied: Field that differs by design to its values on the first and on the second side.
    """

    shared: tuple[tuple[Answer, Answer], ...]
    paired: tuple[tuple[Answer, Answer], ...]
    only_first: tuple[Answer, ...]
    only_second: tuple[Answer, ...]
    varied: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]


def match(first: Sequence[Answer], second: Sequence[Answer], vary: Sequence[str] = ()) -> Matching:
    """Match the cells of two sides.

    Args:
        first: The cells of one side.
        second: The cells of the other side.
        vary: The fields that differ by design; inferred when none are given.

    Raises:
        AnswerError: When a field in `vary` does not occur or is the seed, or when two cells of one
            side agree in all fields but these, so that nobody can say which one is meant.
    """
    ours, theirs = _by_cell(first), _by_cell(second)
    left = [answer for answer in first if answer.cell not in theirs]
    right = [answer for answer in second if answer.cell not in ours]
    _check_vary(vary, [*first, *second])
    varied = tuple(vary) or (_inferred(left, right) if left and right else ())
    one, other = _keyed(left, varied, "first"), _keyed(right, varied, "second")
    return Matching(
        shared=tuple((ours[cell], theirs[cell]) for cell in ours if cell in theirs),
        paired=tuple((answer, other[key]) for key, answer in one.items() if key in other),
        only_first=tuple(answer for key, answer in one.items() if key not in other),
        only_second=tuple(answer for key, answer in other.items() if key not in one),
        varied={path: (_values(left, path), _values(right, path)) for path in varied},
    )


def fields_without(answer: Answer, paths: Collection[str]) -> Fields:
    """The fields of a cell but for these, and but for the options of components among them."""
    return tuple(
        (path, text_of(value))
        for path, value in sorted(answer.fields.items())
        if path not in paths and path.partition(".")[0] not in paths
    )


def _by_cell(answers: Sequence[Answer]) -> dict[str, Answer]:
    return {answer.cell: answer for answer in answers}


def _check_vary(vary: Sequence[str], answers: Sequence[Answer]) -> None:
    known = sorted({path for answer in answers for path in answer.fields})
    for path in vary:
        if path == SEED:
            raise AnswerError("--vary seed: cells are compared seed by seed")
        if path not in known:
            raise not_found(f"--vary {path}: no cell has such a field", path, known, "fields")


def _inferred(left: Sequence[Answer], right: Sequence[Answer]) -> tuple[str, ...]:
    """The fields of which no value occurs on both sides; of a component's options, not those."""
    paths = sorted({path for answer in (*left, *right) for path in answer.fields} - {SEED})
    apart = [path for path in paths if not {*_values(left, path)} & {*_values(right, path)}]
    return tuple(path for path in apart if "." not in path or path.partition(".")[0] not in apart)


def _values(answers: Sequence[Answer], path: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text_of(answer.fields.get(path)) for answer in answers))


def _keyed(answers: Sequence[Answer], varied: Sequence[str], side: str) -> dict[Fields, Answer]:
    found: dict[Fields, Answer] = {}
    for answer in answers:
        other = found.setdefault(fields_without(answer, varied), answer)
        if other is not answer:
            raise AnswerError(
                f"two cells of the {side} side agree in all fields but {', '.join(varied)}: "
                f"{_told(other, varied)} and {_told(answer, varied)}; choose one with --where, or "
                "say with --vary which fields differ by design"
            )
    return found


def _told(answer: Answer, varied: Sequence[str]) -> str:
    values = ", ".join(f"{path}={text_of(answer.fields.get(path))}" for path in varied)
    return f"{answer.cell} ({values})"
