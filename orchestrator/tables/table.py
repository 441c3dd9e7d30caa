"""Tables: mean +- standard deviation over seeds, as text, Markdown, CSV or LaTeX."""

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from orchestrator.answers.grouping import Entry, Grouped, group
from orchestrator.answers.results import AnswerError, Answers, not_found
from orchestrator.statistics.summaries import Summary
from orchestrator.watching.states import FAILURES

MISSING = "-"
"""What stands where a grid has cells but none of them has a result."""

FAILED = "failed"
"""What stands there instead when every one of these cells failed."""

BETTER: Mapping[str, str] = MappingProxyType(
    {
        "test_accuracy": "higher",
        "test_loss": "lower",
        "val_accuracy": "higher",
        "val_loss": "lower",
        "train_accuracy": "higher",
        "train_loss": "lower",
        "best_val_accuracy": "higher",
        "best_val_epoch": "lower",
        "test_accuracy_at_best_val": "higher",
        "best_final_difference": "lower",
        "test_calibration_error": "lower",
        "generalisation_gap": "lower",
        "realised_density": "lower",
        "train_flops": "lower",
        "train_flops_ratio": "lower",
        "inference_flops": "lower",
        "inference_flops_ratio": "lower",
        "peak_weight_gradients": "lower",
        "peak_training_mb": "lower",
        "explored_rate": "higher",
        "collapsed_layers": "lower",
        "alive_neurons": "lower",
        "extra_params": "lower",
    }
)
"""Measurement to the better end of it, as `METRICS` in trainer/metrics.py says it.

Repeated, because a table must not need torch; tests/contract/test_metrics.py holds the two
together.
"""

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$",
    }
)  # fmt: skip
_MARKDOWN = str.maketrans({"|": r"\|", "*": r"\*", "_": r"\_", "<": "&lt;", "`": r"\`"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table of one measurement by two fields; make it with `build_table`.

    Attributes:
        row_field: The field that names the rows.
        column_field: The field that names the columns.
        grouped: Its content.
    """

    row_field: str
    column_field: str
    grouped: Grouped

    def render(self, format: str = "text", *, best: bool = False) -> str:
        """The table as text that ends in a newline; equal answers give equal text.

        Accuracies are in percent with two decimals, the mean of other measurements has four
        significant digits. CSV is for programs: one line per entry, unrounded, accuracies as
        fractions, and how many cells each mean leaves out for which reason.

        Args:
            format: "text", "markdown", "csv" or "latex" (which needs the package booktabs).
            best: Print the best mean of every column in bold; Markdown and LaTeX only, and only
                of a measurement in `BETTER`, or of a probe.

        Raises:
            AnswerError: For an unknown format, or `best` where it cannot be shown or known.
        """
        if format not in _FORMATS:
            raise not_found(f"no format {format!r}", format, list(_FORMATS), "formats")
        if best and format not in ("markdown", "latex"):
            raise AnswerError(f"best means in bold need markdown or latex, not {format}")
        if best and _better(self.grouped) is None:
            raise AnswerError(
                f"which mean is best cannot be told: nothing says whether higher or lower is "
                f"better for {self.grouped.value!r}; it is known for: {', '.join(BETTER)}"
            )
        return _FORMATS[format](self, best)

    @property
    def caption(self) -> str:
        """What the numbers are: the measurement, its unit, and over how many seeds."""
        n = self.grouped.common_n
        name = self.grouped.value.replace("_", " ").capitalize()
        unit = " in percent" if in_percent(self.grouped.value) else ""
        if n == 1:
            return f"{name}{unit}, one seed."
        count = f"n = {n}" if n else "(n)"
        return f"{name}{unit}, mean ± standard deviation over {count} seeds."

    @property
    def notes(self) -> tuple[str, ...]:
        """Footnotes: the cells left out and whatever makes the entries less comparable."""
        return (*self.grouped.gaps, *self.grouped.notes)


def build_table(
    answers: Answers,
    *,
    rows: str = "method",
    columns: str = "density",
    value: str = "test_accuracy",
) -> Table:
    """A table of `value` over the seeds, by two fields.

    Raises:
        AnswerError: When a field or the value does not occur, or when cells that would be
            averaged differ in another field than the seed; it names the field and its values.
    """
    grouped = group(answers, rows=rows, columns=columns, value=value)
    return Table(row_field=rows, column_field=columns, grouped=grouped)


def in_percent(value: str) -> bool:
    """Whether a measurement is printed in percent: accuracies and their differences."""
    return "accuracy" in value or value.endswith(("generalisation_gap", "best_final_difference"))


def _text(table: Table, best: bool) -> str:
    lines = [_header(table), *_body(table, best, lambda text: text)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    aligned = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    notes = [f"note: {note}" for note in table.notes]
    return "\n".join([table.caption, "", aligned[0], rule, *aligned[1:], *notes]) + "\n"


def _markdown(table: Table, best: bool) -> str:
    header = [text.translate(_MARKDOWN) for text in _header(table)]
    body = _body(table, best, lambda text: f"**{text}**", _MARKDOWN)
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *body]
    rows = ["| " + " | ".join(line) + " |" for line in lines]
    notes = [f"- {note.translate(_MARKDOWN)}" for note in table.notes]
    notes = ["", *notes] if notes else []
    return "\n".join([table.caption.translate(_MARKDOWN), "", *rows, *notes]) + "\n"


def _latex(table: Table, best: bool) -> str:
    header = [text.translate(_LATEX) for text in _header(table)]
    body = _body(table, best, lambda text: rf"\textbf{{{text}}}", _LATEX)
    notes = [rf"{note.translate(_LATEX)}." for note in table.notes]
    caption = " ".join([table.caption.translate(_LATEX), *notes])
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{caption}}}",
        rf"  \begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
        r"    \toprule",
        rf"    {' & '.join(header)} \\",
        r"    \midrule",
        *(rf"    {' & '.join(line)} \\" for line in body),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _csv(table: Table, best: bool) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    value = table.grouped.value
    names = (f"{value}_mean", f"{value}_std", "n", "missing", "unmeasured")
    writer.writerow([table.row_field, table.column_field, *names, *FAILURES])
    for row in table.grouped.rows:
        for column in table.grouped.columns:
            entry = table.grouped.entries.get((row, column))
            if entry is not None:
                found = entry.summary
                numbers = (found.mean, found.std, found.n) if found else (None, None, 0)
                writer.writerow([row, column, *numbers, *_left_out(entry)])
    return sink.getvalue()


def _left_out(entry: Entry) -> list[int]:
    return [entry.missing, entry.unmeasured, *(entry.failed.get(state, 0) for state in FAILURES)]


_FORMATS: dict[str, Callable[[Table, bool], str]] = {
    "text": _text,
    "markdown": _markdown,
    "csv": _csv,
    "latex": _latex,
}


def _header(table: Table) -> list[str]:
    return [f"{table.row_field} / {table.column_field}", *table.grouped.columns]


def _body(
    table: Table,
    best: bool,
    bold: Callable[[str], str],
    escapes: dict[int, str] | None = None,
) -> list[list[str]]:
    winners = _winners(table.grouped) if best else set()
    lines = []
    for row in table.grouped.rows:
        line = [row.translate(escapes or {})]
        for column in table.grouped.columns:
            text = _shown(table, table.grouped.entries.get((row, column))).translate(escapes or {})
            line.append(bold(text) if (row, column) in winners else text)
        lines.append(line)
    return lines


def _shown(table: Table, entry: Entry | None) -> str:
    if entry is None:
        return ""
    if entry.summary is None:
        return FAILED if entry.failed and not (entry.missing or entry.unmeasured) else MISSING
    shown = _number(entry.summary, in_percent(table.grouped.value))
    return shown if table.grouped.common_n else f"{shown} ({entry.summary.n})"


def _number(summary: Summary, percent: bool) -> str:
    scale = 100 if percent else 1
    parts = [summary.mean] if summary.std is None else [summary.mean, summary.std]
    decimals = 2 if percent else _decimals(summary.mean)
    return " ± ".join(f"{scale * part:.{decimals}f}" for part in parts)


def _decimals(mean: float) -> int:
    """So many decimals show four significant digits of the mean."""
    if mean == 0 or not math.isfinite(mean):
        return 2
    return min(8, max(0, 3 - math.floor(math.log10(abs(mean)))))


def _winners(grouped: Grouped) -> set[tuple[str, str]]:
    """The entries with the best mean of their column; none in a column of one entry."""
    direction = {"higher": 1, "lower": -1}[str(_better(grouped))]
    winners: set[tuple[str, str]] = set()
    for column in grouped.columns:
        means = _means(grouped, column)
        if len(means) > 1:
            best = max(direction * mean for _, mean in means)
            winners |= {(row, column) for row, mean in means if direction * mean == best}
    return winners


def _better(grouped: Grouped) -> str | None:
    return BETTER.get(grouped.value, grouped.better)


def _means(grouped: Grouped, column: str) -> Sequence[tuple[str, float]]:
    return [
        (row, entry.summary.mean)
        for row in grouped.rows
        if (entry := grouped.entries.get((row, column))) is not None and entry.summary is not None
    ]
