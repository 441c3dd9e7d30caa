"""What stands in an entry: spreads, decimals, what is missing behind it, and which is best."""

import math
from pathlib import Path

import pytest

from orchestrator.answers.results import AnswerError
from orchestrator.tables.table import build_table
from tests.support.grids import a_cell
from tests.support.measured import answers_with


def entries(text: str) -> list[list[str]]:
    """The entries of a Markdown table, row by row."""
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    return [[part.strip() for part in row.strip("|").split("|")[1:]] for row in rows]


def seeds_of(method: str, *values: float, density: str = "0.1") -> dict:
    return {a_cell(method, density, seed): value for seed, value in enumerate(values)}


def test_half_an_interval_stands_where_it_is_asked_for(tmp_path: Path) -> None:
    # mean 0.5, std 0.1, n = 3: 4.302653 * 0.1 / sqrt(3) = 0.248414
    answers = answers_with(tmp_path, seeds_of("set", 0.4, 0.5, 0.6))
    table = build_table(answers, spread="ci")
    assert table.caption == (
        "Test accuracy in percent, mean ± half width of the 95 % confidence interval over "
        "n = 3 seeds."
    )
    assert entries(table.render("markdown")) == [["50.00 ± 24.84"]]
    narrow = build_table(answers, spread="ci", confidence=0.5)  # 0.816497 * 0.1 / sqrt(3)
    assert entries(narrow.render("markdown")) == [["50.00 ± 4.71"]]
    assert "the 50 % confidence interval" in narrow.caption


def test_csv_has_the_ends_of_the_interval(tmp_path: Path) -> None:
    answers = answers_with(tmp_path, seeds_of("set", 0.4, 0.5, 0.6))
    head, line = build_table(answers, spread="ci").render("csv").splitlines()
    assert head.startswith("method,density,test_accuracy_mean,test_accuracy_std,test_accuracy_low,")
    assert [round(float(number), 6) for number in line.split(",")[2:6]] == [
        0.5,
        0.1,
        0.251586,
        0.748414,
    ]


def test_a_mean_can_stand_alone(tmp_path: Path) -> None:
    table = build_table(answers_with(tmp_path, seeds_of("set", 0.4, 0.6)), spread="none")
    assert table.caption == "Test accuracy in percent, mean over n = 2 seeds."
    assert entries(table.render("markdown")) == [["50.00"]]


@pytest.mark.parametrize(
    ("first", "second", "shown", "unit"),
    [
        (1234.0, 1236.0, "1235 ± 1", ""),
        (12.0, 13.0, "12.50 ± 0.71", ""),
        (0.0123, 0.0124, "0.01235 ± 0.00007", ""),
        (0.0, 0.0, "0.00 ± 0.00", ""),
        (-0.01, -0.02, "-0.01500 ± 0.00707", ""),
        (2.0e9, 4.0e9, "3.000 ± 1.414", " in units of 1e9"),
        (2.0e-6, 4.0e-6, "3.000 ± 1.414", " in units of 1e-6"),
    ],
)
def test_mean_and_spread_have_the_same_decimals_and_the_caption_tells_powers_of_ten(
    tmp_path: Path, first: float, second: float, shown: str, unit: str
) -> None:
    cells = seeds_of("set", first, second)
    answers = answers_with(tmp_path, {cell: {"odd": value} for cell, value in cells.items()})
    table = build_table(answers, value="odd")
    assert entries(table.render("markdown")) == [[shown]]
    assert table.caption == f"Odd{unit}, mean ± standard deviation over n = 2 seeds."


def test_a_difference_that_rounds_to_zero_has_no_sign(tmp_path: Path) -> None:
    cell = a_cell()
    answers = answers_with(tmp_path, {cell: {"generalisation_gap": -0.00001}})
    table = build_table(answers, value="generalisation_gap")
    assert entries(table.render("markdown")) == [["0.00"]]


def test_what_is_missing_and_what_failed_stand_in_the_entry_itself(tmp_path: Path) -> None:
    answers = answers_with(
        tmp_path,
        {**seeds_of("static", 0.5, 0.5, 0.5), **seeds_of("set", 0.5, 0.7)},
        failed={a_cell("rigl", "0.1", 0): "INVALID", a_cell("gmp", "0.1", 0): "INVALID"},
        missing=[a_cell("set", "0.1", 2), a_cell("rigl", "0.1", 1), a_cell("snip", "0.1", 0)],
    )
    for format in ("text", "markdown", "latex", "html"):
        text = build_table(answers).render(format)
        for shown in ("(3)", "(2 of 3)", "1 of 2 failed"):
            assert shown in text, format
    assert entries(build_table(answers).render("markdown")) == [
        ["50.00 ± 0.00 (3)"],
        ["60.00 ± 14.14 (2 of 3)"],
        ["1 of 2 failed"],
        ["failed"],
        ["-"],
    ]


def test_n_is_told_once_even_where_all_entries_lack_a_seed(tmp_path: Path) -> None:
    answers = answers_with(tmp_path, seeds_of("set", 0.5, 0.5), missing=[a_cell("set", "0.1", 2)])
    table = build_table(answers)
    assert "over n = 2 seeds" in table.caption
    assert entries(table.render("markdown")) == [["50.00 ± 0.00 (2 of 3)"]]


@pytest.mark.parametrize(("value", "shown"), [(math.nan, "nan"), (math.inf, "inf")])
def test_a_value_that_is_not_finite_is_never_skipped(
    tmp_path: Path, value: float, shown: str
) -> None:
    measured = {**seeds_of("static", 0.2, 0.2), **seeds_of("set", value, 0.9)}
    table = build_table(answers_with(tmp_path, measured))
    assert entries(table.render("markdown", best=True)) == [["20.00 ± 0.00"], [shown]]
    assert table.notes == ("1 entry has no finite mean, because a measurement is not finite",)


def test_means_that_read_the_same_are_equally_good(tmp_path: Path) -> None:
    measured = {
        **seeds_of("static", 0.50001),
        **seeds_of("set", 0.50004),
        **seeds_of("rigl", 0.49994),
    }
    text = build_table(answers_with(tmp_path, measured)).render("markdown", best=True)
    assert entries(text) == [["**50.00**"], ["**50.00**"], ["49.99"]]


def test_a_mean_of_what_others_left_by_failing_is_never_best(tmp_path: Path) -> None:
    measured = {**seeds_of("static", 0.2, 0.2), **seeds_of("set", 0.9), **seeds_of("gmp", 0.1)}
    failed = {a_cell("set", "0.1", 1): "INVALID"}
    text = build_table(answers_with(tmp_path, measured, failed=failed)).render(best=True)
    assert "90.00 (1 of 2, 1 failed)\n" in text
    assert "20.00 ± 0.00 (2)*\n" in text
    assert "note: * best mean of each column, of entries without failures\n" in text


def test_a_spread_or_confidence_that_does_not_exist_is_told(tmp_path: Path) -> None:
    answers = answers_with(tmp_path, seeds_of("set", 0.5))
    with pytest.raises(AnswerError, match=r"no spread 'st'; spreads: .*; did you mean 'std'\?$"):
        build_table(answers, spread="st")
    with pytest.raises(
        AnswerError, match=r"confidence 95 is not between 0\.5 and 0\.9999, such as 0\.95"
    ):
        build_table(answers, spread="ci", confidence=95)
