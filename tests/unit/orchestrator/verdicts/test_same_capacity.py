"""Pairs of equal capacity on hand-made results: labels, tests, R1 to R3, R7, R8."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.answers.results import AnswerError
from orchestrator.verdicts.capacity_pairs import comparisons, optimizer_of, variant_of
from orchestrator.verdicts.rendering import render
from orchestrator.verdicts.same_capacity import judge_same_capacity
from tests.support.capacity_pairs import (
    BN,
    DA,
    EVERY,
    L2,
    LOSES,
    PLAIN,
    WINS,
    halves,
    judged,
    under,
)
from tests.support.verdicts import an_answer, material, outcomes, verdict_of

CHECKS = ["R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8"]


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({}, "NR"),
        (DA, "DA"),
        (L2, "L2"),
        ({**L2, "recipe__optimizer": "adamw"}, "WD"),
        ({"model__skip": True, **BN}, "SC_BN"),
        ({**DA, **L2, "model__skip": True, **BN}, "DA_L2_SC_BN"),
        ({**DA, **L2, **BN, "model__skip": True, "recipe__optimizer": "adamw"}, "DA_WD_SC_BN"),
        ({"recipe__rotation": 15.0}, "DA"),
    ],
)
def test_the_variant_is_derived_from_the_fields(fields: dict[str, Any], label: str) -> None:
    assert variant_of(an_answer("same_capacity", {}, **fields)) == label


def test_momentum_is_an_optimizer_of_its_own() -> None:
    told = [
        optimizer_of(an_answer("same_capacity", {}, recipe__optimizer=name, recipe__momentum=m))
        for name, m in (("sgd", 0.0), ("sgd", 0.9), ("adam", 0.9))
    ]
    assert told == ["sgd", "momentum 0.9", "adam"]


def test_pairs_are_pooled_over_widths_and_seeds_alone() -> None:
    cells = [*halves(WINS), *halves(WINS, seed=1), *halves(WINS, **BN), *halves(WINS, **DA)]
    found = comparisons(material(cells))
    assert [(each.variant, len(each.pairs)) for each in found] == [("NR", 10), ("BN", 5), ("DA", 5)]
    assert [dict(each.slab) for each in found] == [{}, {}, {}]


def test_a_learning_rate_of_each_optimizer_makes_no_slab_but_a_crossed_one_does() -> None:
    own = [*halves(WINS), *halves(WINS, recipe__optimizer="adam", recipe__lr=0.001)]
    assert [dict(each.slab) for each in comparisons(material(own))] == [{}, {}]
    crossed = [*own, *halves(WINS, recipe__lr=0.001)]
    assert [dict(each.slab) for each in comparisons(material(crossed))] == [
        {"lr": "0.1"}, {"lr": "0.001"}, {"lr": "0.001"},
    ]  # fmt: skip


def test_values_of_a_variant_are_tests_of_one_family() -> None:
    found = judged(halves(WINS, recipe__crop=2), halves(LOSES, recipe__crop=4), halves(LOSES))
    matrix, tests, widths = found.sheets
    assert matrix.columns == ("optimizer", "DA crop=2", "DA crop=4", "NR")
    assert matrix.rows == (("sgd", "0.031 (0.094)*", "1.000 (1.000)", "1.000 (1.000)"),)
    assert [row[1] for row in tests.rows] == ["DA crop=2", "DA crop=4", "NR"]
    assert widths.rows[5][1] == "DA crop=4"


def test_widths_that_round_to_one_network_count_once() -> None:
    cells = [*halves(WINS[:3]), *halves(WINS[:3], seed=1)]
    dense = {0.1: 1, 0.3: 1, 0.5: 2}
    networks = {
        answer.cell: ((((dense[answer.fields["method.width"]]), 4), 4),) for answer in cells
    }
    found = judge_same_capacity(replace(material(cells), networks=networks))
    assert [row[3] for row in found.sheets[1].rows] == [4]
    assert (
        found.sheets[1].notes[1] == "2 pairs are left out: both networks are those of another width"
    )
    assert [row[3] for row in judge_same_capacity(material(cells)).sheets[1].rows] == [6]


def test_p_values_are_told_raw_and_adjusted_for_their_slab() -> None:
    found = judged(halves(WINS), halves(LOSES, **BN))
    matrix, tests, _ = found.sheets
    assert matrix.columns == ("optimizer", "NR", "BN")
    assert matrix.rows == (("sgd", "0.031 (0.062)*", "1.000 (1.000)"),)
    row = dict(zip(tests.columns, tests.rows[0], strict=True))
    assert (row["n"], row["W+"], row["p"], row["p (Holm)"]) == (5, 15.0, 0.03125, 0.0625)
    assert row["median S - D"] == pytest.approx(0.03)


def test_activations_get_a_table_of_their_own() -> None:
    found = judged(halves(WINS), halves(LOSES, model__activation="swish"))
    assert [sheet.id for sheet in found.sheets] == [
        "p_by_variant", "p_by_variant", "p_by_activation", "tests", "by_width",
    ]  # fmt: skip
    assert found.sheets[2].columns == ("optimizer", "relu", "swish")


def test_both_halves_are_told_by_width_with_what_their_capacity_does_not_share() -> None:
    cells = [
        an_answer(
            "same_capacity", {"test_accuracy": accuracy, "extra_params": extra}, seed,
            method__role=role, method__width=0.1,
        )
        for seed in range(2)
        for role, accuracy, extra in (("sparse", 0.4 + seed / 10, 90.0), ("dense", 0.3, 9.0))
    ]  # fmt: skip
    sheet = judged(iter(cells)).sheets[-1]
    assert sheet.columns[3:] == (
        "width", "S", "D", "S - D", "n", "extra parameters of S", "extra parameters of D",
    )  # fmt: skip
    assert sheet.rows == (
        ("sgd", "NR", "relu", "0.1", pytest.approx(0.45), 0.3, pytest.approx(0.15), 2, 90.0, 9.0),
    )


def test_lines_of_csv_say_which_width_they_are_of() -> None:
    lines = render(judged(halves(WINS)), "csv").splitlines()
    of = "optimizer=sgd variant=NR activation=relu width=0.1"
    assert f"by_width,{of},S - D,{0.3 + 0.05 - 0.3}" in lines


@pytest.mark.parametrize(
    ("gains", "outcome"), [(WINS, "supported"), (LOSES, "not supported"), (WINS[:4], "undecided")]
)
def test_r1_asks_that_sparse_wins_with_batch_norm(gains: Sequence[float], outcome: str) -> None:
    assert outcomes(judged(under(PLAIN, gains, **BN)))["R1"] == outcome


@pytest.mark.parametrize("left_out", PLAIN)
def test_r1_names_three_optimizers(left_out: str) -> None:
    some = {name: own for name, own in PLAIN.items() if name != left_out}
    r1 = verdict_of(judged(under(some, WINS, **BN)), "R1")
    assert (r1.outcome, r1.missing) == ("undecided", (f"tests of {left_out}",))
    assert outcomes(judged(under(some, LOSES, **BN)))["R1"] == "not supported"


@pytest.mark.parametrize(
    ("gains", "outcome"), [(LOSES, "supported"), (WINS, "not supported"), (LOSES[:4], "undecided")]
)
def test_r2_asks_that_dense_wins_without_it(gains: Sequence[float], outcome: str) -> None:
    variants = [under(PLAIN, gains), under(PLAIN, gains, **DA), under(PLAIN, gains, **L2)]
    assert outcomes(judged(*variants))["R2"] == outcome


def test_r2_names_three_variants_under_three_optimizers() -> None:
    r2 = verdict_of(judged(under(PLAIN, LOSES), under(PLAIN, LOSES, **DA)), "R2")
    assert (r2.outcome, r2.missing) == ("undecided", ("tests of adagrad L2, sgd L2, momentum L2",))


@pytest.mark.parametrize(
    ("gains", "outcome"), [(WINS, "supported"), (LOSES, "not supported"), (WINS[:4], "undecided")]
)
def test_r3_asks_that_sparse_wins_with_adam_alone(gains: Sequence[float], outcome: str) -> None:
    assert outcomes(judged(halves(gains, recipe__optimizer="adam")))["R3"] == outcome


def test_one_test_that_fails_is_enough_against_a_check() -> None:
    found = judged(halves(WINS, **BN), halves(LOSES, **BN, **DA), halves(WINS[:2], **BN, **L2))
    r1 = verdict_of(found, "R1")
    assert [item.holds for item in r1.evidence] == [True, False, None]
    assert r1.outcome == "not supported"


def test_a_diverged_half_leaves_a_check_open_and_is_counted() -> None:
    cells = [*halves(WINS, **BN), *halves(WINS, seed=1, **BN)]
    cells[-1] = an_answer("same_capacity", None, 1, state="INVALID", **{
        path.replace(".", "__"): value for path, value in cells[-1].fields.items()
        if path not in ("method", "seed")
    })  # fmt: skip
    found = judged(iter(cells))
    r1 = verdict_of(found, "R1")
    assert (r1.outcome, r1.evidence[0].missing) == ("undecided", "1 pair diverged")
    assert str(found.sheets[0].rows[0][1]).endswith("?")


@pytest.mark.parametrize(
    ("gains", "outcome"),
    [(WINS, "supported"), (WINS[::-1], "not supported"), (WINS[:1], "undecided")],
)
def test_r7_asks_that_the_gap_is_larger_at_the_smallest_width(
    gains: Sequence[float], outcome: str
) -> None:
    assert outcomes(judged(under(EVERY, gains, **BN, **DA)))["R7"] == outcome


def test_r7_is_of_every_optimizer() -> None:
    r7 = verdict_of(judged(under(PLAIN, WINS, **BN, **DA)), "R7")
    assert (r7.outcome, r7.missing) == ("undecided", ("tests of rmsprop, adam",))


def test_r7_compares_widths_over_the_seeds_that_both_have() -> None:
    narrow = list(halves((0.1,), seed=1, **BN, **DA))
    r7 = verdict_of(judged(halves((0.3, 0.2), **BN, **DA), iter(narrow)), "R7")
    assert r7.evidence[0].value == pytest.approx(0.1)
    assert (r7.evidence[0].holds, r7.evidence[0].n) == (None, 1)
    assert r7.evidence[0].missing == "1 seed at one of the two widths only"


def test_gaps_that_are_equal_on_paper_are_no_gain() -> None:
    cells = under(EVERY, (0.8 - 0.7, 0.0, 0.4 - 0.3), **BN, **DA)
    assert [item.holds for item in verdict_of(judged(cells), "R7").evidence] == [False] * 5


def test_r8_is_reported_and_never_asserted() -> None:
    found = judged(halves(LOSES), halves(WINS, method__init="unit_scaled"))
    r8 = verdict_of(found, "R8")
    assert r8.outcome == "undecided"
    assert (r8.evidence[0].value, r8.evidence[0].threshold) == (0.03125, 1.0)
    assert verdict_of(found, "R2").evidence[0].holds is True


def test_checks_without_cells_say_what_to_add() -> None:
    found = judged(halves(WINS, **BN))
    assert [verdict.id for verdict in found.verdicts] == CHECKS
    assert {v.id: v.missing for v in found.verdicts if not v.evidence}["R6"] == (
        "cells with the probe gradient_flow",
    )


def test_a_grid_without_pairs_is_refused() -> None:
    with pytest.raises(AnswerError, match=r"add it with method.role: \[sparse, dense\]"):
        judged(iter([an_answer("set", {"test_accuracy": 0.9})]))


def test_learning_rates_that_differ_late_are_not_pooled() -> None:
    cells = [*halves(WINS, recipe__lr=0.01234567), *halves(LOSES, recipe__lr=0.01234568)]
    assert [(dict(each.slab), len(each.pairs)) for each in comparisons(material(cells))] == [
        ({"lr": "0.01234567"}, 5), ({"lr": "0.01234568"}, 5),
    ]  # fmt: skip


def test_pairs_of_the_default_width_can_wait() -> None:
    cells = [
        an_answer("same_capacity", None, seed, method__role=role)
        for seed in range(2)
        for role in (None, "dense")
    ]
    found = judged(iter(cells))
    assert set(outcomes(found).values()) == {"undecided"}
    assert found.sheets[-1].rows[0][3] == "0.5"
