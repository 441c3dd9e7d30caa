"""A table as GitHub-flavoured Markdown."""

from orchestrator.tables.layout import Content, Layout

_ESCAPES = str.maketrans(
    {"|": r"\|", "*": r"\*", "_": r"\_", "<": "&lt;", "`": r"\`", "[": r"\[", "\\": r"\\",
     "~": r"\~", "$": r"\$"}
)  # fmt: skip


def markdown_of(layout: Layout) -> str:
    """The table with its caption above and its notes as a list below; it ends in a newline.

    Markdown knows one line of headings: where columns have several fields, their parts are joined.
    """
    names = [_escaped(part) for part in layout.head[-1].stub]
    header = [*names, *(_escaped(" / ".join(parts)) for parts in _column_names(layout))]
    body = [[*map(_escaped, line.shown), *map(_content, line.contents)] for line in layout.lines]
    rule = ["---"] * layout.stubs + ["---:"] * layout.columns
    rows = ["| " + " | ".join(line) + " |" for line in (header, rule, *body)]
    best = [f"bold: {layout.best}"] if layout.best else []
    notes = [f"- {_escaped(note)}" for note in (*best, *layout.notes)]
    return "\n".join([_escaped(layout.caption), "", *rows, *([""] if notes else []), *notes]) + "\n"


def _column_names(layout: Layout) -> list[list[str]]:
    """The headings over every column, the outer one first."""
    names: list[list[str]] = [[] for _ in range(layout.columns)]
    for line in layout.head:
        texts = [heading.text for heading in line.headings for _ in range(heading.span)]
        for name, text in zip(names, texts, strict=True):
            name.append(text)
    return names


def _content(content: Content) -> str:
    text = _escaped(content.text)
    bold = f"**{text}**" if content.best else text
    return bold + (content.mark.value if content.mark else "")


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
