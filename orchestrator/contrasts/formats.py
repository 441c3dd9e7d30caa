"""The formats that a comparison can be written in."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from orchestrator.answers.rankings import Ranking
from orchestrator.answers.results import not_found
from orchestrator.contrasts.building import Comparison
from orchestrator.contrasts.data import csv_of, json_of
from orchestrator.contrasts.layout import contrast_layout, rank_layout
from orchestrator.tables.html import html_of
from orchestrator.tables.latex import latex_of
from orchestrator.tables.layout import Layout
from orchestrator.tables.markdown import markdown_of
from orchestrator.tables.text import text_of


def render(comparison: Comparison, format: str = "text") -> str:
    """A comparison as text that ends in a newline; equal answers give equal text.

    Differences of accuracies are in percentage points with two decimals. CSV has one line per
    contrast and JSON everything, both unrounded and with accuracies as fractions.

    Args:
        comparison: What to write.
        format: "text", "markdown", "csv", "latex" (which needs the package booktabs), "html",
            fragments of a page, or "json".

    Raises:
        AnswerError: For an unknown format.
    """
    check_format(format)
    return _FORMATS[format](comparison)


def check_format(format: str) -> None:
    """Refuse a format that does not exist.

    Raises:
        AnswerError: With those that do.
    """
    if format not in _FORMATS:
        raise not_found(f"no format {format!r}", format, list(_FORMATS), "formats")


def _layouts(comparison: Comparison) -> list[Layout]:
    ranking = comparison.ranking
    ranks = [rank_layout(comparison, ranking)] if isinstance(ranking, Ranking) else []
    return [contrast_layout(comparison), *ranks]


def _text(comparison: Comparison) -> str:
    return "\n".join(map(text_of, _layouts(comparison)))


def _markdown(comparison: Comparison) -> str:
    return "\n".join(map(markdown_of, _layouts(comparison)))


def _html(comparison: Comparison) -> str:
    return "".join(map(html_of, _layouts(comparison)))


def _latex(comparison: Comparison) -> str:
    """Two floats: contrasts take both columns of a two-column paper, ranks take one."""
    floats = [latex_of(each, wide=not place) for place, each in enumerate(_layouts(comparison))]
    return "\n".join(floats)


_FORMATS: Mapping[str, Callable[[Comparison], str]] = MappingProxyType(
    {
        "text": _text,
        "markdown": _markdown,
        "csv": csv_of,
        "latex": _latex,
        "html": _html,
        "json": json_of,
    }
)
