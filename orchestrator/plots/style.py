"""The one style of all figures: colours, markers, dashes, sizes of text for the width of a paper.

The palette is Okabe and Ito's (2008), which stays apart in every common form of colour blindness.
Colour is never the only sign: lines differ in markers too, and in dashes once colours repeat.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.answers.results import AnswerError

# Their yellow is left out (too pale on white) and their black is kept for references.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Colours of lines, in their order."""

REFERENCE = "#000000"
"""The colour of what others are compared with, such as the dense network."""

SMALL_PRINT = "#555555"
"""The colour of the lines below a figure."""

HEAT = "cividis"
"""The colour map of heat maps: even in lightness, and the same to colour-blind eyes."""

WIDTHS = {"column": 3.35, "page": 6.9}
"""Inches of the places in a paper of two columns."""

NARROWEST, WIDEST = 2.0, 20.0
"""Inches between which the width of a figure must be."""

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))
_COMMON: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "svg.hashsalt": "sparsesweep",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # TrueType: text stays text, and publishers take it
}
_POINTS = 72.0  # in an inch
_LEGEND_WIDTH = 26  # characters of a legend's line that leave room to draw
_ROOM = 0.97  # of the width, for the small print


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """The size of a figure where it is printed, and of its text.

    Attributes:
        width: Inches.
        height: Inches of a figure of one panel; more is added where legend or panels need it.
        text: Size of ticks and titles, in points.
        label: Size of the labels of axes, in points.
        legend: Size of the legend, in points.
        small: Size of the small print, in points.
        line: Width of a line, in points.
        marker: Size of a marker, in points.
    """

    width: float
    height: float
    text: float
    label: float
    legend: float
    small: float
    line: float
    marker: float

    def settings(self) -> dict[Any, Any]:
        """The settings of matplotlib for it."""
        return {
            "font.size": self.text,
            "axes.labelsize": self.label,
            "axes.titlesize": self.text,
            "legend.fontsize": self.legend,
            "lines.linewidth": self.line,
            "lines.markersize": self.marker,
            **_COMMON,
        }


SCREEN = Paper(
    width=5.6, height=3.5, text=9.0, label=9.5, legend=8.5, small=7.5, line=1.6, marker=5.0
)
"""What a figure is drawn for when nothing is said: a document on a screen."""


def paper_of(width: str) -> Paper:
    """The paper for a width: a name of WIDTHS, or inches; its text has 8 points.

    Raises:
        AnswerError: For another word, or inches that no page has.
    """
    try:
        inches = WIDTHS[width] if width in WIDTHS else float(width)
    except ValueError:
        inches = 0.0
    if not NARROWEST <= inches <= WIDEST:
        raise AnswerError(
            f"--width {width}: write {', '.join(WIDTHS)}, or inches between {NARROWEST:g} and "
            f"{WIDEST:g}"
        )
    return Paper(
        width=inches, height=max(2.1, min(0.62 * inches, 3.4)),
        text=8.0, label=8.0, legend=8.0, small=7.0, line=1.3, marker=4.0,
    )  # fmt: skip


@contextlib.contextmanager
def drawing_with(paper: Paper) -> Iterator[None]:
    """Draw in this block with the style, whatever a person's own settings are."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(paper.settings())
        yield


def text_width(text: str, size: float) -> float:
    """How wide a text is, in inches, when its letters have so many points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font = FontProperties(size=size)
    width, _, _ = TextToPath().get_text_width_height_descent(text, font, False)
    return float(width) / _POINTS


def small_print(notes: Sequence[str], paper: Paper) -> str:
    """The lines below a figure: every note begins one, and none is wider than the figure."""
    lines = []
    for note in notes:
        line = ""
        for word in note.split():
            longer = f"{line} {word}".strip()
            if line and text_width(longer, paper.small) > _ROOM * paper.width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return "\n".join(lines)


def wrapped(text: str, width: float, size: float) -> str:
    """A title in lines that are as long as there is room, broken after commas.

    Args:
        text: Fields and their values, with commas between.
        width: Inches that there are.
        size: Points of its letters.
    """
    lines = [""]
    for part in text.split(", "):
        longer = f"{lines[-1]}, {part}" if lines[-1] else part
        if lines[-1] and text_width(longer, size) > width:
            lines[-1] += ","
            lines.append(part)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def legend_text(name: str) -> str:
    """The name of a line; a variant's long one has its options below each other."""
    if len(name) <= _LEGEND_WIDTH or "(" not in name:
        return name
    head, _, options = name.partition("(")
    return f"{head}(\n  " + options.replace(", ", ",\n  ")


def line_look(number: int) -> dict[str, Any]:
    """How the line of this number is drawn: no two of 24 in a row look alike."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "linestyle": _DASHES[number // len(COLOURS) % len(_DASHES)],
        "markeredgecolor": "white",
        "markeredgewidth": 0.6,
    }


def reference_look(number: int) -> dict[str, Any]:
    """How the reference of this number is drawn: black, dashed and without markers."""
    return {
        "color": REFERENCE,
        "linestyle": _DASHES[1 + number % (len(_DASHES) - 1)],
        "linewidth": 1.3,
    }


def front_look() -> dict[str, Any]:
    """How the Pareto front is drawn: a staircase beneath the lines, with rings."""
    return {
        "color": "#777777",
        "linewidth": 1.0,
        "alpha": 0.7,
        "drawstyle": "steps-post",
        "marker": "o",
        "markersize": 10.0,
        "markerfacecolor": "none",
        "markeredgewidth": 1.0,
        "zorder": 1.5,
    }
