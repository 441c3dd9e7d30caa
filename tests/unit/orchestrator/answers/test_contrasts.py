"""Contrasts: every entry against the reference row, paired by seed, with what is missing told."""

import math
from dataclasses import replace

import pytest

from orchestrator.answers.contrasts import Contrasts, contrasts
from orchestrator.answers.grouping import group
from orchestrator.answers.results import AnswerError, Answers
from orchestrator.statistics.corrections import benjamini_hochberg, holm
from tests.support.answers import answers_of, contrasts_of, together

DENSE = (0.97, 0.98, 0.96, 0.97, 0.98)
SET = (0.95, 0.955, 0.93, 0.95, 0.965)
RIGL = (0.96, 0.98, 0.955, 0.965, 0.97)


def usual(**changed: tuple[float | None, ...]) -> Contrasts:
    given = {"dense": DENSE, "set": SET, "rigl": RIGL, **changed}
    return contrasts_of(
        answers_of(
            {("dense", "1"): given["dense"], ("set", "0.1"): given["set"],
             ("rigl", "0.1"): given["rigl"]}
        )
    )  # fmt: skip


def test_a_reference_in_one_column_is_that_of_all() -> None:
    found = usual()
    assert [(each.row, each.column, each.reference) for each in found.contrasts] == [
        ("set", "0.1", ("dense", "1")),
        ("rigl", "0.1", ("dense", "1")),
    ]
    assert found.of("set", "0.1") == found.contrasts[0]
    assert found.of("dense", "1") is None


def test_a_reference_in_every_column_is_that_of_the_same_column() -> None:
    entries = {("set", "0.1"): SET, ("set", "0.5"): DENSE, ("rigl", "0.1"): RIGL}
    found = contrasts_of(answers_of({**entries, ("rigl", "0.5"): RIGL}), against="set")
    assert [each.reference for each in found.contrasts] == [("set", "0.1"), ("set", "0.5")]
    difference = found.contrasts[1].difference
    assert difference is not None
    assert (difference.mean, difference.losses) == (pytest.approx(-0.006), 4)


def test_pairs_are_by_seed_and_the_corrections_over_the_table() -> None:
    found = usual()
    first, second = (each.difference for each in found.contrasts)
    assert first is not None
    assert second is not None
    assert first.mean == pytest.approx(-0.022)
    assert (first.wins, first.ties, first.losses) == (0, 0, 5)
    assert (second.wins, second.ties, second.losses) == (0, 1, 4)
    p_values = [first.p_t or 0, second.p_t or 0]
    assert [each.p_holm for each in found.contrasts] == holm(p_values)
    assert [each.p_bh for each in found.contrasts] == benjamini_hochberg(p_values)


def test_the_signed_rank_test_can_be_the_one_that_is_corrected() -> None:
    answers = answers_of({("dense", "1"): DENSE, ("set", "0.1"): SET, ("rigl", "0.1"): RIGL})
    found = contrasts_of(answers, test="wilcoxon")
    assert [each.p_holm for each in found.contrasts] == [0.125, 0.125]  # 2 * 0.0625; 0.125


def test_seeds_without_a_partner_are_told() -> None:
    found = usual(set=(*SET[:2], None, *SET[3:]), dense=(None, *DENSE[1:]))
    first = found.contrasts[0]
    assert first.difference is not None
    assert first.difference.n == 3
    assert first.warning == "2 seeds unpaired"
    assert found.contrasts[1].warning == "1 seed unpaired"
    assert "2 cells have no result yet" in found.notes


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_diverged_cells_are_left_out_and_told(value: float) -> None:
    found = usual(set=(value, *SET[1:])).contrasts[0]
    assert found.difference is not None
    assert (found.difference.n, found.warning) == (4, "1 seed diverged and left out")


def test_what_has_no_common_seed_has_no_difference_and_counts_as_1_in_the_family() -> None:
    found = usual(set=(None, None, None, None, None))
    first, second = found.contrasts
    assert (first.difference, first.p_holm, first.p_bh) == (None, None, None)
    assert first.warning == "5 seeds unpaired; no seed has both results"
    assert second.difference is not None
    assert second.difference.p_t is not None
    assert second.p_holm == pytest.approx(2 * second.difference.p_t)
    assert second.p_bh == pytest.approx(2 * second.difference.p_t)


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        (DENSE, "both are equal for every seed"),
        (tuple(x - 0.01 for x in DENSE), "all 5 differences are equal: no interval, no t test"),
        (SET[:1], "4 seeds unpaired; one pair has no spread: no interval, no test"),
    ],
)
def test_what_cannot_be_tested_is_said_so(values: tuple[float, ...], warning: str) -> None:
    found = usual(set=values).contrasts[0]
    assert (found.p_holm, found.warning) == (None, warning)


def test_the_lower_end_wins_where_it_is_better() -> None:
    answers = answers_of({("dense", "1"): DENSE, ("set", "0.1"): SET})
    found = contrasts_of(answers, value="test_loss", better="lower").contrasts[0].difference
    assert found is not None
    assert (found.wins, found.losses) == (0, 5)


def test_a_reference_that_is_no_row_names_the_nearest() -> None:
    answers = answers_of({("dense", "1"): DENSE, ("set", "0.1"): SET})
    with pytest.raises(AnswerError, match=r"no row 'dence'.*rows: dense, set; did you mean.*dense"):
        contrasts_of(answers, against="dence")


def test_a_reference_in_several_columns_but_not_in_all_is_refused() -> None:
    entries = {("set", "0.1"): SET, ("set", "0.5"): SET, ("rigl", "0.1"): RIGL}
    answers = answers_of({**entries, ("rigl", "0.2"): RIGL, ("dense", "1"): DENSE})
    with pytest.raises(AnswerError, match=r"not there at 0\.2, 1, nor in one column.*0\.1, 0\.5"):
        contrasts_of(answers, against="set")


def test_a_reference_that_depends_on_the_columns_is_not_that_of_another() -> None:
    data = together(
        answers_of({("dense", "1"): DENSE, ("set", "0.1"): SET}, dataset="digits"),
        answers_of({("set", "0.1"): SET}, dataset="cifar10"),
    )
    kept = Answers(answers=tuple(each for each in data.answers))
    grouped = group(kept, rows="method", columns="dataset", value="test_accuracy")
    with pytest.raises(
        AnswerError, match="not there at cifar10, and what it is at digits depends on the dataset"
    ):
        contrasts(grouped, against="dense", better="higher")
    # without a second data set the column says nothing, and dense is in the same one
    alone = Answers(answers=tuple(each for each in kept.answers if "digits" in each.cell))
    grouped = group(alone, rows="method", columns="dataset", value="test_accuracy")
    [found] = contrasts(grouped, against="dense", better="higher").contrasts
    assert found.reference == ("dense", "digits")


def test_a_reference_at_one_density_of_sparse_ones_is_that_density_only() -> None:
    answers = answers_of({("set", "0.1"): SET, ("rigl", "0.1"): RIGL, ("rigl", "0.5"): RIGL})
    with pytest.raises(AnswerError, match=r"at 0\.5, and what it is at 0\.1 depends on the"):
        contrasts_of(answers, against="set")


@pytest.mark.parametrize("column", ["allocation", "allocation.power", "method.update_every"])
def test_dense_has_no_allocation_and_no_options_of_others(column: str) -> None:
    def at(answers: Answers, value: str | None) -> Answers:
        changed = [replace(each, fields={**each.fields, column: value}) for each in answers.answers]
        return Answers(answers=tuple(changed))

    lacks = None if column == "method.update_every" else "uniform"
    data = together(
        at(answers_of({("dense", "1"): DENSE}), lacks),
        at(answers_of({("set", "0.1"): SET}), "erk"),
        at(answers_of({("rigl", "0.1"): RIGL}), "uniform"),
    )
    grouped = group(data, rows="method", columns=column, value="test_accuracy")
    found = contrasts(grouped, against="dense", better="higher").contrasts
    assert {each.reference[0] for each in found} == {"dense"}
    assert len(found) == 2


def test_a_wrong_test_or_confidence_is_refused() -> None:
    answers = answers_of({("dense", "1"): DENSE, ("set", "0.1"): SET})
    with pytest.raises(AnswerError, match=r"confidence 95 is not between 0\.5 and 0.9999"):
        contrasts_of(answers, confidence=95)
    with pytest.raises(AnswerError, match="no test 'welch'; tests: t, wilcoxon"):
        contrasts_of(answers, test="welch")  # type: ignore[arg-type]
