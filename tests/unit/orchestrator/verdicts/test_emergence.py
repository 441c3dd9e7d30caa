"""H3 and H4 on hand-made results."""

from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.answers.results import Answer
from orchestrator.verdicts.emergence import variant
from orchestrator.verdicts.structure import judge_structure
from orchestrator.verdicts.verdict import Judgement
from tests.support.verdicts import an_answer, material, outcomes, verdict_of

FULL = {"method__update_stop": 0.75, "method__growth": "gradient"}
E1 = {"method__update_stop": 0.1, "method__growth": "gradient"}
E2 = {"method__growth": "candidates", "method__dense_until": 0.1, "method__candidate_factor": 4}
E3 = {"method__growth": "gradient_then_random", "method__dense_until": 0.1}
E5 = {"method__growth": "stale_gradient", "method__dense_until": 0.1}


def rigl(accuracy: float | None, seed: int = 0, **fields: Any) -> Answer:
    metrics = None if accuracy is None else {"test_accuracy": accuracy}
    return an_answer("rigl", metrics, seed, **{**FULL, **fields})


def kappas(early: float, initial: float) -> Iterator[Answer]:
    for seed in range(3):
        metrics = {"kappa_epoch1_final": early, "kappa_init_final": initial}
        yield an_answer("rigl", metrics, seed, **FULL)


@pytest.mark.parametrize(
    ("early", "initial", "outcome"),
    [(0.7, 0.2, "supported"), (0.5, 0.2, "supported"), (0.49, 0.1, "not supported")],
)
def test_mostly_is_a_kappa_of_half(early: float, initial: float, outcome: str) -> None:
    found = verdict_of(judge_structure(material(kappas(early, initial))), "H3")
    assert (found.outcome, found.remark) == (outcome, "")
    assert found.evidence[0].remark == f"kappa(init, final) {initial}"


def test_a_mask_that_hardly_ever_moved_makes_the_claim_vacuous() -> None:
    found = verdict_of(judge_structure(material(kappas(0.9, 0.86))), "H3")
    assert found.outcome == "supported"
    assert found.remark.startswith("vacuous at 1 of 1 places")
    assert found.evidence[0].remark == "vacuous: kappa(init, final) 0.86"


def test_the_kappas_of_all_methods_are_told_by_what_tells_them_apart() -> None:
    early = {"kappa_epoch1_final": 1.0, "kappa_init_final": 0.4}
    others = [an_answer("rigl", early, seed, **E1) for seed in range(2)]
    [sheet] = judge_structure(material(kappas(0.7, 0.2), others)).sheets
    assert sheet.columns[:4] == ("density", "dataset", "model", "method")
    assert [row[4:] for row in sheet.rows] == [
        (pytest.approx(0.7), pytest.approx(0.2), 3),
        (1.0, 0.4, 2),
    ]


def test_a_missing_cell_decides_nothing() -> None:
    cells = [*kappas(0.9, 0.1), an_answer("rigl", None, 3, **FULL)]
    found = verdict_of(judge_structure(material(cells)), "H3")
    assert found.outcome == "undecided"
    assert found.evidence[0].missing == "2 cells without a result yet"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (FULL, "RigL"),
        (E1, "E1"),
        ({**E1, "method__anneal_stop": 0.75}, "E1"),
        (E2, "E2 c=4"),
        (E3, "E3"),
        (E5, "E5"),
        ({**E1, "method__update_stop": 0.2}, None),
        ({**E5, "method__dense_until": 0.5}, None),
        ({**FULL, "method__growth": "random"}, None),
        ({**FULL, "method__update_stop": 1.0}, None),
    ],
)
def test_variants_are_told_by_their_options(fields: dict[str, Any], name: str | None) -> None:
    assert variant(an_answer("rigl", None, **fields)) == name


def compared(**accuracies: float) -> Judgement:
    """RigL at 0.90 and variants on two data sets."""
    options = {"E1": E1, "E2": E2, "E3": E3, "E5": E5}
    cells = [
        rigl(accuracy, dataset=dataset, **fields)
        for dataset in ("digits", "wine")
        for fields, accuracy in (
            (FULL, 0.9), *((options[name], value) for name, value in accuracies.items())
        )
    ]  # fmt: skip
    return judge_structure(material(cells))


def test_a_variant_within_reach_on_two_data_sets_supports_it() -> None:
    found = verdict_of(compared(E1=0.8975, E2=0.8, E3=0.89, E5=0.8), "H4")
    assert found.outcome == "supported"
    assert found.remark == "about structure: E1 beats E3, random growth later"


def test_it_is_not_about_structure_where_random_growth_does_as_well() -> None:
    found = verdict_of(compared(E1=0.8975, E2=0.8, E3=0.899, E5=0.8), "H4")
    assert found.outcome == "supported"
    assert found.remark == "not about structure: E3, random growth later, is not beaten"


@pytest.mark.parametrize("random", [{}, {1: 0.89}])
def test_whether_it_is_about_structure_is_open_while_random_growth_waits(
    random: dict[int, float],
) -> None:
    cells = [
        rigl(accuracy, seed, dataset=dataset, **fields)
        for dataset in ("digits", "wine")
        for seed in range(2)
        for accuracy, fields in ((0.9, {}), (0.8975, E1), (random.get(seed), E3))
    ]
    found = verdict_of(judge_structure(material(cells)), "H4")
    assert found.outcome == "supported"
    assert found.remark == (
        "whether it is about structure is open: results of it or of E3 are missing"
    )


def test_reach_to_the_last_digit_counts() -> None:
    found = verdict_of(compared(E1=0.897, E2=0.8, E3=0.8, E5=0.8), "H4")
    assert found.outcome == "supported"


def test_no_variant_within_reach_is_not_supported() -> None:
    assert outcomes(compared(E1=0.896, E2=0.8, E3=0.8, E5=0.8))["H4"] == "not supported"


def test_variants_that_nobody_tried_leave_it_open() -> None:
    found = verdict_of(compared(E1=0.8), "H4")
    assert (found.outcome, found.missing) == (
        "undecided", ("cells of E2", "cells of E3", "cells of E5"),
    )  # fmt: skip


def test_one_data_set_is_too_little() -> None:
    cells = [rigl(0.9), *(rigl(0.9, **fields) for fields in (E1, E2, E3, E5))]
    found = verdict_of(judge_structure(material(cells)), "H4")
    assert (found.outcome, found.missing) == (
        "undecided", ("1 of 2 pairs of model and data set",),
    )  # fmt: skip


def test_the_same_variant_must_be_within_reach_on_both() -> None:
    cells = [
        rigl(accuracy, dataset=dataset, **fields)
        for dataset, values in (("digits", (0.9, 0.9, 0.8)), ("wine", (0.9, 0.8, 0.9)))
        for fields, accuracy in zip((FULL, E1, E2), values, strict=True)
    ]
    cells += [rigl(0.8, dataset=d, **f) for d in ("digits", "wine") for f in (E3, E5)]
    assert outcomes(judge_structure(material(cells)))["H4"] == "not supported"
