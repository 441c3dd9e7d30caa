"""Pairs of equal capacity on hand-made results: labels, tests and the checks R1 to R8."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.answers.results import Answer, AnswerError
from orchestrator.verdicts.capacity_pairs import comparisons, optimizer_of, variant_of
from orchestrator.verdicts.collapse import judge_collapse
from orchestrator.verdicts.rendering import render
from orchestrator.verdicts.same_capacity import judge_same_capacity
from orchestrator.verdicts.verdict import Judgement
from tests.support.verdicts import an_answer, material, outcomes, verdict_of

WIDTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
BN = {"model__batch_norm": True}
DA = {"recipe__crop": 4, "recipe__flip": True}
L2 = {"recipe__weight_decay": 0.0005}
WINS = (0.05, 0.04, 0.03, 0.02, 0.01)
LOSES = tuple(-gain for gain in WINS)
PLAIN: dict[str, dict[str, Any]] = {
    "adagrad": {"recipe__optimizer": "adagrad", "recipe__momentum": None},
    "sgd": {"recipe__optimizer": "sgd"},
    "momentum": {"recipe__optimizer": "sgd", "recipe__momentum": 0.9},
}
EVERY = {
    **PLAIN,
    "rmsprop": {"recipe__optimizer": "rmsprop", "recipe__momentum": None},
    "adam": {"recipe__optimizer": "adam", "recipe__momentum": None},
}
CHECKS = ["R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8"]


def halves(
    gains: Sequence[float], dense: float = 0.3, seed: int = 0, **fields: Any
) -> Iterator[Answer]:
    """Both halves of a pair at each width; so much is S better than D."""
    plain = {"model__batch_norm": False, "model__skip": False, "recipe__crop": 0,
             "recipe__flip": False, "method__init": "matched"}  # fmt: skip
    for width, gain in zip(WIDTHS, gains, strict=False):
        for role, accuracy in (("sparse", dense + gain), ("dense", dense)):
            yield an_answer(
                "same_capacity", {"test_accuracy": accuracy}, seed, method__role=role,
                method__width=width, **{**plain, **fields},
            )  # fmt: skip


def under(
    optimizers: Mapping[str, dict[str, Any]], gains: Sequence[float], *args: float, **fields: Any
) -> Iterator[Answer]:
    """The same pairs under each of these optimizers."""
    for own in optimizers.values():
        yield from halves(gains, *args, **own, **fields)


def judged(*pairs: Iterator[Answer]) -> Judgement:
    return judge_same_capacity(material(*pairs))


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
    assert found.sheets[0].rows[0][1].endswith("?")  # type: ignore[union-attr]


def decays(adam: float, adamw: float, **fields: Any) -> Iterator[Answer]:
    for optimizer, accuracy in (("adam", adam), ("adamw", adamw)):
        yield from halves(
            [0.0] * 2, accuracy, recipe__optimizer=optimizer, recipe__momentum=None,
            dataset="cifar100", **L2, **BN, **fields,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("adam", "adamw", "outcome"),
    [(0.05, 0.2, "supported"), (0.2, 0.2, "not supported"), (0.05, 0.12, "not supported")],
)
def test_r4_asks_for_one_rate_at_which_decay_through_the_gradient_fails(
    adam: float, adamw: float, outcome: str
) -> None:
    assert outcomes(judged(decays(adam, adamw)))["R4"] == outcome
    other = decays(0.3, 0.3, recipe__lr=0.001)
    assert outcomes(judged(decays(adam, adamw), other))["R4"] == outcome


def test_r4_counts_every_cell_that_it_waits_for() -> None:
    waiting = [
        replace(answer, metrics=None, state="PENDING")
        if answer.fields["method.width"] < 0.2
        else answer
        for answer in decays(0.05, 0.2)
    ]
    r4 = verdict_of(judged(iter(waiting)), "R4")
    assert r4.outcome == "undecided"
    assert r4.evidence[0].missing == "2 cells without a result yet"


def test_r4_lacks_what_was_not_run() -> None:
    alone = [a for a in decays(0.05, 0.2) if a.fields["recipe.optimizer"] == "adam"]
    r4 = verdict_of(judged(iter(alone)), "R4")
    assert (r4.outcome, r4.evidence[1].missing) == ("undecided", "cells of adamw")


SWISH = {name: EVERY[name] for name in ("sgd", "adagrad", "adam")}


def swishes(
    optimizers: Mapping[str, dict[str, Any]],
    accuracy: float,
    activation: str = "swish",
    **fields: Any,
) -> Iterator[Answer]:
    """Pairs with this activation that are all as accurate."""
    return under(optimizers, [0.0] * 5, accuracy, model__activation=activation, **fields)


@pytest.mark.parametrize(("swish", "outcome"), [(0.31, "supported"), (0.29, "not supported")])
def test_r5_asks_that_swish_is_no_worse_for_sparse_networks(swish: float, outcome: str) -> None:
    relus = [*swishes(SWISH, 0.3, "relu"), *swishes(SWISH, 0.3, "relu", **BN)]
    assert outcomes(judged(iter(relus), swishes(SWISH, swish)))["R5"] == outcome


@pytest.mark.parametrize("left_out", SWISH)
def test_r5_names_three_optimizers(left_out: str) -> None:
    some = {name: own for name, own in SWISH.items() if name != left_out}
    r5 = verdict_of(judged(swishes(SWISH, 0.3, "relu"), swishes(some, 0.31)), "R5")
    assert (r5.outcome, len(r5.evidence)) == ("undecided", 2)
    assert r5.missing == (f"sparse cells with swish under {left_out}",)


def test_r5_lacks_the_relu_cells_of_what_swish_was_tried_in() -> None:
    found = judged(swishes(SWISH, 0.3, "relu"), swishes(SWISH, 0.31), swishes(SWISH, 0.31, **BN))
    r5 = verdict_of(found, "R5")
    assert [item.holds for item in r5.evidence] == [True] * 3 + [None] * 3


def test_r4_judges_the_worst_single_accuracy() -> None:
    seeds = [*decays(0.05, 0.2), *decays(0.05, 0.2, seed=1), *decays(0.12, 0.2, seed=2)]
    r4 = verdict_of(judged(iter(seeds)), "R4")
    assert (r4.outcome, r4.evidence[0].value) == ("not supported", 0.12)


@pytest.mark.parametrize(
    ("role", "width", "missing"),
    [
        ("sparse", None, "cells of adamw: sparse 0.1, sparse 0.3"),
        ("dense", 0.3, "cells of adamw: dense 0.3"),
    ],
)
def test_r4_is_of_both_halves_at_every_width(role: str, width: float | None, missing: str) -> None:
    def is_left_out(fields: Mapping[str, Any]) -> bool:
        here = width in (None, fields["method.width"])
        return fields["recipe.optimizer"] == "adamw" and fields["method.role"] == role and here

    cells = [answer for answer in decays(0.05, 0.2) if not is_left_out(answer.fields)]
    r4 = verdict_of(judged(iter(cells)), "R4")
    assert (r4.outcome, r4.evidence[1].missing) == ("undecided", missing)


def test_r4_needs_two_widths() -> None:
    cells = [answer for answer in decays(0.05, 0.2) if answer.fields["method.width"] == 0.1]
    r4 = verdict_of(judged(iter(cells)), "R4")
    assert (r4.outcome, r4.evidence[0].missing) == ("undecided", "1 of 2 widths at least")


def flows(*values: tuple[float, float]) -> Iterator[Answer]:
    """Cells with these accuracies and EGF_2."""
    for seed, (accuracy, flow) in enumerate(values):
        for answer in halves([0.0], seed=seed):
            yield an_answer(
                "same_capacity", {"test_accuracy": accuracy, "egf2": flow}, seed,
                method__role=answer.fields["method.role"], method__width=0.1,
            )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        (((0.9, 1.0), (0.8, 2.0), (0.11, 0.01)), "supported"),
        (((0.9, 1.0), (0.8, 2.0), (0.11, 0.5)), "not supported"),
        (((0.9, 1.0), (0.8, 2.0), (0.16, 0.5)), "undecided"),
        (((0.9, 1.0), (0.8, 2.0), (0.15, 0.5)), "undecided"),
        (((0.9, 1.0), (0.11, 0.0), (0.11, 0.0)), "supported"),
    ],
)
def test_r6_asks_that_collapsed_cells_have_no_flow(
    values: tuple[tuple[float, float], ...], outcome: str
) -> None:
    r6 = verdict_of(judged(flows(*values)), "R6")
    assert r6.outcome == outcome
    if outcome == "undecided":
        assert r6.missing == ("a collapsed cell",)


def test_r6_waits_for_the_cells_of_its_slab() -> None:
    early = [*flows((0.1, 0.01), (0.9, 0.1))]
    waiting = [replace(answer, metrics=None, state="PENDING") for answer in flows((0, 0), (0, 0))]
    cells = [*early, *(replace(answer, fields={**answer.fields, "seed": 9}) for answer in waiting)]
    r6 = verdict_of(judge_same_capacity(material(early)), "R6")
    assert (r6.outcome, r6.evidence[0].holds) == ("not supported", False)
    r6 = judge_collapse(material(cells))
    assert (r6.outcome, r6.evidence[0].missing) == ("undecided", "4 cells without a result yet")


def test_r6_needs_a_cell_that_did_not_collapse() -> None:
    r6 = verdict_of(judged(flows((0.1, 0.0), (0.11, 0.0))), "R6")
    assert (r6.outcome, r6.evidence[0].missing) == ("undecided", "a cell that did not collapse")


@pytest.mark.parametrize(
    ("option", "slabs"), [("model__widths", 2), ("model__width", 2), ("model__batch_norm", 1)]
)
def test_a_slab_of_r6_is_of_one_size(option: str, slabs: int) -> None:
    cells = [
        an_answer("static", {"test_accuracy": accuracy, "egf2": 1.0}, seed, **{option: value})
        for seed, (accuracy, value) in enumerate([(0.1, 1), (0.9, 1), (0.1, 2), (0.9, 2)])
    ]
    assert len(judge_collapse(material(cells)).evidence) == slabs


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
