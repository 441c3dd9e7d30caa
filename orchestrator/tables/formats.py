"""The formats that a table can be written in, and which option has an effect in which."""

from collections.abc import Mapping
from types import MappingProxyType

from orchestrator.answers.results import AnswerError, not_found

FORMATS = ("text", "markdown", "csv", "latex", "html")
"""What a table can be written as."""

_FOR_PEOPLE = ("text", "markdown", "latex", "html")
OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"best": _FOR_PEOPLE, "caption": _FOR_PEOPLE, "label": ("latex",), "wide": ("latex",)}
)
"""Option to the formats that it has an effect in."""


def check_format(format: str, given: Mapping[str, object]) -> None:
    """Refuse a format that does not exist, and options without effect in it.

    Args:
        format: What was asked for.
        given: Option to its value, empty or False where it was not given.

    Raises:
        AnswerError: With the formats there are, or those in which the option has an effect.
    """
    if format not in FORMATS:
        raise not_found(f"no format {format!r}", format, list(FORMATS), "formats")
    for option, value in given.items():
        if value and format not in OPTIONS[option]:
            needed = ", ".join(OPTIONS[option])
            raise AnswerError(
                f"--{option} has no effect in {format}; formats that take it: {needed}"
            )
