"""Correlation of gradient flow with performance, within explicit groups, on hand-made results."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from orchestrator.answers.results import Answer, AnswerError
from orchestrator.verdicts.gradient_flow import MEASURES, judge_gradient_flow, role_of
from orchestrator.verdicts.verdict import Sheet
from tests.support.verdicts import an_answer, material, outcomes

RISING = (1.0, 2.0, 3.0, 4.0, 5.0)
NEARLY = (2.0, 1.0, 4.0, 3.0, 5.0)  # tau 0.6
FALLING = (5.0, 4.0, 2.0, 3.0, 1.0)  # tau -0.8


def group(
    flows: Sequence[float], accuracies: Sequence[float], role: str = "sparse", **fields: Any
) -> Iterator[Answer]:
    """Cells of rising width: all measures are the flow, the loss falls as the accuracy rises."""
    for at, (flow, accuracy) in enumerate(zip(flows, accuracies, strict=True)):
        metrics = {"test_accuracy": accuracy / 10, "test_loss": -accuracy}
        metrics |= dict.fromkeys(MEASURES, flow)
        yield an_answer(
            "same_capacity", metrics, method__role=role, method__width=at / 10, **fields
        )


def table(*cells: Iterator[Answer]) -> Sheet:
    [sheet] = judge_gradient_flow(material(*cells)).sheets
    return sheet


def test_signs_are_dropped_within_each_group_before_groups_are_averaged() -> None:
    sheet = table(group(RISING, NEARLY), group(RISING, FALLING, recipe__optimizer="adam"))
    assert sheet.columns == ("measure", "sparse, test loss", "sparse, test accuracy")
    assert [row[1:] for row in sheet.rows] == [pytest.approx((0.7, 0.7))] * 6
    assert sheet.notes == ("sparse: 2 groups",)


def test_masked_and_raw_norms_are_named_apart() -> None:
    names = [row[0] for row in table(group(RISING, NEARLY)).rows]
    assert names == [
        "gf1, masked", "gf1, all weights", "gf2, masked", "gf2, all weights", "EGF_1", "EGF_2",
    ]  # fmt: skip


def test_roles_have_columns_of_their_own() -> None:
    sheet = table(group(RISING, NEARLY), group(RISING, FALLING, "dense"))
    row = dict(zip(sheet.columns, sheet.rows[0], strict=True))
    assert row["sparse, test accuracy"] == pytest.approx(0.6)
    assert row["dense, test accuracy"] == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("method", "role"),
    [
        ("dense", "dense"),
        ("small_dense", "dense"),
        ("static", "sparse"),
        ("same_capacity", "sparse"),
    ],
)
def test_a_network_without_a_mask_is_dense(method: str, role: str) -> None:
    assert role_of(an_answer(method, {})) == role


def test_groups_are_never_pooled_over_another_field() -> None:
    pooled = [*group(RISING, RISING), *group((10.0, 11, 12), (0.1, 0.2, 0.3), model__hidden=(9,))]
    assert table(iter(pooled)).rows[0][1:] == (1.0, 1.0)


def test_groups_that_cannot_be_ordered_are_left_out_and_counted() -> None:
    sheet = table(
        group(RISING, NEARLY),
        group(RISING[:2], RISING[:2], recipe__optimizer="adam"),
        group(RISING, [1.0] * 5, recipe__optimizer="adagrad"),
    )
    assert sheet.rows[0][2] == pytest.approx(0.6)
    assert sheet.notes == (
        "sparse: 1 group; 2 with fewer than 3 cells or constant values left out",
    )


def test_cells_without_a_value_are_counted() -> None:
    lost = an_answer("same_capacity", None, state="INVALID", method__role="sparse")
    assert table(group(RISING, NEARLY), iter([lost])).notes[-1] == "not counted: 1 cell diverged"


def test_data_sets_have_tables_of_their_own() -> None:
    cells = material(group(RISING, NEARLY), group(RISING, NEARLY, dataset="wine"))
    judged = judge_gradient_flow(cells)
    assert [sheet.id for sheet in judged.sheets] == ["correlations_digits", "correlations_wine"]


def test_no_order_of_the_measures_is_asserted() -> None:
    judged = judge_gradient_flow(material(group(RISING, NEARLY)))
    assert set(outcomes(judged)) == {"R6"}


def test_any_sparse_method_can_be_correlated_over_its_densities() -> None:
    cells = [
        an_answer("rigl", {"test_accuracy": a / 10, "test_loss": -a, "egf1": f}, density=str(f))
        for f, a in zip(RISING, NEARLY, strict=True)
    ]
    sheet = table(iter(cells))
    assert sheet.rows == (("EGF_1", pytest.approx(0.6), pytest.approx(0.6)),)


def test_cells_without_any_measure_are_refused() -> None:
    with pytest.raises(AnswerError, match="add the probe gradient_flow"):
        judge_gradient_flow(material([an_answer("set", {"test_accuracy": 0.9})]))
