"""Tables of measurements over the seeds: what a table is, and how one is built."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.answers.contrasts import Contrasts, check_confidence, contrasts, test_named
from orchestrator.answers.grouping import Grouped, group
from orchestrator.answers.measurements import better_end
from orchestrator.answers.naming import Parts, fields_in
from orchestrator.answers.results import AnswerError, Answers, not_found
from orchestrator.tables.captions import caption_of, notes_of
from orchestrator.tables.entries import SPREADS, Spread
from orchestrator.tables.formats import check_format
from orchestrator.tables.html import html_of
from orchestrator.tables.latex import latex_of
from orchestrator.tables.markdown import markdown_of
from orchestrator.tables.table_layout import layout_of
from orchestrator.tables.text import text_of
from orchestrator.tables.tidy import csv_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table of one or more measurements; make it with `build_table`.

    Attributes:
        row_fields: The fields that name the rows, the outer one first.
        column_fields: The fields that name the columns, the outer one first.
        groups: Its content, one for each measurement, all with the same rows and columns.
        spread: What stands behind every mean.
        confidence: Of the intervals and of the comparisons, 0.5 to 0.9999.
        compared: How its entries differ from the reference row, one for each measurement; empty
            where there is no reference.
    """

    row_fields: Parts
    column_fields: Parts
    groups: tuple[Grouped, ...]
    spread: Spread = "std"
    confidence: float = 0.95
    compared: tuple[Contrasts, ...] = ()

    def render(
        self,
        format: str = "text",
        *,
        best: bool = False,
        caption: str = "",
        label: str = "",
        wide: bool = False,
    ) -> str:
        r"""The table as text that ends in a newline; equal answers give equal text.

        Accuracies are in percent with two decimals, the mean of other measurements has four
        significant digits. CSV is for programs: one line per entry, unrounded, accuracies as
        fractions, and how many cells each mean leaves out for which reason.

        Args:
            format: "text", "markdown", "csv", "latex" (which needs the package booktabs), or
                "html", a fragment of a page.
            best: Mark the best mean of every column: bold, in text by an asterisk. Only of a
                measurement in `BETTER`, or of a probe.
            caption: What the caption begins with, ahead of what the numbers are.
            label: LaTeX's name of the table, for `\ref`.
            wide: LaTeX: take both columns of a two-column paper.

        Raises:
            AnswerError: For an unknown format, an option without effect in it, or `best` where
                it cannot be known.
        """
        check_format(format, {"best": best, "caption": caption, "label": label, "wide": wide})
        if format == "csv":
            return csv_of(self)
        layout = layout_of(self, best=best, caption=caption)
        if format == "latex":
            return latex_of(layout, label=label, wide=wide)
        return {"text": text_of, "markdown": markdown_of, "html": html_of}[format](layout)

    @property
    def grouped(self) -> Grouped:
        """The content of the first measurement, the only one of most tables."""
        return self.groups[0]

    @property
    def caption(self) -> str:
        """What the numbers are: the measurements, their units, and over how many seeds."""
        return caption_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        """Footnotes: the cells left out and whatever makes the entries less comparable."""
        return notes_of(self)


def build_table(
    answers: Answers,
    *,
    rows: str = "method",
    columns: str = "density",
    value: str = "test_accuracy",
    average: Sequence[str] = (),
    spread: str = "std",
    confidence: float = 0.95,
    against: str | None = None,
    test: str = "t",
) -> Table:
    """A table over the seeds, by any fields of its cells.

    Args:
        answers: The cells.
        rows: The field that names the rows, or several with commas, the outer one first.
        columns: The same for the columns.
        value: The measurement, or several with commas, each a group of columns.
        average: Fields to average over within each seed; everything else must be equal.
        spread: What stands behind a mean: "std", the standard deviation over the seeds, "ci",
            half of Student's interval of the mean, or "none".
        confidence: Of the intervals and of the comparisons, 0.5 to 0.9999.
        against: The reference row: entries that differ from it significantly are marked.
        test: Of these comparisons: "t", or "wilcoxon".

    Raises:
        AnswerError: When a field, a value or the reference does not occur, when cells that would
            be averaged differ in a field that was not asked for, or for an unknown spread.
    """
    behind = _spread_named(spread)
    check_confidence(confidence)
    values = fields_in(value)
    if len(set(values)) < len(values):
        raise AnswerError(f"a measurement is asked for twice: {value}")
    groups = tuple(
        group(
            answers,
            rows=rows,
            columns=columns,
            value=name,
            confidence=confidence if behind == "ci" else None,
            average=average,
        )
        for name in values
    )
    compared = [
        contrasts(
            grouped,
            against=against,
            confidence=confidence,
            test=test_named(test),
            better="lower" if better_end(grouped) == "lower" else "higher",
        )
        for grouped in groups
        if against is not None
    ]
    return Table(
        row_fields=fields_in(rows),
        column_fields=fields_in(columns),
        groups=groups,
        spread=behind,
        confidence=confidence,
        compared=tuple(compared),
    )


def _spread_named(name: str) -> Spread:
    for spread in SPREADS:
        if spread == name:
            return spread
    raise not_found(f"no spread {name!r}", name, SPREADS, "spreads")
