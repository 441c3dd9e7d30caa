"""A comparison in every format: what stands in it, how wide it is, and that it is all there."""

import csv
import io
import json
import re

import pytest

from orchestrator.answers.rankings import Unranked
from orchestrator.answers.results import AnswerError
from orchestrator.contrasts.building import Comparison, build_comparison
from orchestrator.contrasts.formats import render
from tests.support.answers import answers_of, together

DENSE = (0.97, 0.98, 0.96)
ENTRIES = {
    ("dense", "1"): DENSE,
    ("set", "0.1"): (0.95, 0.955, 0.93),
    ("set", "0.5"): DENSE,
    ("rigl", "0.1"): (0.96, 0.98, 0.955),
    ("rigl", "0.5"): (0.975, None, 0.98),
}


def usual(**asked: str) -> Comparison:
    return build_comparison(answers_of(ENTRIES), **asked)


def test_the_text_has_a_line_for_each_contrast_then_the_ranks() -> None:
    # set at 0.1: differences -2, -2.5, -3 points: mean -2.5, deviation 0.5, t = -5 sqrt(3), p =
    # 1 - t / sqrt(2 + t^2) = 1 - sqrt(75 / 77) = 0.0131, in a family of 4: 0.0523
    first, second = render(usual()).split("\n\nAverage")
    caption, _, header, rule, *lines = first.splitlines()
    assert caption == (
        "Test accuracy, difference to dense at density 1 in percentage points, paired by seed."
    )
    assert re.split("  +", header) == [
        "method", "density", "n", "difference", "95 % t", "95 % bootstrap", "p t", "p Wilcoxon",
        "Holm", "BH", "W/T/L",
    ]  # fmt: skip
    assert len(rule) == len(header) <= 120
    assert [" ".join(line.split()) for line in lines[:4]] == [
        "set 0.1 3 -2.50 [-3.74, -1.26] [-3.00, -2.00] 0.0131 0.2500 0.0523 0.0523 0/0/3",
        "0.5 3 0.00 - - - 1.0000 - - 0/3/0",
        "rigl 0.1 3 -0.50 [-1.74, +0.74] [-1.00, 0.00] 0.2254 0.5000 0.6762 0.4508 0/1/2",
        "0.5 2 +1.25 [-8.28, +10.78] [+0.50, +2.00] 0.3440 0.5000 0.6881 0.4587 2/0/0",
    ]
    assert lines[4:] == [
        "note: Holm and BH (Benjamini-Hochberg) correct the p of the paired t test over the 4 "
        "contrasts of this table; all p are two-sided",
        "note: each interval is for its contrast alone, Holm's p for all of the table",
        "note: 1 of 4 contrasts has no p and counts as 1 in the corrections",
        "note: no difference to dense is significant (p < 0.05, paired t test by seed, Holm's "
        "correction over the 4 comparisons of test accuracy, n = 2 to 3 pairs)",
        "note: W/T/L: seeds won, tied and lost; higher wins",
        "note: 1 cell has no result yet",
        "note: set at 0.5: both are equal for every seed",
        "note: rigl at 0.5: 1 seed unpaired",
        "note: with 2 pairs (rigl at 0.1, rigl at 0.5) the signed-rank test can give no p below "
        "0.5, after Holm's correction over 4 contrasts none below 1; with 3 pairs (set at 0.1) the "
        "signed-rank test can give no p below 0.25, after Holm's correction over 4 contrasts none "
        "below 1; 0.05 takes 8 pairs",
        "note: with fewer than 10 pairs (here 2, 3) the bootstrap interval is too narrow, because "
        "resamples know no more spread than the pairs: rely on the t interval",
    ]
    assert second.splitlines() == [
        " ranks by test accuracy over 2 blocks of density; 1 is the best.",
        "",
        "method  average rank  W/T/L against the others  W/T/L against dense",
        "-------------------------------------------------------------------",
        "rigl            1.00                     2/0/0                1/0/1",
        "set             2.00                     0/0/2                0/1/1",
        "note: no test of equal ranks: blocks of the same data and seeds are not independent",
        "note: W/T/L: blocks won, tied and lost by their means over seeds",
        "note: means are over the 2 to 3 seeds that all rows and the reference have; left out, "
        "because not all have them: 1 of 3 at 0.5",
        "note: not ranked, because the grid lacks it in a block: dense",
    ]


def test_csv_has_every_number_unrounded() -> None:
    lines = list(csv.DictReader(io.StringIO(render(usual(), "csv"))))
    assert [(line["method"], line["density"], line["n"]) for line in lines] == [
        ("set", "0.1", "3"), ("set", "0.5", "3"), ("rigl", "0.1", "3"), ("rigl", "0.5", "2")
    ]  # fmt: skip
    assert float(lines[0]["mean"]) == pytest.approx(-0.025, abs=1e-15)
    assert float(lines[0]["p_t"]) == pytest.approx(1 - (75 / 77) ** 0.5, rel=1e-9)
    assert (lines[0]["reference_row"], lines[0]["reference_column"]) == ("dense", "1")
    assert (lines[0]["test"], lines[0]["family"], lines[0]["confidence"]) == ("t", "4", "0.95")
    assert (lines[1]["p_t"], lines[1]["p_holm"]) == ("", "")
    assert lines[3]["warning"] == "1 seed unpaired"


def test_json_has_contrasts_ranks_and_warnings() -> None:
    content = json.loads(render(usual(test="wilcoxon"), "json"))
    assert content["test"] == "wilcoxon"
    assert [each["p_holm"] for each in content["contrasts"]] == [1.0, 1.0, 1.0, 1.0]
    assert content["ranks"]["average"] == {"set": 2.0, "rigl": 1.0}
    assert content["ranks"]["tallies"][0] == {
        "first": "set", "second": "rigl", "wins": 0, "ties": 0, "losses": 2
    }  # fmt: skip
    assert "1 cell has no result yet" in content["notes"]


def test_latex_has_two_floats_that_booktabs_understands() -> None:
    text = render(usual(), "latex")
    assert text.count(r"\begin{table*}") == text.count(r"\begin{table}") == 1
    assert r"set & 0.1 & 3 & $-$2.50 & {[}$-$3.74, $-$1.26{]} &" in text
    assert "95 \\% t" in text


def test_markdown_has_two_tables() -> None:
    text = render(usual(), "markdown")
    assert "| set | 0.1 | 3 | -2.50 |" in text
    assert "| rigl | 1.00 | 2/0/0 | 1/0/1 |" in text


def test_lower_is_better_for_a_loss_and_other_units_keep_four_digits() -> None:
    text = render(usual(value="test_loss"))
    assert "Test loss, difference to dense at density 1, paired by seed." in text
    assert "+0.02500  [+0.01258, +0.03742]" in text
    assert "lower wins\n" in text


def test_a_reference_in_every_column_is_told_so() -> None:
    sparse = {key: values for key, values in ENTRIES.items() if key[0] != "dense"}
    found = build_comparison(answers_of(sparse), against="set")
    assert "difference to set at the same density in" in render(found)


def test_data_sets_are_compared_within_themselves() -> None:
    data = together(answers_of(ENTRIES, dataset="digits"), answers_of(ENTRIES, dataset="mnist"))
    found = build_comparison(data, columns="dataset,density")
    assert len(found.contrasts.contrasts) == 8
    assert found.contrasts.of("set", "mnist, 0.1").reference == ("dense", "mnist, 1")  # type: ignore[union-attr]
    assert render(found).splitlines()[0] == render(usual()).splitlines()[0]
    assert "over 4 blocks of dataset and density" in render(found)


def test_without_two_rows_in_two_columns_there_are_no_ranks() -> None:
    few = {key: ENTRIES[key] for key in (("dense", "1"), ("set", "0.1"))}
    found = build_comparison(answers_of(few))
    assert isinstance(found.ranking, Unranked)
    assert "no average ranks: no block has two rows" in render(found)
    assert json.loads(render(found, "json"))["ranks"] is None


def test_over_data_sets_ranks_are_tested_and_what_cannot_differ_is_told() -> None:
    def at(*datasets: str) -> str:
        entries = {("set", "0.1"): (0.9, 0.91), ("rigl", "0.1"): (0.95, 0.97)}
        data = together(*(answers_of(entries, dataset=name) for name in datasets))
        return render(build_comparison(data, columns="dataset", against="set"))

    # two rows: the statistic is the number of blocks where one wins them all; the critical
    # difference is 1.96 / sqrt(blocks), which is above 1 for three
    few = at("digits", "mnist", "wine")
    assert "chi-squared 3.00 with 1 degree of freedom, p = 0.0833, rough for 3 blocks" in few
    assert "by Nemenyi's test no ranks of 2 rows can differ at 5 % over 3 blocks" in few
    more = at("digits", "mnist", "wine", "chips", "iris")
    assert "average ranks differ at 5 % that are 0.88 or more apart" in more


def test_the_caption_names_what_is_averaged() -> None:
    data = together(answers_of(ENTRIES, dataset="digits"), answers_of(ENTRIES, dataset="mnist"))
    text = render(build_comparison(data, average=["dataset"]))
    assert ", mean over dataset (2) within each seed, paired by seed.\n" in text


def test_a_significant_difference_has_its_mark() -> None:
    values = (0.95, 0.96, 0.94, 0.955)
    worse = (0.90, 0.915, 0.888, 0.906)
    answers = answers_of({("dense", "1"): values, ("set", "0.1"): worse})
    assert "-4.90‡" in render(build_comparison(answers))
    assert "<sup>&#8225;</sup>" in render(build_comparison(answers), "html")


def test_nothing_to_compare_with_is_refused() -> None:
    with pytest.raises(AnswerError, match="there is no row to compare with dense"):
        build_comparison(answers_of({("dense", "1"): DENSE}))


def test_an_unknown_format_or_test_names_the_nearest() -> None:
    with pytest.raises(AnswerError, match=r"no format 'latx'.*did you mean 'latex'"):
        render(usual(), "latx")
    with pytest.raises(AnswerError, match=r"no test 'wilcoxn'.*did you mean 'wilcoxon'"):
        usual(test="wilcoxn")


@pytest.mark.parametrize("format", ["text", "markdown", "csv", "latex", "json"])
def test_a_grid_without_results_is_written_in_every_format(format: str) -> None:
    nothing = (None,) * 3
    answers = answers_of({("dense", "1"): nothing, ("set", "0.1"): nothing})
    text = render(build_comparison(answers), format)
    assert "no seed has both results" in text
    assert text.endswith("\n")
