"""Rows and columns of several fields, and several measurements, in every format."""

from pathlib import Path

import pytest

from orchestrator.answers.results import AnswerError, Answers
from orchestrator.tables.table import Table, build_table
from tests.support.measured import answers_with, on

ACCURACY = {"digits": 0.9, "wine": 0.5}
METHOD = {"static": 0.0, "set": 0.02}


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    """Two data sets x two methods x two densities x two seeds, 0.02 apart."""
    return answers_with(
        tmp_path,
        {
            on(dataset, method, density, seed): {
                "test_accuracy": base + better + 0.02 * seed,
                "train_flops": 2e9 * float(density),
            }
            for dataset, base in ACCURACY.items()
            for density in ("0.1", "0.05")
            for method, better in METHOD.items()
            for seed in (0, 1)
        },
    )


ROWS = """\
Test accuracy in percent, mean ± standard deviation over n = 2 seeds.

dataset  method / density          0.05            0.1
-------------------------------------------------------
digits   static            91.00 ± 1.41   91.00 ± 1.41
         set               93.00 ± 1.41*  93.00 ± 1.41*
wine     static            51.00 ± 1.41   51.00 ± 1.41
         set               53.00 ± 1.41*  53.00 ± 1.41*
note: * best mean of each column and dataset
"""

COLUMNS = """\
Test accuracy in percent, mean ± standard deviation over n = 2 seeds.

dataset           --------- digits ---------  ---------- wine ----------
method / density          0.05           0.1          0.05           0.1
------------------------------------------------------------------------
static            91.00 ± 1.41  91.00 ± 1.41  51.00 ± 1.41  51.00 ± 1.41
set               93.00 ± 1.41  93.00 ± 1.41  53.00 ± 1.41  53.00 ± 1.41
"""

LATEX = r"""% needs \usepackage{booktabs}
\begin{table*}
  \centering
  \caption{Both data sets. Test accuracy in percent, mean over n = 2 seeds.}
  \label{tab:both}
  \begin{tabular}{llrr}
    \toprule
     & dataset & \multicolumn{2}{c}{wine} \\
    \cmidrule(lr){3-4}
    density & seed / method & static & set \\
    \midrule
    0.1 & 0 & 50.00 & 52.00 \\
     & 1 & 52.00 & 54.00 \\
    \addlinespace
    0.05 & 0 & 50.00 & 52.00 \\
     & 1 & 52.00 & 54.00 \\
    \bottomrule
  \end{tabular}
\end{table*}
"""


def of(answers: Answers, dataset: str) -> Answers:
    kept = tuple(each for each in answers.answers if each.fields["dataset"] == dataset)
    return Answers(answers=kept)


def test_rows_of_two_fields_say_the_outer_name_once_and_its_rows_stand_together(
    answers: Answers,
) -> None:
    assert build_table(answers, rows="dataset,method").render(best=True) == ROWS


def test_columns_of_two_fields_share_the_outer_heading(answers: Answers) -> None:
    table = build_table(answers, columns="dataset, density")
    assert table.render() == COLUMNS


def test_latex_has_a_heading_over_several_columns_and_room_between_outer_names(
    answers: Answers,
) -> None:
    table = build_table(
        of(answers, "wine"), rows="density,seed", columns="dataset,method", spread="none"
    )
    text = table.render("latex", caption="Both data sets.", label="tab:both", wide=True)
    assert text == LATEX.replace("mean over n = 2 seeds", "one seed")


def test_latex_has_no_room_between_outer_names_of_one_row_each(answers: Answers) -> None:
    table = build_table(of(answers, "wine"), rows="dataset,method", columns="density,seed")
    assert r"\addlinespace" not in table.render("latex")
    one_each = build_table(
        of(answers, "wine"), rows="seed,dataset", columns="density,method", spread="none"
    )
    assert r"\addlinespace" not in one_each.render("latex")


def test_markdown_joins_the_headings_because_it_has_one_line_of_them(answers: Answers) -> None:
    lines = build_table(answers, columns="dataset,density").render("markdown").splitlines()
    assert lines[2] == (
        "| method / density | digits / 0.05 | digits / 0.1 | wine / 0.05 | wine / 0.1 |"
    )


def test_html_repeats_the_outer_name_so_that_rows_can_be_sorted(answers: Answers) -> None:
    text = build_table(answers, rows="dataset,method").render("html")
    assert text.count('<th scope="row">digits</th>') == 2
    text = build_table(answers, columns="dataset,density").render("html")
    assert '<th scope="colgroup" colspan="2">digits</th>' in text


def test_csv_has_a_column_for_every_field(answers: Answers) -> None:
    table = build_table(answers, rows="dataset,method", spread="none")
    lines = table.render("csv").splitlines()
    assert lines[0].startswith("dataset,method,density,test_accuracy_mean,n,missing,")
    assert lines[1].startswith("digits,static,0.05,0.91,2,0,")


def test_several_measurements_are_groups_of_columns_each_in_its_unit(answers: Answers) -> None:
    table = build_table(of(answers, "wine"), value="test_accuracy,train_flops", spread="none")
    assert table.render().splitlines() == [
        "Test accuracy in percent and train flops in units of 1e6, mean over n = 2 seeds.",
        "",
        "                  - test accuracy in percent -  - train flops in units of 1e6 -",
        "method / density           0.05            0.1            0.05              0.1",
        "-------------------------------------------------------------------------------",
        "static                    51.00          51.00           100.0            200.0",
        "set                       53.00          53.00           100.0            200.0",
    ]


def test_csv_of_several_measurements_names_each_in_a_column(answers: Answers) -> None:
    table = build_table(of(answers, "wine"), value="test_accuracy,train_flops")
    lines = table.render("csv").splitlines()
    assert lines[0].startswith("method,density,measurement,mean,std,n,")
    assert lines[1].startswith("static,0.05,test_accuracy,0.51,0.0141421356")
    assert lines[5].startswith("static,0.05,train_flops,100000000.0,0.0,2,")


def test_a_field_of_the_rows_is_no_longer_averaged_and_the_others_still_are_refused(
    answers: Answers,
) -> None:
    with pytest.raises(AnswerError, match=r"method is static, set\..*now dataset, seed and densi"):
        build_table(answers, rows="dataset,seed")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"rows": "dataset,methd"}, r"no cell has a field 'methd'; .*; did you mean 'method'\?$"),
        ({"rows": "dataset,density"}, "density is asked for twice in rows, columns and average"),
        ({"rows": "dataset,"}, "no cell has a field ''; fields: "),
        ({"value": "test_accuracy,test_accuracy"}, "a measurement is asked for twice"),
    ],
)
def test_fields_that_cannot_be_had_are_told(
    answers: Answers, asked: dict[str, str], message: str
) -> None:
    with pytest.raises(AnswerError, match=message):
        build_table(answers, **asked)


def test_a_field_that_one_of_the_rows_determines_is_told_by_that_one(tmp_path: Path) -> None:
    measured = {
        on(dataset, method): 0.5 for dataset in ("digits", "wine") for method in ("set", "rigl")
    }
    answers = answers_with(tmp_path, measured)
    for each in answers.answers:
        each.fields["recipe.lr"] = 0.1 if each.fields["dataset"] == "wine" else 0.2  # type: ignore[index]
    table: Table = build_table(answers, rows="method,dataset")
    assert table.notes == ("recipe.lr differs (0.2: digits; 0.1: wine)",)
