"""A judgement as text, Markdown, CSV or JSON."""

import csv
import io
import itertools
import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from orchestrator.answers.results import not_found
from orchestrator.verdicts.verdict import Evidence, Judgement, Outcome, Sheet, Unit, Verdict

NOTHING = "-"
"""What stands where there is no number."""

_WIDTH = 100
_HOLDS: Mapping[bool | None, str] = {True: "yes", False: "no", None: "?"}
_MARKDOWN = str.maketrans({"|": r"\|", "*": r"\*", "_": r"\_", "<": "&lt;", "`": r"\`"})
_DECIDED = ("n", "holds")


def render(judgement: Judgement, format: str = "text") -> str:
    """The judgement as text that ends in a newline; equal judgements give equal text.

    Args:
        judgement: What to write.
        format: "text", "markdown", "csv" (one line per number, unrounded), or "json" (everything).

    Raises:
        AnswerError: For an unknown format.
    """
    if format not in FORMATS:
        raise not_found(f"no format {format!r}", format, list(FORMATS), "formats")
    return FORMATS[format](judgement)


def shown(value: str | float | None, unit: Unit = "number") -> str:
    """A value for people: percent with two decimals, others with up to four digits."""
    if value is None:
        return NOTHING
    if isinstance(value, str | int):
        return str(value)
    if unit == "percent":
        return f"{100 * value:.2f}".replace("-0.00", "0.00")
    return f"{value:.3f}" if unit == "p" and value >= 0.0005 else f"{value:.4g}"


def evidence_sheet(verdict: Verdict) -> Sheet:
    """The evidence of a verdict as a table."""
    fields = list(dict.fromkeys(name for item in verdict.evidence for name in item.about))
    noted = any(item.missing or item.remark for item in verdict.evidence)
    rows = tuple(_evidence_row(verdict, item, fields, noted) for item in verdict.evidence)
    statistic = _headed(verdict.statistic, verdict.unit)
    return Sheet(
        id="",
        title="",
        columns=(*fields, statistic, "needed", *_DECIDED, *["note"] * noted),
        rows=rows,
    )


def _headed(column: str, unit: Unit) -> str:
    return f"{column} (%)" if unit == "percent" else column


def _header(sheet: Sheet) -> list[str]:
    return [_headed(column, sheet.units.get(column, "number")) for column in sheet.columns]


def _evidence_row(
    verdict: Verdict, item: Evidence, fields: Sequence[str], noted: bool
) -> tuple[str | float | None, ...]:
    needed = NOTHING
    if item.threshold is not None:
        needed = f"{item.relation} {shown(item.threshold, verdict.unit)}"
    reason = "; ".join(part for part in (item.missing, item.remark) if part)
    about = [item.about.get(name, "") for name in fields]
    numbers = (shown(item.value, verdict.unit), needed, str(item.n), _HOLDS[item.holds])
    return (*about, *numbers, *[reason] * noted)


def _text(judgement: Judgement) -> str:
    parts = [_overview(judgement)]
    parts += [_text_verdict(verdict) for verdict in judgement.verdicts]
    parts += [f"{sheet.title}\n\n{_aligned(sheet)}" for sheet in judgement.sheets]
    return "\n\n".join(parts) + "\n"


def _overview(judgement: Judgement) -> str:
    width = max((len(verdict.id) for verdict in judgement.verdicts), default=0)
    outcomes = max(len(outcome.value) for outcome in Outcome)
    lines = [
        f"{verdict.id:<{width}}  {verdict.outcome.value:<{outcomes}}  {_said(verdict)}"
        for verdict in judgement.verdicts
    ]
    return "\n".join(
        [_heading(judgement), "", *lines, *(f"note: {note}" for note in judgement.notes)]
    )


def _heading(judgement: Judgement) -> str:
    counted = f"{judgement.completed} of {judgement.cells} cells"
    return f"{judgement.name}: {counted} of {', '.join(judgement.grids)} have results"


def _said(verdict: Verdict) -> str:
    """The claim, and in how many of its comparisons it held."""
    told = _counted(verdict.evidence)
    return "; ".join(part for part in (verdict.claim, told, verdict.remark) if part)


def _counted(evidence: Sequence[Evidence]) -> str:
    if not evidence:
        return ""
    held = sum(item.holds is True for item in evidence)
    unknown = sum(item.holds is None for item in evidence)
    open_ones = f", {unknown} open" if unknown else ""
    return f"{held} of {len(evidence)} hold{open_ones}"


def _text_verdict(verdict: Verdict) -> str:
    lines = [f"{verdict.id}: {verdict.outcome.value}"]
    facts = [("claim", verdict.claim), ("rule", verdict.rule), ("remark", verdict.remark)]
    for name, fact in (*facts, ("missing", "; ".join(verdict.missing))):
        if fact:
            lines += textwrap.wrap(
                f"{name}: {fact}", _WIDTH, initial_indent="  ", subsequent_indent="    "
            )
    table = _aligned(evidence_sheet(verdict)) if verdict.evidence else ""
    return "\n".join([*lines, *(["", textwrap.indent(table, "  ")] if table else [])])


def _aligned(sheet: Sheet) -> str:
    lines = [_header(sheet), *_shown_rows(sheet)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(sheet.columns))]
    right = [_is_number(sheet, at) for at in range(len(sheet.columns))]
    written = [
        "  ".join(
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    ]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([written[0], rule, *written[1:], *(f"note: {note}" for note in sheet.notes)])


def _shown_rows(sheet: Sheet) -> list[list[str]]:
    units = [sheet.units.get(column, "number") for column in sheet.columns]
    return [[shown(v, unit) for v, unit in zip(row, units, strict=True)] for row in sheet.rows]


def _is_number(sheet: Sheet, at: int) -> bool:
    """Whether a column holds numbers, or comparisons with one: those are written to the right."""
    texts = [row[at].lstrip("<>= ") for row in _shown_rows(sheet)]
    given = [text for text in texts if text not in ("", NOTHING)]
    return bool(given) and all(_reads_as_number(text) for text in given)


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _markdown(judgement: Judgement) -> str:
    parts = [f"{_escaped(_heading(judgement))}.", _markdown_table(_verdict_sheet(judgement))]
    for verdict in judgement.verdicts:
        rule = f"**{verdict.id}**: {verdict.outcome.value}. {_escaped(verdict.rule)}."
        missing = f" Missing: {_escaped('; '.join(verdict.missing))}." if verdict.missing else ""
        parts.append(rule + missing)
        if verdict.evidence:
            parts.append(_markdown_table(evidence_sheet(verdict)))
    for sheet in judgement.sheets:
        parts += [f"{_escaped(sheet.title)}.", _markdown_table(sheet)]
        parts += ["\n".join(f"- {_escaped(note)}" for note in sheet.notes)] if sheet.notes else []
    parts += ["\n".join(f"- {_escaped(n)}" for n in judgement.notes)] if judgement.notes else []
    return "\n\n".join(parts) + "\n"


def _verdict_sheet(judgement: Judgement) -> Sheet:
    rows = [
        (verdict.id, verdict.claim, verdict.outcome.value, _told_in_table(verdict))
        for verdict in judgement.verdicts
    ]
    return Sheet(id="", title="", columns=("id", "claim", "verdict", "numbers"), rows=tuple(rows))


def _told_in_table(verdict: Verdict) -> str:
    parts = (_counted(verdict.evidence), verdict.remark)
    return "; ".join(part for part in parts if part)


def _markdown_table(sheet: Sheet) -> str:
    marks = ["---:" if _is_number(sheet, at) else "---" for at in range(len(sheet.columns))]
    body = [[_escaped(text) for text in row] for row in _shown_rows(sheet)]
    lines = [[_escaped(name) for name in _header(sheet)], marks, *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _escaped(text: str) -> str:
    return text.translate(_MARKDOWN)


def _csv(judgement: Judgement) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["part", "of", "quantity", "value"])
    for verdict in judgement.verdicts:
        writer.writerow([verdict.id, "", "verdict", verdict.outcome.value])
        for item in verdict.evidence:
            of = " ".join(f"{name}={value}" for name, value in item.about.items())
            quantities = (verdict.statistic, "threshold", "n", "holds")
            values = (item.value, item.threshold, item.n, _HOLDS[item.holds])
            writer.writerows(
                [verdict.id, of, *pair] for pair in zip(quantities, values, strict=True)
            )
    for sheet in judgement.sheets:
        writer.writerows(_csv_rows(sheet))
    return sink.getvalue()


def _csv_rows(sheet: Sheet) -> list[list[str | float | None]]:
    """One line per number; the texts before a row's first number say what it is of."""
    lines: list[list[str | float | None]] = []
    for row in sheet.rows:
        pairs = list(zip(sheet.columns, row, strict=True))
        texts = list(itertools.takewhile(lambda pair: isinstance(pair[1], str), pairs))
        of = " ".join(f"{name}={value}" for name, value in texts)
        lines += [[sheet.id, of, name, value] for name, value in pairs[len(texts) :]]
    return lines


def _json(judgement: Judgement) -> str:
    plain = asdict(judgement)
    for sheet in plain["sheets"]:
        sheet["rows"] = [dict(zip(sheet["columns"], row, strict=True)) for row in sheet["rows"]]
    return json.dumps(plain, indent=1) + "\n"


FORMATS: Mapping[str, Callable[[Judgement], str]] = {
    "text": _text,
    "markdown": _markdown,
    "csv": _csv,
    "json": _json,
}
"""How a judgement can be written, by name."""
