"""What a person may choose of a figure; what is left open is the kind's own choice."""

from dataclasses import dataclass

from orchestrator.plots.style import SCREEN, Paper


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """How a figure is asked for.

    Attributes:
        value: The measurement; None for the kind's own.
        by: The field that has a line, or a row, for each of its values.
        x: What lies along the axis below: a field or a measurement; None for the kind's own.
        facet: Fields with a panel for each combination of their values; None for the kind's own.
        confidence: Of the intervals, in (0, 1).
        x_log: Whether the axis below is logarithmic; None for the kind's own choice.
        y_log: The same of the axis at the left.
        paper: Where it is printed.
    """

    value: str | None = None
    by: str = "method"
    x: str | None = None
    facet: tuple[str, ...] | None = None
    confidence: float = 0.95
    x_log: bool | None = None
    y_log: bool | None = None
    paper: Paper = SCREEN
