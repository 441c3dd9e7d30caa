"""Figures of a report: every kind that the results are enough for, in the colours of the page."""

import re
from dataclasses import replace

from orchestrator.answers.results import AnswerError
from orchestrator.plots.choices import Choices
from orchestrator.plots.drawing import available, chart_of, svg_of
from orchestrator.plots.kinds import DEFAULT, KINDS
from orchestrator.report.blocks import Block
from orchestrator.report.commands import again
from orchestrator.report.material import ReportMaterial

_NAMESPACE = re.compile(r'\sxmlns(?::\w+)?="[^"]*"')
_PICTURE = re.compile(r"<image\b|<linearGradient\b|<pattern\b")
_BRACKETS = re.compile(r"\s*\([^)]*\)")
_COLOURS = {
    "#ffffff": "var(--paper)",
    "#000000": "var(--ink)",
    "#555555": "var(--muted)",
    "#d9d9d9": "var(--line)",
}
_COLOUR = re.compile("|".join(_COLOURS))


def figures_of(material: ReportMaterial, key: str) -> tuple[Block, ...]:
    """The figures, one per kind; those of several measurements for each that is asked for.

    Args:
        material: What is drawn.
        key: Begins every id, so that those of other chapters differ.
    """
    blocks = []
    for found in available(material.drawn):
        values = material.asked.values if found.kind == DEFAULT else (None,)
        for value in values:
            if found.choices is None:
                blocks.append(_missing(material, found.kind, found.reason))
                break
            choices = replace(found.choices, value=value)
            blocks.append(_figure(material, found.kind, choices, f"{key}-{len(blocks)}"))
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


def _figure(material: ReportMaterial, kind: str, choices: Choices, prefix: str) -> Block:
    try:
        chart = chart_of(kind, material.drawn, choices)
        svg = svg_of(kind, material.drawn, prefix, choices)
    except AnswerError as error:
        return _missing(material, kind, str(error), choices)
    return Block(
        title=_sentence(f"{chart.y.label} over {chart.x.label}"),
        html=in_page_colours(svg),
        look="picture" if is_picture(svg) else "",
        command=_command(material, kind, choices),
    )


def _missing(
    material: ReportMaterial, kind: str, reason: str, choices: Choices | None = None
) -> Block:
    return Block(
        title=_sentence(KINDS[kind].summary),
        command=_command(material, kind, choices),
        problem=reason,
    )


def _sentence(label: str) -> str:
    """A label as a heading: what stands in brackets, units and the like, is in the figure."""
    text = _BRACKETS.sub("", label)
    return text[0].upper() + text[1:]


def _command(material: ReportMaterial, kind: str, choices: Choices | None) -> str:
    words = ["--kind", kind]
    if choices is not None:
        words += ["--value", choices.value] if choices.value else []
        words += [word for path in choices.facet or () for word in ("--facet", path)]
    return again(material, "plot", None, *words)
