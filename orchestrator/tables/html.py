"""A table as a fragment of HTML, for a page or a report."""

from html import escape

from orchestrator.tables.layout import Content, HeadLine, Layout, Line


def html_of(layout: Layout) -> str:
    """A `<table>` with caption, head, body and the notes as its foot, without style or script.

    Every row carries its whole name, so that rows can be sorted. Cells carry `data-value`, the
    unrounded mean (a name that is a number, its value), and what stands behind it, for example
    `data-n`. All text is escaped, and other characters than ASCII are written as references: the
    fragment is right in a page of any encoding.
    """
    return _element(
        layout, caption=[f"<caption>{escape(layout.caption)}</caption>"], foot=_foot(layout)
    )


def bare_html_of(layout: Layout) -> str:
    """The same without caption and notes, for a page that puts `footnotes` around it."""
    return _element(layout, caption=[], foot=[])


def footnotes(layout: Layout) -> tuple[str, ...]:
    """What stands below a table in HTML: what is bold, and the notes."""
    return (*([f"bold: {layout.best}"] if layout.best else []), *layout.notes)


def _element(layout: Layout, *, caption: list[str], foot: list[str]) -> str:
    head = [_head(line, last=line is layout.head[-1]) for line in layout.head]
    lines = [
        '<table class="measurements">',
        *caption,
        "<thead>",
        *head,
        "</thead>",
        "<tbody>",
        *(_body(line) for line in layout.lines),
        "</tbody>",
        *foot,
        "</table>",
    ]
    return ("\n".join(lines) + "\n").encode("ascii", "xmlcharrefreplace").decode("ascii")


def _head(line: HeadLine, *, last: bool) -> str:
    names = [f'<th scope="col">{escape(part)}</th>' for part in line.stub]
    if not last:
        names = [f"<td>{escape(part)}</td>" for part in line.stub]
    cells = [
        f'<th scope="col">{escape(heading.text)}</th>'
        if heading.span == 1
        else f'<th scope="colgroup" colspan="{heading.span}">{escape(heading.text)}</th>'
        for heading in line.headings
    ]
    return f"<tr>{''.join([*names, *cells])}</tr>"


def _body(line: Line) -> str:
    names = [f'<th scope="row"{_sorted_by(part)}>{escape(part)}</th>' for part in line.stub]
    return f"<tr>{''.join([*names, *map(_content, line.contents)])}</tr>"


def _sorted_by(name: str) -> str:
    try:
        return f' data-value="{float(name)!r}"'
    except ValueError:
        return ""


def _content(content: Content) -> str:
    data = {} if content.value is None else {"value": repr(content.value)}
    data |= {name: str(count) for name, count in content.counts.items() if count or name == "n"}
    attributes = "".join(f' data-{name}="{escape(text)}"' for name, text in data.items())
    text = escape(content.text)
    if content.best:
        text = f"<strong>{text}</strong>"
    if content.mark:
        text += f"<sup>{content.mark.value}</sup>"
    return f"<td{attributes}>{text}</td>"


def _foot(layout: Layout) -> list[str]:
    width = layout.stubs + layout.columns
    rows = [f'<tr><td colspan="{width}">{escape(note)}</td></tr>' for note in footnotes(layout)]
    return ["<tfoot>", *rows, "</tfoot>"] if rows else []
