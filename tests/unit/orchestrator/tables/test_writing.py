"""LaTeX and HTML are whole whatever the names are, and options have an effect or are refused."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from grids.cell import Component
from orchestrator.answers.results import AnswerError, Answers
from orchestrator.tables.table import build_table
from tests.support.grids import a_cell
from tests.support.measured import answers_with

HOSTILE = (
    "<script>alert(1)</script>",
    "\" onmouseover='x' <b>",
    "</table>&amp;&lt;",
    r"\input{/etc}$x^2_3$ % & # ~",
    "[64, 64]--|*_`[x](javascript:y)",
    "two\nlines\r\x1b[31m\u202eedoc",
)


@pytest.fixture
def hostile(tmp_path: Path) -> Answers:
    measured = {}
    for number, name in enumerate(HOSTILE):
        for density in ("0.1", "0.05"):
            measured[a_cell(name, density)] = 0.5 + number / 100
    return answers_with(tmp_path, measured)


class Reader(HTMLParser):
    """The elements of a fragment: which are open, the texts of cells, and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"th", "td"} & set(self.open):
            self.rows[-1][-1] += data


def read(fragment: str) -> Reader:
    reader = Reader()
    reader.feed(fragment)
    reader.close()
    assert reader.open == []
    return reader


def test_no_name_gets_out_of_its_cell_in_html(hostile: Answers) -> None:
    reader = read(build_table(hostile).render("html", best=True, caption="<i>"))
    assert reader.tags == {
        "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "strong",
    }  # fmt: skip
    names = {name for name, _ in reader.attributes}
    assert names == {"class", "scope", "colspan", "data-value", "data-n", "data-seeds"}
    assert [row[0] for row in reader.rows[1:-1]] == [*HOSTILE[:-1], "two lines ?[31m?edoc"]


def test_html_is_ascii_and_carries_the_numbers_unrounded(tmp_path: Path) -> None:
    measured = {a_cell("set", "0.05", seed): value for seed, value in enumerate((0.25, 0.375))}
    text = build_table(answers_with(tmp_path, measured), columns="recipe.lr").render("html")
    assert text.isascii()
    assert '<td data-value="0.3125" data-n="2" data-seeds="2">31.25 &#177; 8.84</td>' in text
    by_density = build_table(
        answers_with(tmp_path / "again", measured), rows="density", columns="method"
    )
    assert '<th scope="row" data-value="0.05">0.05</th>' in by_density.render("html")


def test_every_row_of_html_is_as_wide_as_its_head(hostile: Answers) -> None:
    reader = read(build_table(hostile).render("html"))
    assert {len(row) for row in reader.rows} == {3}


def test_no_name_gets_out_of_its_cell_in_latex(hostile: Answers) -> None:
    text = build_table(hostile).render("latex")
    body = text.partition(r"\midrule")[2].partition(r"\bottomrule")[0]
    rows = [line.strip() for line in body.strip().splitlines()]
    assert all(row.endswith(r" \\") for row in rows)
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {2}
    assert [row.partition(" & ")[0] for row in rows] == [
        r"\textless{}script\textgreater{}alert(1)\textless{}/script\textgreater{}",
        r"'' onmouseover='x' \textless{}b\textgreater{}",
        r"\textless{}/table\textgreater{}\&amp;\&lt;",
        r"\textbackslash{}input\{/etc\}\$x\textasciicircum{}2\_3\$ \% \& \# \textasciitilde{}",
        r"{[}64, 64{]}-{}-\textbar{}*\_`{[}x{]}(javascript:y)",
        r"two lines ?{[}31m?edoc",
    ]


def test_braces_of_latex_are_balanced_whatever_the_names_are(hostile: Answers) -> None:
    table = build_table(hostile, against=HOSTILE[0])
    text = table.render("latex", best=True, caption=HOSTILE[3], label="tab:x")
    bare = re.sub(r"\\[{}\\]", "", text)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    assert re.findall(r"\\(?:begin|end)\{(\w+)\}", text) == ["table", *["tabular"] * 2, "table"]


def test_no_name_gets_out_of_its_cell_in_markdown(hostile: Answers) -> None:
    lines = build_table(hostile).render("markdown").splitlines()[4:]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {4}
    assert r"\[64, 64]--\|\*\_\`\[x](javascript:y)" in lines[4]
    assert lines[0].startswith(r"| &lt;script>alert(1)&lt;/script> |")


def test_text_has_a_line_per_row(hostile: Answers) -> None:
    assert len(build_table(hostile).render().splitlines()) == 4 + len(HOSTILE)


def test_numbers_below_zero_have_a_minus_in_latex_and_not_a_hyphen(tmp_path: Path) -> None:
    model = Component(name="mlp", options=(("hidden", (64, 64)),))
    measured = {a_cell("set-er", "0.1", model=model): {"odd": -1.5}}
    table = build_table(answers_with(tmp_path, measured), value="odd", rows="model.hidden,method")
    assert r"{[}64, 64{]} & set-er & $-$1.500 \\" in table.render("latex")


@pytest.mark.parametrize(
    ("option", "format", "takes"),
    [
        ({"label": "tab:x"}, "markdown", "latex"),
        ({"wide": True}, "html", "latex"),
        ({"caption": "Ours."}, "csv", "text, markdown, latex, html"),
        ({"best": True}, "csv", "text, markdown, latex, html"),
    ],
)
def test_an_option_without_effect_is_refused(
    hostile: Answers, option: dict, format: str, takes: str
) -> None:
    [name] = option
    with pytest.raises(AnswerError, match=f"{name} has no effect in {format}; .* take it: {takes}"):
        build_table(hostile).render(format, **option)


@pytest.mark.parametrize("label", ["a b", "a}", r"\x", "a,b", "ä"])
def test_a_label_that_latex_could_not_take_is_refused(hostile: Answers, label: str) -> None:
    with pytest.raises(AnswerError, match="may have letters, digits and any of"):
        build_table(hostile).render("latex", label=label)


def test_a_caption_goes_ahead_of_what_the_numbers_are(hostile: Answers) -> None:
    table = build_table(hostile)
    said = "Ours & theirs. Test accuracy in percent, one seed."
    assert table.render(caption="Ours & theirs.").startswith(said)
    latex = table.render("latex", caption="Ours & theirs.")
    assert r"\caption{Ours \& theirs. Test accuracy in percent, one seed.}" in latex
