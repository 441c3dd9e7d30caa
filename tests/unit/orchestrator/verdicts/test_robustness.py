"""H2 on hand-made results: a contrast needs intervals apart, one order, seeds and densities."""

from collections.abc import Iterator, Sequence

import pytest

from orchestrator.answers.results import Answer
from orchestrator.verdicts.structure import judge_structure
from tests.support.verdicts import an_answer, material, outcomes, verdict_of

AUC = "further_magnitude_global_frozen_auc"
HIGH, LOW = (0.90, 0.91, 0.92), (0.50, 0.51, 0.52)


def measured(
    method: str, density: str, values: Sequence[float], first_seed: int = 0, **fields: str
) -> Iterator[Answer]:
    for seed, value in enumerate(values, first_seed):
        yield an_answer(method, {AUC: value}, seed, density=density, **fields)


def test_two_densities_with_intervals_apart_support_a_contrast() -> None:
    cells = material(
        *(measured("rigl", density, HIGH) for density in ("0.1", "0.05")),
        *(measured("snip", density, LOW) for density in ("0.1", "0.05")),
    )
    found = verdict_of(judge_structure(cells), "H2 frozen")
    assert found.outcome == "supported"
    assert found.evidence[0].about == {
        "dataset": "digits", "model": "mlp", "more robust": "rigl", "less robust": "snip",
    }  # fmt: skip
    assert (found.evidence[0].value, found.evidence[0].n) == (2, 2)


def test_orders_that_turn_between_densities_do_not_add_up() -> None:
    cells = material(
        measured("rigl", "0.1", HIGH), measured("rigl", "0.05", LOW),
        measured("snip", "0.1", LOW), measured("snip", "0.05", HIGH),
    )  # fmt: skip
    assert outcomes(judge_structure(cells))["H2 frozen"] == "not supported"


def test_intervals_that_meet_are_no_contrast() -> None:
    cells = material(
        *(measured("rigl", density, (0.5, 0.7, 0.9)) for density in ("0.1", "0.05")),
        *(measured("snip", density, (0.4, 0.6, 0.8)) for density in ("0.1", "0.05")),
    )
    assert outcomes(judge_structure(cells))["H2 frozen"] == "not supported"


@pytest.mark.parametrize(
    ("densities", "seeds", "missing"),
    [(("0.1",), 3, "1 of 2 densities"), (("0.1", "0.05"), 2, "2 of 3 seeds")],
)
def test_too_few_densities_or_seeds_decide_nothing(
    densities: Sequence[str], seeds: int, missing: str
) -> None:
    cells = material(
        *(measured("rigl", density, HIGH[:seeds]) for density in densities),
        *(measured("snip", density, LOW[:seeds]) for density in densities),
    )
    found = verdict_of(judge_structure(cells), "H2 frozen")
    assert (found.outcome, found.evidence[0].missing) == ("undecided", missing)


@pytest.mark.parametrize(("first", "alone"), [(3, 6), (1, 2)])
def test_seeds_of_one_method_only_leave_a_contrast_open(first: int, alone: int) -> None:
    cells = material(
        *(measured("rigl", density, HIGH) for density in ("0.1", "0.05")),
        *(measured("snip", density, LOW, first) for density in ("0.1", "0.05")),
    )
    found = verdict_of(judge_structure(cells), "H2 frozen")
    assert found.outcome == "undecided"
    assert found.evidence[0].missing == f"{alone} seeds of one method only"


def test_intervals_that_meet_are_no_contrast_whatever_the_seeds() -> None:
    cells = material(
        *(measured("rigl", density, LOW) for density in ("0.1", "0.05")),
        *(measured("snip", density, LOW, 3) for density in ("0.1", "0.05")),
    )
    assert outcomes(judge_structure(cells))["H2 frozen"] == "not supported"


def test_allocations_are_never_averaged() -> None:
    cells = material(
        *(measured("rigl", density, HIGH) for density in ("0.1", "0.05")),
        *(measured("rigl", density, LOW, allocation="uniform") for density in ("0.1", "0.05")),
        *(measured("snip", density, LOW) for density in ("0.1", "0.05")),
    )
    found = verdict_of(judge_structure(cells), "H2 frozen")
    assert [(item.about["allocation"], item.holds) for item in found.evidence] == [("erk", True)]
    [sheet] = judge_structure(cells).sheets
    assert [row[sheet.columns.index("allocation")] for row in sheet.rows].count("uniform") == 2


def test_one_method_alone_is_no_contrast_yet() -> None:
    found = verdict_of(judge_structure(material(measured("rigl", "0.1", HIGH))), "H2 frozen")
    assert (found.outcome, found.missing) == ("undecided", ("a second method to compare with",))


def test_retrained_and_dense_networks_are_not_compared() -> None:
    cells = material(measured("rigl", "0.1", HIGH), measured("dense", "1", LOW),
                     measured("retrain", "0.1", LOW))  # fmt: skip
    assert verdict_of(judge_structure(cells), "H2 frozen").evidence == ()


def test_the_intervals_are_told() -> None:
    [sheet] = judge_structure(material(measured("rigl", "0.1", HIGH))).sheets
    row = dict(zip(sheet.columns, sheet.rows[0], strict=True))
    half = 4.30265 * 0.01 / 3**0.5  # t(0.975, 2) from the tables
    assert (row["method"], row["n"]) == ("rigl", 3)
    assert row["low"] == pytest.approx(0.91 - half, abs=1e-6)
    assert row["high"] == pytest.approx(0.91 + half, abs=1e-6)
