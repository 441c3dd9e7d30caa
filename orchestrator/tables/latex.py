"""A table as LaTeX, with the rules of the package booktabs."""

import re

from orchestrator.answers.marks import Mark
from orchestrator.answers.results import AnswerError
from orchestrator.tables.layout import Content, HeadLine, Layout, Line, spans

_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$",
        "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
        "[": "{[}", "]": "{]}",  # behind \\ or a rule, a bracket would open an argument
        "†": r"$\dagger$", "‡": r"$\ddagger$",
    }
)  # fmt: skip
_MARKS = {Mark.BETTER: r"\rlap{$^{\dagger}$}", Mark.WORSE: r"\rlap{$^{\ddagger}$}"}
_LABEL = re.compile(r"[A-Za-z0-9:._/+-]+")


def latex_of(layout: Layout, *, label: str = "", wide: bool = False) -> str:
    r"""The table as a float; what stands in it is escaped, and notes stand below it.

    Marks take no width, so that numbers stay aligned. Where outer names have several rows, these
    stand together.

    Args:
        layout: What to write.
        label: For `\ref`; nothing for none.
        wide: Take both columns of a two-column paper.

    Raises:
        AnswerError: For a label that LaTeX could not take.
    """
    if label and not _LABEL.fullmatch(label):
        raise AnswerError(f"the label {label!r} may have letters, digits and any of : . _ / + -")
    float_name = "table*" if wide else "table"
    lines = [
        r"% needs \usepackage{booktabs}",
        rf"\begin{{{float_name}}}",
        r"  \centering",
        rf"  \caption{{{_escaped(layout.caption)}}}",
        *([rf"  \label{{{label}}}"] if label else []),
        rf"  \begin{{tabular}}{{{'l' * layout.stubs}{'r' * layout.columns}}}",
        r"    \toprule",
        *(f"    {line}" for head in layout.head for line in _head(head, layout.stubs)),
        r"    \midrule",
        *(f"    {line}" for place in range(len(layout.lines)) for line in _rows(layout, place)),
        r"    \bottomrule",
        r"  \end{tabular}",
        *_notes(layout),
        rf"\end{{{float_name}}}",
    ]
    return "\n".join(lines) + "\n"


def _head(line: HeadLine, stubs: int) -> list[str]:
    """A line of headings, and the rules below those over several columns."""
    cells = [_escaped(part) for part in line.stub]
    for heading in line.headings:
        text = _escaped(heading.text)
        several = rf"\multicolumn{{{heading.span}}}{{c}}{{{text}}}"
        cells.append(text if heading.span == 1 else several)
    rules = [
        rf"\cmidrule(lr){{{first + stubs + 1}-{last + stubs + 1}}}"
        for first, last in spans(line.headings)
    ]
    return [_row(cells), *([" ".join(rules)] if rules else [])]


def _notes(layout: Layout) -> list[str]:
    """Below the table: a paragraph in small print, each note a sentence."""
    best = [f"bold: {layout.best}"] if layout.best else []
    sentences = [f"{note[:1].upper()}{note[1:]}." for note in (*best, *layout.notes)]
    if not sentences:
        return []
    text = " ".join(map(_escaped, sentences))
    return [r"  \par\smallskip", rf"  \parbox{{\linewidth}}{{\footnotesize {text}}}"]


def _rows(layout: Layout, place: int) -> list[str]:
    """One row, behind some room where another outer name begins."""
    line: Line = layout.lines[place]
    grouped = any(each.shared == layout.stubs - 1 for each in layout.lines[1:])
    opens = place > 0 and grouped and line.shared < layout.stubs - 1
    row = _row([*map(_escaped, line.shown), *map(_content, line.contents)])
    return [*([r"\addlinespace"] if opens else []), row]


def _row(cells: list[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _content(content: Content) -> str:
    text = re.sub(r"(?<![\w.])-(?=\d)", "$-$", _escaped(content.text))
    bold = rf"\textbf{{{text}}}" if content.best else text
    return bold + (_MARKS[content.mark] if content.mark else "")


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES).replace("--", "-{}-")
