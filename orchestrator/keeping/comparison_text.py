"""A comparison of stores, studies or runs, as text, Markdown, CSV or JSON."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from orchestrator.answers.measurements import in_percent
from orchestrator.answers.results import not_found
from orchestrator.keeping.comparing import Comparison, Group, Repeated, Verdict
from orchestrator.tables.layout import Content, Heading, HeadLine, Layout, Line, plain
from orchestrator.tables.markdown import markdown_of
from orchestrator.tables.text import text_of

_SHOWN = 10
_HEADINGS = ("n", "A", "B", "B - A", "95 % t", "p (Holm)", "verdict")
_NUMBERS = ("n", "mean", "std", "low", "high", "p_t", "p_wilcoxon")


def render(comparison: Comparison, format: str = "text") -> str:
    """A comparison as text that ends in a newline; equal answers give equal text.

    Accuracies are in percent for people. CSV has one line per group and JSON everything, both
    unrounded and with accuracies as fractions.

    Args:
        comparison: What to write.
        format: "text", "markdown", "csv" or "json".

    Raises:
        AnswerError: For an unknown format.
    """
    if format not in _FORMATS:
        raise not_found(f"no format {format!r}", format, list(_FORMATS), "formats")
    return _FORMATS[format](comparison)


def _layout(comparison: Comparison) -> Layout:
    percent = " in percent" if in_percent(comparison.value) else ""
    caption = (
        f"A is {comparison.first}, B is {comparison.second}. {comparison.value}{percent}, "
        f"compared seed by seed."
    )
    headings = tuple(Heading(text=name, span=1) for name in _HEADINGS)
    return Layout(
        caption=plain(caption),
        notes=tuple(map(plain, _notes(comparison))),
        best="",
        head=(HeadLine(stub=("cells",), headings=headings),),
        lines=tuple(_line(group, comparison.value) for group in comparison.groups),
    )


def _line(group: Group, value: str) -> Line:
    found = group.difference
    texts = (
        str(found.n if found else 0),
        _number(group.first, value),
        _number(group.second, value),
        _signed(found.mean if found else None, value),
        _interval(found.low, found.high, value) if found else "-",
        "-" if group.p_holm is None else f"{group.p_holm:.4f}",
        group.verdict.value,
    )
    contents = tuple(Content(text=text) for text in texts)
    return Line(stub=(plain(group.name),), shared=0, contents=contents)


def _notes(comparison: Comparison) -> Iterable[str]:
    for path, (first, second) in comparison.varied.items():
        yield f"differs by design: {path} ({', '.join(first)} in A, {', '.join(second)} in B)"
    if comparison.same_records:
        yield f"with the same record on both sides: {_cells(comparison.same_records)}"
    yield from _repeated_notes(comparison.repeated)
    if any(group.verdict is Verdict.UNDECIDED for group in comparison.groups):
        yield "undecided: fewer than two seeds, or no spread in their differences, make no test"
    if any(group.verdict is Verdict.NOISE for group in comparison.groups):
        yield (
            f"within noise: not significant at {comparison.alpha:g} over all rows together, which "
            "is no proof that nothing changed"
        )
    for said, names in (
        ("only in A", comparison.only_first),
        ("only in B", comparison.only_second),
        ("without results in A alone", comparison.failed_first),
        ("without results in B alone", comparison.failed_second),
    ):
        if names:
            yield f"{_cells(len(names))} {said}: {_listed(names)}"


def _repeated_notes(repeated: Sequence[Repeated]) -> Iterable[str]:
    equal = sum(not one.differing for one in repeated)
    if equal:
        yield f"measured on both sides and equal to the last bit: {_cells(equal)}"
    other = [one for one in repeated if one.differing and not one.broken]
    if other:
        names = sorted({name for one in other for name in one.origin}) or [
            "nothing but their tier, which is not exact"
        ]
        yield (
            f"measured on both sides with other bits, which nobody promised: {_cells(len(other))} "
            f"that differ in {', '.join(names)}"
        )
    for one in [one for one in repeated if one.broken][:_SHOWN]:
        told = "; ".join(f"{n} {then!r}, {now!r}" for n, (then, now) in one.differing.items())
        yield f"EQUAL BITS WERE PROMISED and are not there: {one.label}: {told}"
    broken = sum(one.broken for one in repeated)
    if broken > _SHOWN:
        yield f"EQUAL BITS WERE PROMISED and are not there of {_cells(broken - _SHOWN)} more"


def _cells(count: int) -> str:
    return f"{count} {'cell' if count == 1 else 'cells'}"


def _csv(comparison: Comparison) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["cells", "first", "second", *_NUMBERS, "p_holm", "verdict", "without"])
    for group in comparison.groups:
        found = group.difference
        numbers = [getattr(found, name) if found else None for name in _NUMBERS]
        ends = [group.p_holm, group.verdict.value, group.without]
        writer.writerow([group.name, group.first, group.second, *numbers, *ends])
    return sink.getvalue()


def _json(comparison: Comparison) -> str:
    return json.dumps(comparison.plain(), indent=1, sort_keys=True) + "\n"


def _text(comparison: Comparison) -> str:
    return text_of(_layout(comparison))


def _markdown(comparison: Comparison) -> str:
    return markdown_of(_layout(comparison))


def _number(number: float | None, value: str) -> str:
    if number is None:
        return "-"
    return f"{100 * number:.2f}" if in_percent(value) else f"{number:.4g}"


def _signed(number: float | None, value: str) -> str:
    text = _number(number, value)
    return f"+{text}" if number is not None and number > 0 else text


def _interval(low: float | None, high: float | None, value: str) -> str:
    if low is None or high is None:
        return "-"
    return f"[{_signed(low, value)}, {_signed(high, value)}]"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


_FORMATS: Mapping[str, Callable[[Comparison], str]] = MappingProxyType(
    {"text": _text, "markdown": _markdown, "csv": _csv, "json": _json}
)
