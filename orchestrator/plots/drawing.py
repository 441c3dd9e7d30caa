"""Drawing a figure: as a file, or as a piece of a page."""

from dataclasses import dataclass, fields, replace
from io import BytesIO

from orchestrator.answers.results import AnswerError, not_found
from orchestrator.plots.chart import Chart
from orchestrator.plots.choices import Choices
from orchestrator.plots.heat_map import HeatMap, render_heat_map
from orchestrator.plots.inline_svg import inline
from orchestrator.plots.kinds import KINDS, Kind
from orchestrator.plots.material import Material
from orchestrator.plots.parting import untold
from orchestrator.plots.rendering import render
from orchestrator.plots.style import drawing_with

SUFFIXES = (".svg", ".pdf", ".png")
"""The kinds of file that a figure can be written as."""

_UNDATED = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}
_DPI = 200
_ALWAYS = {"by", "facet", "paper"}
_OWN = Choices()


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """Whether a grid's results can fill a figure of one kind.

    Attributes:
        kind: The kind.
        choices: With which choices they do; None when they cannot.
        reason: Why they cannot; "" when they can.
    """

    kind: str
    choices: Choices | None
    reason: str = ""


def drawn(kind: str, material: Material, suffix: str, choices: Choices = _OWN) -> bytes:
    """The content of a figure's file; equal results give equal bytes.

    Args:
        kind: A name of KINDS.
        material: What is drawn.
        suffix: What file it is: one of SUFFIXES, in letters of any size.
        choices: How it is drawn.

    Raises:
        AnswerError: For an unknown kind or suffix, choices that mean nothing to the kind, or
            results of which it cannot be drawn.
    """
    if suffix.lower() not in SUFFIXES:
        raise not_found(f"no figure has the suffix {suffix!r}", suffix, SUFFIXES, "suffixes")
    return _rendered(picture_of(kind, material, choices), suffix.lower(), choices)


def svg_of(kind: str, material: Material, prefix: str, choices: Choices = _OWN) -> str:
    """A figure as an element `<svg>` that stands inside an HTML page.

    It has no XML prolog, no script and no style that reaches beyond it; `role="img"` with a title
    and the caption as its description, and a viewBox by which it fits any width.

    Args:
        kind: A name of KINDS.
        material: What is drawn.
        prefix: What its ids begin with, so that those of other figures on the page differ: a letter
            first, then letters, digits, hyphens and underscores.
        choices: How it is drawn.

    Raises:
        AnswerError: As `drawn` does.
    """
    return svg_of_picture(kind, picture_of(kind, material, choices), prefix, choices)


def svg_of_picture(
    kind: str, picture: Chart | HeatMap, prefix: str, choices: Choices = _OWN
) -> str:
    """What `svg_of` gives, of a picture that is there already."""
    text = _rendered(picture, ".svg", choices).decode("utf-8")
    title = f"{KINDS[kind].summary}: {picture.subject}"
    return inline(text, prefix=prefix, title=title, description=picture.caption)


def available(material: Material) -> list[Availability]:
    """Which kinds these results can fill, in the order of KINDS, and why not the others.

    Fields that vary, and that a kind does not tell apart by itself, get panels.
    """
    return [_availability(kind, material) for kind in KINDS.values()]


def picture_of(kind: str, material: Material, choices: Choices) -> Chart | HeatMap:
    """What a figure of a kind shows.

    Raises:
        AnswerError: For an unknown kind, choices that mean nothing to it, or results of which it
            cannot be drawn.
    """
    if kind not in KINDS:
        raise not_found(f"there is no kind {kind!r} of figure", kind, list(KINDS), "kinds")
    _check_chosen(KINDS[kind], choices)
    return KINDS[kind].picture(material, choices)


def _availability(kind: Kind, material: Material) -> Availability:
    try:
        extra = untold(material.answers, by=_OWN.by, facet=kind.facet, along=kind.along)
        choices = replace(_OWN, facet=(*kind.facet, *extra)) if extra else _OWN
        (kind.check or kind.picture)(material, choices)
    except AnswerError as error:
        return Availability(kind=kind.name, choices=None, reason=str(error))
    return Availability(kind=kind.name, choices=choices)


def _check_chosen(kind: Kind, choices: Choices) -> None:
    given = {f.name for f in fields(choices) if getattr(choices, f.name) != getattr(_OWN, f.name)}
    unused = sorted(given - kind.chosen - _ALWAYS)
    if unused:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in unused)
        raise AnswerError(f"a figure of kind {kind.name} has no {flags}")


def _rendered(picture: Chart | HeatMap, suffix: str, choices: Choices) -> bytes:
    file = BytesIO()
    with drawing_with(choices.paper):
        if isinstance(picture, HeatMap):
            figure = render_heat_map(picture, choices.paper)
        else:
            figure = render(picture, choices.paper)
        figure.savefig(file, format=suffix[1:], dpi=_DPI, metadata=_UNDATED[suffix])
    return file.getvalue()
