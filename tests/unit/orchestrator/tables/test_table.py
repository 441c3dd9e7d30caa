"""Tables: what is averaged, what is refused, and every format to the letter."""

from dataclasses import replace
from pathlib import Path

import pytest

from grids.cell import Cell, Component
from orchestrator.answers.results import AnswerError, Answers, fields_of_cell, select
from orchestrator.store import Store, publish
from orchestrator.tables.table import build_table
from tests.support.grids import a_cell, a_grid, publish_results
from tests.support.records import failure, record

GRID = a_grid(methods=["static", "set"], densities=["0.1", "0.05"], seeds=3)


def answers(folder: Path, done: list[Cell], asked: list[Cell] | None = None) -> Answers:
    store = Store.create(folder / "results")
    publish_results(store, done)
    return select(store, done if asked is None else asked)


TEXT = """\
Test accuracy in percent, mean ± standard deviation over n = 3 seeds.

method / density          0.05           0.1             1
----------------------------------------------------------
dense                                         98.23 ± 0.31
static            89.56 ± 0.40  92.18 ± 0.40
set               93.20 ± 0.31  94.77 ± 0.31
"""

MARKDOWN = """\
Test accuracy in percent, mean ± standard deviation over n = 3 seeds.

| method / density | 0.05 | 0.1 | 1 |
| --- | ---: | ---: | ---: |
| dense |  |  | 98.23 ± 0.31 |
| static | 89.56 ± 0.40 | 92.18 ± 0.40 |  |
| set | **93.20 ± 0.31** | **94.77 ± 0.31** |  |

- bold: best mean of each column
"""

LATEX = r"""% needs \usepackage{booktabs}
\begin{table}
  \centering
  \caption{Test accuracy in percent, mean $\pm$ standard deviation over n = 3 seeds.}
  \begin{tabular}{lrrr}
    \toprule
    method / density & 0.05 & 0.1 & 1 \\
    \midrule
    dense &  &  & 98.23 $\pm$ 0.31 \\
    static & 89.56 $\pm$ 0.40 & 92.18 $\pm$ 0.40 &  \\
    set & 93.20 $\pm$ 0.31 & 94.77 $\pm$ 0.31 &  \\
    \bottomrule
  \end{tabular}
\end{table}
"""


def test_text(tmp_path: Path) -> None:
    assert build_table(answers(tmp_path, GRID)).render() == TEXT


def test_markdown_with_the_best_of_every_column(tmp_path: Path) -> None:
    assert build_table(answers(tmp_path, GRID)).render("markdown", best=True) == MARKDOWN


def test_latex(tmp_path: Path) -> None:
    assert build_table(answers(tmp_path, GRID)).render("latex") == LATEX


def test_notes_of_latex_are_sentences_below_the_table(tmp_path: Path) -> None:
    text = build_table(answers(tmp_path, GRID[:12], GRID)).render("latex", best=True)
    below = text.partition(r"\end{tabular}")[2]
    assert (
        below
        == r"""
  \par\smallskip
  \parbox{\linewidth}{\footnotesize Bold: best mean of each column. 3 cells have no result yet.}
\end{table}
"""
    )
    assert (
        r"\caption{Test accuracy in percent, mean $\pm$ standard deviation over n = 3 seeds.}"
        in (text)
    )


def test_where_all_failed_nothing_is_said_of_seeds_and_of_what_is_best(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    for cell in GRID:
        publish(store, failure(1, cell=cell.id, canonical=cell.canonical()))
    table = build_table(select(store, GRID))
    assert table.caption == "Test accuracy in percent, no results."
    lines = table.render(best=True).splitlines()
    assert lines[-1] == "note: 15 cells failed, and no mean counts them"
    assert not [line for line in lines if "best" in line]


def test_what_a_halted_run_did_not_begin_is_not_said_to_come(tmp_path: Path) -> None:
    halted = replace(answers(tmp_path, GRID[:14], GRID), halted=True)
    told = "1 cell has no result: the run was halted and begins nothing more"
    assert build_table(halted).notes == (told,)


def test_csv_is_unrounded_and_tidy(tmp_path: Path) -> None:
    lines = build_table(answers(tmp_path, GRID[:4], GRID)).render("csv").splitlines()
    assert lines[0] == (
        "method,density,test_accuracy_mean,test_accuracy_std,n,missing,unmeasured,"
        "FAILED,INVALID,OUT_OF_MEMORY"
    )
    assert lines[1].startswith("dense,1,0.98233333333333")
    assert lines[1].endswith(",3,0,0,0,0,0")
    assert lines[2:] == [
        "static,0.05,,,0,3,0,0,0,0",
        "static,0.1,0.9177544467966324,,1,2,0,0,0,0",
        "set,0.05,,,0,3,0,0,0,0",
        "set,0.1,,,0,3,0,0,0,0",
    ]


def test_the_order_in_which_results_came_does_not_matter(tmp_path: Path) -> None:
    first = build_table(answers(tmp_path / "1", GRID)).render()
    store = Store.create(tmp_path / "2" / "results")
    publish_results(store, GRID[::-1])
    assert build_table(select(store, GRID)).render() == first


def test_missing_cells_are_shown_counted_and_make_n_visible(tmp_path: Path) -> None:
    table = build_table(answers(tmp_path, GRID[:5], GRID))
    assert table.render().splitlines()[0].endswith("over (n) seeds.")
    body = table.render().splitlines()[4:]
    assert body == [
        "dense                                          98.23 ± 0.31 (3)",
        "static               -  91.98 ± 0.28 (2 of 3)",
        "set                  -                      -",
        "note: 10 cells have no result yet",
    ]


@pytest.fixture
def broken(tmp_path: Path) -> Answers:
    """Of static at 0.05 one seed diverged, of set at 0.1 not all failed, at 0.05 all did."""
    store = Store.create(tmp_path / "results")
    publish_results(store, GRID[:8])
    states = ["INVALID", "INVALID", "FAILED", "CANCELLED", *["OUT_OF_MEMORY"] * 3]
    for cell, state in zip(GRID[8:], states, strict=True):
        publish(store, failure(1, cell=cell.id, canonical=cell.canonical(), state=state))
    return select(store, GRID)


def test_cells_that_failed_are_told_apart_from_those_without_a_result_yet(broken: Answers) -> None:
    table = build_table(broken)
    assert table.notes == (
        "6 cells failed (3 OUT_OF_MEMORY, 2 INVALID, 1 FAILED), and no mean counts them",
        "1 cell has no result yet",
    )
    assert table.render().splitlines()[-4:-2] == [
        "static            89.36 ± 0.28 (2 of 3, 1 failed)  92.18 ± 0.40 (3)",
        "set                                        failed     2 of 3 failed",
    ]
    assert r"6 cells failed (3 OUT\_OF\_MEMORY, 2 INVALID, 1 FAILED)" in table.render("latex")


def test_csv_counts_the_failures_of_every_entry_by_state(broken: Answers) -> None:
    lines = build_table(broken).render("csv").splitlines()
    assert lines[0].endswith(",n,missing,unmeasured,FAILED,INVALID,OUT_OF_MEMORY")
    assert [line.split(",", 4)[4] for line in lines[2:]] == [
        "2,0,0,0,1,0",
        "3,0,0,0,0,0",
        "0,0,0,0,0,3",
        "0,1,0,1,1,0",
    ]


def test_a_retried_cell_that_completed_did_not_fail(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    cell = a_cell()
    publish(store, failure(9, cell=cell.id, canonical=cell.canonical()))
    publish_results(store, [cell])
    assert build_table(select(store, [cell])).notes == ()


def test_a_cell_that_completed_without_the_measurement_is_not_unfinished(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    plain, dynamic = a_cell("dense", "1"), a_cell("set", "1")
    publish_results(store, [plain])
    own = {"canonical": dynamic.canonical(), "fields": fields_of_cell(dynamic)}
    publish(store, record(2, cell=dynamic.id, metrics={"explored_rate": 0.25}, **own))
    table = build_table(select(store, [plain, dynamic]), value="explored_rate")
    assert table.notes == ("1 cell completed without explored_rate",)
    assert table.render("csv").splitlines()[1:] == [
        "dense,1,,,0,0,1,0,0,0",
        "set,1,0.25,,1,0,0,0,0,0",
    ]


def test_one_seed_has_no_spread(tmp_path: Path) -> None:
    grid = a_grid(methods=["set"], densities=["0.1"], seeds=1)
    lines = build_table(answers(tmp_path, grid)).render().splitlines()
    assert lines[0] == "Test accuracy in percent, one seed."
    assert lines[-1] == "set               94.71"


def test_other_measurements_have_four_significant_digits(tmp_path: Path) -> None:
    text = build_table(answers(tmp_path, GRID), value="test_loss").render()
    assert text.startswith("Test loss, mean")
    assert "0.01767 ± 0.00306" in text


def test_the_best_loss_is_the_lowest(tmp_path: Path) -> None:
    table = build_table(answers(tmp_path, GRID), value="test_loss")
    set_row = table.render("markdown", best=True).splitlines()[-3]
    assert set_row.count("**") == 4


@pytest.mark.parametrize(
    ("metric", "value", "best"),
    [
        ("val_accuracy", "val_accuracy", "set"),
        ("explored_rate", "explored_rate", "set"),
        ("train_loss", "train_loss", "rigl"),
        ("generalisation_gap", "generalisation_gap", "rigl"),
        ("best_val_epoch", "best_val_epoch", "rigl"),
        ("density", "realised_density", "rigl"),
    ],
)
def test_the_best_mean_is_on_the_better_end_of_the_measurement(
    tmp_path: Path, metric: str, value: str, best: str
) -> None:
    store = Store.create(tmp_path / "results")
    cells = [a_cell("rigl"), a_cell("set")]
    for cell, measured in zip(cells, (0.25, 0.5), strict=True):
        own = {"canonical": cell.canonical(), "fields": fields_of_cell(cell)}
        publish(store, record(1, cell=cell.id, metrics={metric: measured}, **own))
    lines = build_table(select(store, cells), value=value).render("markdown", best=True)
    assert [line.split()[1] for line in lines.splitlines() if "**" in line] == [best]


def test_no_mean_is_best_where_nothing_says_which_end_is_better(tmp_path: Path) -> None:
    table = build_table(answers(tmp_path, GRID), value="odd")
    with pytest.raises(AnswerError, match=r"better for 'odd'; it is known for: test_accuracy, "):
        table.render("markdown", best=True)
    assert "0.5000" in table.render("markdown")


def test_any_two_fields_make_a_table(tmp_path: Path) -> None:
    table = build_table(answers(tmp_path, GRID), rows="density", columns="method")
    assert table.grouped.rows == ("1", "0.1", "0.05")
    assert table.grouped.columns == ("dense", "static", "set")


def varied(**fields: list[Component]) -> list[Cell]:
    [(name, values)] = fields.items()
    return [a_cell(**{name: value}, seed=seed) for value in values for seed in range(2)]


def test_a_field_that_would_be_averaged_over_is_named_with_its_values(tmp_path: Path) -> None:
    grid = varied(dataset=[Component(name="digits"), Component(name="wine")])
    found = answers(tmp_path, grid)
    with pytest.raises(AnswerError, match=r"averaged: dataset is digits, wine\. Make it the rows"):
        build_table(found)
    assert build_table(found, rows="dataset").grouped.rows == ("digits", "wine")


def test_an_option_that_would_be_averaged_over_is_named_too(tmp_path: Path) -> None:
    grid = varied(allocation=[Component(name="er", options=(("power", p),)) for p in (1.0, 0.5)])
    with pytest.raises(AnswerError, match=r"allocation\.power is 1, 0\.5"):
        build_table(answers(tmp_path, grid))


def test_an_option_that_older_records_do_not_know_yet_is_no_difference(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    old, new, missing = (a_cell(seed=seed) for seed in range(3))
    publish_results(store, [old], defaults={})
    publish_results(store, [new], defaults={"model.hidden": [256, 256], "teacher": "big"})
    table = build_table(select(store, [old, new, missing]))
    assert table.notes == ("1 cell has no result yet",)


def test_a_field_that_differs_from_row_to_row_is_noted(tmp_path: Path) -> None:
    fast = a_cell("set", recipe=(("lr", 0.2),))
    table = build_table(answers(tmp_path, [a_cell("rigl"), fast]))
    assert table.notes == ("recipe.lr differs (0.1: rigl; 0.2: set)",)
    assert "note: recipe.lr differs" in table.render()


def test_notes_of_the_answers_are_footnotes(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    publish_results(store, GRID[:3])
    publish_results(store, GRID[3:], code="other")
    table = build_table(select(store, GRID, allow_mixed=True))
    note = "ixed code: 3 cells c0de, 12 cells other"
    for format, first in (("text", "m"), ("markdown", "m"), ("latex", "M")):
        assert first + note in table.render(format)


def test_names_are_escaped_where_the_format_needs_it(tmp_path: Path) -> None:
    table = build_table(answers(tmp_path, [a_cell("my_method|50%")]))
    assert r"my\_method\|50%" in table.render("markdown")
    assert r"my\_method\textbar{}50\% & " in table.render("latex")
    assert "my_method|50%,0.05," in table.render("csv")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"rows": "methd"}, r"no cell has a field 'methd'; fields: .*; did you mean 'method'\?$"),
        ({"value": "tset_accuracy"}, r"'tset_accuracy'; .*; did you mean 'test_accuracy'\?$"),
        ({"value": "density"}, r"'density': .* is 'realised_density' in tables, plots and queries"),
        ({"rows": "density"}, "rows and columns are both density"),
    ],
)
def test_what_does_not_exist_gets_the_nearest(
    tmp_path: Path, asked: dict[str, str], message: str
) -> None:
    with pytest.raises(AnswerError, match=message):
        build_table(answers(tmp_path, GRID), **asked)


def test_formats_that_cannot_do_it_say_so(tmp_path: Path) -> None:
    table = build_table(answers(tmp_path, GRID))
    with pytest.raises(AnswerError, match=r"no format 'latx'; .*; did you mean 'latex'\?$"):
        table.render("latx")
    with pytest.raises(
        AnswerError,
        match="best has no effect in csv; formats that take it: text, markdown, latex, html",
    ):
        table.render("csv", best=True)


def test_no_cells_are_no_table() -> None:
    with pytest.raises(AnswerError, match="there are no cells to answer for"):
        build_table(Answers(answers=()))
