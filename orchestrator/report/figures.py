"""Figures of a report: one of every kind, in the colours of the page."""

import re
from dataclasses import replace
from html import unescape

from orchestrator.answers.results import AnswerError
from orchestrator.plots.choices import Choices
from orchestrator.plots.drawing import svg_of
from orchestrator.plots.kinds import KINDS, Kind
from orchestrator.plots.parting import untold
from orchestrator.report.blocks import Block
from orchestrator.report.commands import again
from orchestrator.report.material import ReportMaterial

_OF_VALUES = ("density", "flops")  # the kinds that show a measurement of one's choice
_NAMESPACE = re.compile(r'\sxmlns(?::\w+)?="[^"]*"')
_PICTURE = re.compile(r"<image\b|<linearGradient\b|<pattern\b")
_BRACKETS = re.compile(r"\s*\([^)]*\)")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL)
_COLOURS = {
    "#ffffff": "var(--paper)",
    "#000000": "var(--ink)",
    "#555555": "var(--muted)",
    "#d9d9d9": "var(--line)",
}
_COLOUR = re.compile("|".join(_COLOURS))


def figures_of(material: ReportMaterial, key: str) -> tuple[Block, ...]:
    """One figure per kind, some for each measurement that is asked for; or why there is none.

    Args:
        material: What is drawn.
        key: Begins every id, so that those of other chapters differ.
    """
    blocks: list[Block] = []
    for kind in KINDS.values():
        for value in material.asked.values if kind.name in _OF_VALUES else (None,):
            blocks.append(_figure(material, kind, value, f"{key}-{len(blocks)}"))
    return tuple(blocks)


def in_page_colours(svg: str) -> str:
    """An element `<svg>` whose paper, ink, small print and grid are those of the page around it.

    One that holds a picture, as heat maps do, keeps its own: it stands on white in every page.
    """
    text = _NAMESPACE.sub("", svg)
    return text if is_picture(text) else _COLOUR.sub(lambda found: _COLOURS[found[0]], text)


def is_picture(svg: str) -> bool:
    """Whether a figure's colours mean something, so that no page may change them."""
    return _PICTURE.search(svg) is not None


def _figure(material: ReportMaterial, kind: Kind, value: str | None, prefix: str) -> Block:
    """A figure in which what varies and is told apart by nothing else has panels, or why not."""
    choices = Choices(value=value)
    try:
        extra = untold(material.answers, by=choices.by, facet=kind.facet, along=kind.along)
        choices = replace(choices, facet=(*kind.facet, *extra)) if extra else choices
        svg = svg_of(kind.name, material.drawn, prefix, choices)
    except AnswerError as error:
        return Block(
            title=_sentence(kind.summary),
            command=_command(material, kind, choices),
            problem=str(error),
        )
    return Block(
        title=_title(kind, svg),
        html=in_page_colours(svg),
        look="picture" if is_picture(svg) else "",
        command=_command(material, kind, choices),
    )


def _title(kind: Kind, svg: str) -> str:
    """What the figure's own title says of it, less what its kind is."""
    found = _TITLE.search(svg)
    told = unescape(found[1]) if found else kind.summary
    return _sentence(told.removeprefix(f"{kind.summary}: "))


def _sentence(label: str) -> str:
    """A label as a heading: what stands in brackets, units and the like, is in the figure."""
    text = _BRACKETS.sub("", label)
    return text[0].upper() + text[1:]


def _command(material: ReportMaterial, kind: Kind, choices: Choices) -> str:
    words = ["--kind", kind.name]
    words += ["--value", choices.value] if choices.value else []
    words += [word for path in choices.facet or () for word in ("--facet", path)]
    return again(material, "plot", None, *words)
