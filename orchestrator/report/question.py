"""The question of a report: what the grid asks, what varies in it and what is held fixed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.answers.results import text_of
from orchestrator.report.material import ReportMaterial
from orchestrator.report.panels import SEED, varying_fields

_COMPONENTS = ("method", "density", "allocation", "scenario", "dataset", "data_ratio", "model")
_PLURALS = {"density": "densities", "data_ratio": "data ratios"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What a grid asks.

    Attributes:
        description: In the words of its author; "" where there are none.
        size: How many of what: "6 methods, 5 densities, 5 seeds".
        axes: Each field that varies, with its values.
        base: The fields that do not and that say most: components, and what the file's base names.
        fixed: All fields that do not vary, with their value.
        text: The grid file as it was given.
        source: The file's name.
        overrides: What the command line changed in it.
    """

    description: str
    size: str
    axes: tuple[tuple[str, tuple[str, ...]], ...]
    base: tuple[tuple[str, str], ...]
    fixed: tuple[tuple[str, str], ...]
    text: str
    source: str
    overrides: tuple[str, ...]


def question_of(material: ReportMaterial) -> Question:
    """The question that the grid of a report asks."""
    submission = material.submission
    document = _read(submission.text)
    varying = varying_fields(material.answers)
    axes = {path: values for path, values in varying.items() if _is_axis(path, varying)}
    fixed = _fixed(material, set(varying))
    named = {*_COMPONENTS, *_paths(document.get("base"))}
    return Question(
        description=_words(document.get("description")),
        size=", ".join(_counted(path, len(values)) for path, values in axes.items()),
        axes=tuple((path, _shown(path, values)) for path, values in axes.items()),
        base=tuple((path, value) for path, value in fixed if path in named),
        fixed=fixed,
        text=submission.text,
        source=submission.source.rpartition("/")[2],
        overrides=submission.overrides,
    )


def _read(text: str) -> Mapping[str, Any]:
    """A grid file as plain data; nothing where this program cannot read it: its text is shown."""
    from grids.problems import Collector, GridError
    from grids.reading import read_yaml

    try:
        document = read_yaml(text, "the grid", Collector()).plain()
    except GridError:
        return {}
    return document if isinstance(document, dict) else {}


def _words(text: Any) -> str:
    return " ".join(text.split()) if isinstance(text, str) else ""


def _paths(base: Any, above: str = "") -> Iterator[str]:
    """The fields that a grid's base names: {"recipe": {"lr": 0.1}} names "recipe.lr"."""
    if not isinstance(base, dict):
        return
    for key, value in base.items():
        path = above if key == "name" else f"{above}.{key}" if above else str(key)
        yield path
        yield from _paths(value, path)


def _is_axis(path: str, varying: dict[str, tuple[str, ...]]) -> bool:
    """Options that only come and go with their component are no axis of their own."""
    component, dot, _ = path.partition(".")
    return not (dot and component in varying)


def _counted(path: str, count: int) -> str:
    name = path.rpartition(".")[2].replace("_", " ")
    return f"{count} {_PLURALS.get(path, f'{name}s')}"


def _shown(path: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """The values; seeds that follow each other as a range."""
    if path != SEED or len(values) < 3:
        return values
    numbers = [int(value) for value in values]
    if numbers != list(range(numbers[0], numbers[-1] + 1)):
        return values
    return (f"{numbers[0]} to {numbers[-1]}",)


def _fixed(material: ReportMaterial, varying: set[str]) -> tuple[tuple[str, str], ...]:
    fields = {path: text_of(value) for path, value in material.shared.items()}
    for answer in material.answers.answers:
        for path, value in answer.fields.items():
            if path not in varying and path not in fields:
                fields[path] = text_of(value)
    return tuple(sorted(fields.items(), key=lambda item: ("." in item[0], item[0])))
