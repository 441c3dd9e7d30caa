"""What rows and columns are called: a component's variants are told apart by their options."""

from collections.abc import Sequence

from grids.cell import COMPONENTS
from orchestrator.answers.results import Answer, text_of


def names_along(answers: Sequence[Answer], path: str, other: str) -> list[str]:
    """The name of every answer along a field, for example "gmp" and "gmp(scope=layer)".

    Where the field is a component, an option that takes several values under one name is told, but
    for those at which it stands at its default. An option that nothing varies is not.

    Args:
        answers: What is to be named.
        path: The field: "method", "density", "method.update_every", ...
        other: The field along the other direction, which tells its own values.
    """
    if path not in COMPONENTS:
        return [text_of(answer.fields.get(path)) for answer in answers]
    varying = _varying_options(answers, path) - {other}
    return [_name(answer, path, varying) for answer in answers]


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
