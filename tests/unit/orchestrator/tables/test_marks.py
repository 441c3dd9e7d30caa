"""Marks against a reference row, with a legend that says what they mean."""

import math
from pathlib import Path

import pytest

from orchestrator.answers.results import AnswerError, Answers
from orchestrator.tables.table import build_table
from tests.support.grids import a_cell
from tests.support.measured import answers_with, on

SPREAD = (0.0, 0.01, -0.01, 0.005, -0.005)
JITTER = (0.001, -0.001, 0.002, 0.0, -0.002)
OFFSETS = {"static": -0.2, "set": 0.0, "rigl": 0.1}


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    """Dense at density 1; static clearly worse, set the same, rigl clearly better."""
    measured = {a_cell("dense", "1", seed): 0.5 + off for seed, off in enumerate(SPREAD)}
    for method, offset in OFFSETS.items():
        for seed, (off, jitter) in enumerate(zip(SPREAD, JITTER, strict=True)):
            measured[a_cell(method, "0.1", seed)] = 0.5 + offset + off + jitter
    return answers_with(tmp_path, measured)


TEXT = """\
Test accuracy in percent, mean ± standard deviation over n = 5 seeds.

method / density           0.1              1
---------------------------------------------
dense                            50.00 ± 0.79
static            30.00 ± 0.74‡
set               50.00 ± 0.74
rigl              60.00 ± 0.74†
note: † better, ‡ worse than dense (p < 0.05, paired t test by seed, Holm's correction over the \
3 comparisons of test accuracy, n = 5 pairs)
"""


def test_entries_that_differ_are_marked_and_the_legend_says_how_it_was_found(
    answers: Answers,
) -> None:
    assert build_table(answers, against="dense").render() == TEXT


def test_every_format_has_the_marks(answers: Answers) -> None:
    table = build_table(answers, against="dense")
    assert r"60.00 $\pm$ 0.74\rlap{$^{\dagger}$} & " in table.render("latex")
    assert r"$\dagger$ better, $\ddagger$ worse than dense" in table.render("latex")
    assert "| **60.00 ± 0.74**† |" in table.render("markdown", best=True)
    assert "30.00 &#177; 0.74<sup>&#8225;</sup></td>" in table.render("html")


def test_csv_has_the_difference_and_every_p_of_it(answers: Answers) -> None:
    head, dense, _, same, better = build_table(answers, against="dense").render("csv").splitlines()
    assert head.endswith(
        ",difference,difference_low,difference_high,pairs,p_t,p_wilcoxon,p_holm,p_bh"
    )
    assert dense.endswith(",,,,,,,,")
    numbers = [float(number) for number in better.split(",")[-8:]]
    assert numbers[0] == pytest.approx(0.1)
    assert numbers[3] == 5
    assert numbers[5] == 2 / 2**5  # all five differences have one sign
    # the differences have mean 0 and are symmetric: nothing speaks against equality
    assert float(same.split(",")[-4]) == pytest.approx(1)


def test_what_failed_or_diverged_is_never_marked_as_better(tmp_path: Path) -> None:
    measured = {}
    for seed, (off, jitter) in enumerate(zip(SPREAD, JITTER, strict=True)):
        measured[a_cell("dense", "1", seed)] = 0.5 + off
        for method, offset in (("whole", 0.1), ("partly", 0.1), ("spoilt", 0.1), ("bad", -0.1)):
            measured[a_cell(method, "0.1", seed)] = 0.5 + offset + off + jitter
    measured[a_cell("spoilt", "0.1", 5)] = measured[a_cell("dense", "1", 5)] = math.nan
    failed = {a_cell(method, "0.1", 5): "INVALID" for method in ("partly", "bad")}
    table = build_table(answers_with(tmp_path, measured, failed=failed), against="dense")
    assert table.notes[-4:-2] == (
        "† better, ‡ worse than dense (p < 0.05, paired t test by seed, Holm's correction over the "
        "4 comparisons of test accuracy, n = 5 pairs)",
        "significantly better than dense, but not marked, because cells failed or diverged and "
        "only the others were compared: partly at 0.1, spoilt at 0.1",
    )
    lines = {line.split()[0]: line for line in table.render().splitlines() if line}
    assert lines["whole"].endswith("60.00 ± 0.74 (5)†")
    assert lines["partly"].endswith("60.00 ± 0.74 (5 of 6, 1 failed)")
    assert lines["spoilt"].endswith("nan (6)")
    assert lines["bad"].endswith("40.00 ± 0.74 (5 of 6, 1 failed)‡")


def test_lower_is_better_where_the_measurement_says_so(tmp_path: Path) -> None:
    measured = {
        a_cell(method, "0.1", seed): {"test_loss": base + off}
        for method, base in (("dense", 1.0), ("set", 0.5))
        for seed, off in enumerate(SPREAD if method == "dense" else JITTER)
    }
    text = build_table(answers_with(tmp_path, measured), value="test_loss", against="dense")
    assert "0.5000 ± 0.0016†" in text.render()


def test_where_nothing_says_what_is_better_marks_mean_higher_and_lower(tmp_path: Path) -> None:
    measured = {
        a_cell(method, "0.1", seed): {"odd": base + off}
        for method, base in (("dense", 1.0), ("set", 0.5))
        for seed, off in enumerate(SPREAD if method == "dense" else JITTER)
    }
    table = build_table(answers_with(tmp_path, measured), value="odd", against="dense")
    assert table.notes[0].startswith("† higher, ‡ lower than dense (p < 0.05")
    assert "0.5000 ± 0.0016‡" in table.render()


def test_few_pairs_cannot_be_marked_by_ranks_and_the_notes_say_so(answers: Answers) -> None:
    table = build_table(answers, against="dense", test="wilcoxon")
    assert not set("†‡") & set("".join(table.render().splitlines()[4:8]))
    assert table.notes[0].startswith("no difference to dense is significant (p < 0.05, signed-")
    assert table.notes[1].startswith(
        "with 4 pairs (set at 0.1) the signed-rank test can give no p below 0.125, after"
    )
    # the smallest p of five pairs is 1/16, and 3/16 after Holm's correction
    lenient = build_table(answers, against="dense", test="wilcoxon", confidence=0.8)
    assert len(lenient.notes) == 1
    assert "‡" in lenient.render().splitlines()[5]


def test_one_pair_is_no_test_and_no_mark(tmp_path: Path) -> None:
    measured = {a_cell("dense", "1"): 0.9, a_cell("set", "0.1"): 0.1}
    table = build_table(answers_with(tmp_path, measured), against="dense")
    assert table.notes == (
        "test accuracy against dense, set at 0.1: one pair has no spread: no interval, no test",
    )
    measured |= {a_cell("static", "0.1"): 0.3}
    both = build_table(answers_with(tmp_path / "both", measured), against="dense")
    assert both.notes[0].startswith("test accuracy against dense, everywhere: one pair has no")


def test_methods_are_compared_on_their_own_data_set(tmp_path: Path) -> None:
    measured = {}
    for seed, (off, jitter) in enumerate(zip(SPREAD, JITTER, strict=True)):
        measured |= {
            on("digits", "dense", "1", seed): 0.9 + off,
            on("digits", "set", "0.1", seed): 0.9 + off + jitter,
            on("wine", "dense", "1", seed): 0.3 + off,
            on("wine", "set", "0.1", seed): 0.6 + off + jitter,
        }
    answers = answers_with(tmp_path, measured)
    table = build_table(answers, rows="dataset,method", against="dense")
    assert "60.00 ± 0.74†" in table.render()
    assert "90.00 ± 0.74†" not in table.render()
    assert table.notes[1:] == ()
    both = build_table(answers, average=["dataset"], against="dense")
    # within each seed the data sets differ by 0 and 0.3 from dense: 0.15, five times
    difference = both.compared[0].contrasts[0].difference
    assert difference is not None
    assert (difference.n, round(difference.mean, 12)) == (5, 0.15)


def test_entries_with_names_of_several_fields_are_listed_apart(tmp_path: Path) -> None:
    measured = {
        on(dataset, method, density): 0.5
        for dataset in ("digits", "wine", "chips")
        for method, density in (("dense", "1"), ("set", "0.1"))
    }
    measured[on("chips", "set", "0.1", 1)] = measured[on("chips", "dense", "1", 1)] = 0.6
    table = build_table(answers_with(tmp_path, measured), rows="dataset,method", against="dense")
    assert table.notes == (
        "test accuracy against dense, digits, set at 0.1; wine, set at 0.1: one pair has no "
        "spread: no interval, no test",
        "test accuracy against dense, chips, set at 0.1: both are equal for every seed",
    )


def test_a_reference_or_a_test_that_does_not_exist_is_told(answers: Answers) -> None:
    with pytest.raises(AnswerError, match=r"no row 'dens'.*; rows: .*; did you mean 'dense'\?$"):
        build_table(answers, against="dens")
    with pytest.raises(AnswerError, match=r"no test 'T'; tests: t, wilcoxon"):
        build_table(answers, against="dense", test="T")
