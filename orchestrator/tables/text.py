"""A table as plain text, for terminals."""

from collections.abc import Sequence

from orchestrator.tables.layout import Content, Layout

BEST = "*"
"""What stands behind an entry that is the best of its column."""

_GAP = "  "
_RULED = 4  # characters: a space and a dash on either side of a heading over several columns


def text_of(layout: Layout) -> str:
    """The table as lines of a fixed width, the notes below; it ends in a newline.

    Numbers are right-aligned; their marks stand behind them in a column of their own.
    """
    marks = [max(len(_marks(line.contents[i])) for line in layout.lines) for i in _places(layout)]
    stubs, widths = _stub_widths(layout), _widths(layout, marks)
    head = [_head_line(layout, level, stubs, widths, marks) for level in range(len(layout.head))]
    body = []
    for line in layout.lines:
        names = [part.ljust(width) for part, width in zip(line.shown, stubs, strict=True)]
        entries = [
            (content.text.rjust(width - mark) + _marks(content).ljust(mark))
            for content, width, mark in zip(line.contents, widths, marks, strict=True)
        ]
        body.append(_GAP.join([*names, *entries]).rstrip())
    rule = "-" * (sum(stubs) + sum(widths) + len(_GAP) * (len(stubs) + len(widths) - 1))
    best = [f"{BEST} {layout.best}"] if layout.best else []
    notes = [f"note: {note}" for note in (*best, *layout.notes)]
    return "\n".join([layout.caption, "", *head, rule, *body, *notes]) + "\n"


def _places(layout: Layout) -> range:
    return range(layout.columns)


def _marks(content: Content) -> str:
    return BEST * content.best + (content.mark.value if content.mark else "")


def _stub_widths(layout: Layout) -> list[int]:
    lines = [line.stub for line in layout.head] + [line.stub for line in layout.lines]
    return [max(len(line[i]) for line in lines) for i in range(layout.stubs)]


def _widths(layout: Layout, marks: Sequence[int]) -> list[int]:
    """The width of every column of entries, wide enough for the headings over several of them."""
    innermost = layout.head[-1].headings
    widths = [
        max(len(innermost[i].text), *(len(line.contents[i].text) for line in layout.lines))
        + marks[i]
        for i in _places(layout)
    ]
    for line in layout.head[:-1]:
        first = 0
        for heading in line.headings:
            last = first + heading.span
            lacking = max(0, len(heading.text) + _RULED - _total(widths[first:last]))
            for place in range(heading.span):
                widths[first + place] += (lacking + place) // heading.span
            first = last
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _head_line(
    layout: Layout, level: int, stubs: Sequence[int], widths: Sequence[int], marks: Sequence[int]
) -> str:
    line = layout.head[level]
    parts = [part.ljust(width) for part, width in zip(line.stub, stubs, strict=True)]
    if line is layout.head[-1]:
        columns = zip(line.headings, widths, marks, strict=True)
        parts += [head.text.rjust(width - mark) + " " * mark for head, width, mark in columns]
        return _GAP.join(parts).rstrip()
    first = 0
    for heading in line.headings:
        last = first + heading.span
        parts.append(f" {heading.text} ".center(_total(widths[first:last]), "-"))
        first = last
    return _GAP.join(parts).rstrip()
