"""H1a and H1b on hand-made results: supported, not supported, undecided, and why."""

from collections.abc import Iterator, Sequence

import pytest

from orchestrator.answers.results import Answer, AnswerError
from orchestrator.verdicts.structure import judge_structure
from tests.support.verdicts import an_answer, material, outcomes, verdict_of

SHUFFLED = (0.09, 0.10, 0.11, 0.10, 0.10)
"""Zero-shot accuracies of five shuffled masks: sd 0.0070711, so chance + 5 sd is 0.1353553."""


def retrained(
    start: str,
    mask: str,
    accuracies: Sequence[float],
    *,
    draw: int = 0,
    source: str = "rigl",
    zero_shot: float | None = None,
    density: str = "0.1",
) -> Iterator[Answer]:
    """One cell per seed."""
    for seed, accuracy in enumerate(accuracies):
        metrics = {"test_accuracy": accuracy}
        if zero_shot is not None:
            metrics["zero_shot_accuracy_recalibrated"] = zero_shot
        yield an_answer(
            "retrain", metrics, seed, density=density, method__source=source, method__start=start,
            method__mask=mask, method__draw=draw,
        )  # fmt: skip


def shuffled(values: Sequence[float] = SHUFFLED, source: str = "rigl") -> list[Answer]:
    """Cells of one seed, one per draw, trained to 80 %."""
    return [
        answer
        for draw, value in enumerate(values)
        for answer in retrained(
            "reinit", "shuffled", [0.8], draw=draw, source=source, zero_shot=value
        )
    ]


@pytest.mark.parametrize(("accuracy", "outcome"), [(0.136, "supported"), (0.135, "not supported")])
def test_zero_shot_accuracy_is_held_against_chance_and_five_deviations(
    accuracy: float, outcome: str
) -> None:
    cells = material(retrained("reinit", "kept", [0.9], zero_shot=accuracy), shuffled())
    found = verdict_of(judge_structure(cells), "H1a")
    assert found.outcome == outcome
    assert found.evidence[0].value == accuracy
    assert found.evidence[0].threshold == pytest.approx(0.1 + 5 * 0.0070710678)
    assert found.evidence[0].about == {"source": "rigl", "density": "0.1", "dataset": "digits"}


def test_a_random_mask_is_no_method_s_structure() -> None:
    cells = material(retrained("reinit", "kept", [0.9], zero_shot=0.9), shuffled())
    beside = material(
        retrained("reinit", "kept", [0.9], zero_shot=0.9), shuffled(),
        retrained("reinit", "random", [0.5], zero_shot=0.1, source="set"),
    )  # fmt: skip
    assert judge_structure(beside).verdicts == judge_structure(cells).verdicts


def test_one_method_is_enough_for_zero_shot_accuracy() -> None:
    cells = material(
        retrained("reinit", "kept", [0.9], zero_shot=0.11),
        shuffled(),
        retrained("reinit", "kept", [0.9], zero_shot=0.5, source="imp"),
        shuffled(source="imp"),
    )
    found = verdict_of(judge_structure(cells), "H1a")
    assert found.outcome == "supported"
    assert [item.holds for item in found.evidence] == [False, True]


def test_what_the_rule_does_not_see_is_remarked() -> None:
    cells = material(
        retrained("reinit", "kept", [0.9], zero_shot=0.12), shuffled([0.12] * 5),
        retrained("reinit", "kept", [0.9], zero_shot=0.5, source="imp"), shuffled(source="imp"),
    )  # fmt: skip
    found = verdict_of(judge_structure(cells), "H1a")
    assert [(item.holds, item.remark) for item in found.evidence] == [
        (True, "shuffled masks reach as much: 12.00 %; the shuffled-mask draws do not differ"),
        (True, ""),
    ]


def test_a_kept_mask_that_waits_is_no_absent_one() -> None:
    waiting = an_answer("retrain", None, method__source="rigl", method__start="reinit")
    found = verdict_of(judge_structure(material([waiting], shuffled())), "H1a")
    assert found.evidence[0].missing.startswith("1 cell without a result yet; 0 of 5")


def test_fewer_than_five_shuffled_masks_decide_nothing() -> None:
    cells = material(retrained("reinit", "kept", [0.9], zero_shot=0.9), shuffled(SHUFFLED[:4]))
    found = verdict_of(judge_structure(cells), "H1a")
    assert found.outcome == "undecided"
    assert found.evidence[0].missing == "4 of 5 shuffled-mask draws"


def test_an_unknown_number_of_classes_decides_nothing() -> None:
    kept = retrained("reinit", "kept", [0.9], zero_shot=0.9)
    found = verdict_of(judge_structure(material(kept, shuffled(), classes=None)), "H1a")
    assert (found.outcome, found.evidence[0].missing) == ("undecided", "the number of classes")


@pytest.mark.parametrize(
    ("kept", "outcome"),
    [
        ([0.90, 0.91, 0.92], "supported"),  # gains 0.10, 0.11, 0.12: mean 0.11, sd 0.01
        ([0.81, 0.80, 0.82], "not supported"),  # 0.01, 0, 0.02: mean 0.01, sd 0.01
        ([0.90, 0.91], "undecided"),
    ],
)
def test_the_gain_of_the_structure_is_held_against_two_deviations(
    kept: Sequence[float], outcome: str
) -> None:
    cells = material(
        retrained("reinit", "kept", kept), retrained("reinit", "shuffled", [0.8] * len(kept))
    )
    found = verdict_of(judge_structure(cells), "H1b rigl")
    assert found.outcome == outcome
    if outcome == "undecided":
        assert found.evidence[0].missing == "2 of 3 seeds"
    if outcome == "supported":
        assert found.evidence[0].value == pytest.approx(0.11)
        assert found.evidence[0].threshold == pytest.approx(0.02)


def test_every_place_counts_and_every_method_for_itself() -> None:
    def at(density: str, source: str, kept: float) -> list[Answer]:
        cells = []
        for seed in range(3):
            for mask, accuracy in (("kept", kept + seed / 1000), ("shuffled", 0.8)):
                cells.append(
                    an_answer(
                        "retrain", {"test_accuracy": accuracy}, seed, density=density,
                        method__source=source, method__start="reinit", method__mask=mask,
                    )
                )  # fmt: skip
        return cells

    cells = material(
        at("0.1", "rigl", 0.9), at("0.05", "rigl", 0.9), at("0.1", "snip", 0.9),
        at("0.05", "snip", 0.79),
    )  # fmt: skip
    found = judge_structure(cells)
    assert outcomes(found)["H1b rigl"] == "supported"
    assert outcomes(found)["H1b snip"] == "not supported"


def test_a_diverged_cell_is_said_and_decides_nothing() -> None:
    lost = an_answer(
        "retrain", None, 3, state="INVALID", method__source="rigl", method__start="reinit",
        method__mask="kept", method__draw=0,
    )  # fmt: skip
    cells = material(
        retrained("reinit", "kept", [0.9, 0.91, 0.92]),
        retrained("reinit", "shuffled", [0.8, 0.8, 0.8, 0.8]),
        [lost],
    )
    found = verdict_of(judge_structure(cells), "H1b rigl")
    assert (found.outcome, found.evidence[0].missing) == ("undecided", "1 cell diverged")


def test_draws_of_one_seed_are_one_measurement() -> None:
    cells = material(
        retrained("reinit", "kept", [0.9, 0.92, 0.94]),
        *(retrained("reinit", "shuffled", [0.8 + d, 0.8 + d, 0.8 + d], draw=i)
          for i, d in enumerate((0.0, 0.02))),
    )  # fmt: skip
    [gains] = [sheet for sheet in judge_structure(cells).sheets if sheet.id == "gains"]
    row = dict(zip(gains.columns, gains.rows[0], strict=True))
    assert row["structure_gain"] == pytest.approx(0.92 - 0.81)
    assert row["n"] == 3


def test_both_gains_are_told() -> None:
    cells = material(
        retrained("reinit", "kept", [0.9, 0.92]),
        retrained("reinit", "shuffled", [0.8, 0.8]),
        retrained("same_init", "kept", [0.93, 0.93]),
    )
    [gains] = judge_structure(cells).sheets
    row = dict(zip(gains.columns, gains.rows[0], strict=True))
    assert row["structure_gain"] == pytest.approx(0.11)
    assert row["weight_gain"] == pytest.approx(0.02)
    assert row["sd of weight_gain"] == pytest.approx(0.0141421, abs=1e-6)


def test_a_source_with_options_is_told_in_short() -> None:
    source = '{"name":"rigl","update_stop":1.0}'
    cells = material(retrained("reinit", "kept", [0.9], source=source))
    assert "H1b rigl(update_stop=1.0)" in outcomes(judge_structure(cells))


def test_cells_that_are_about_something_else_are_refused() -> None:
    with pytest.raises(AnswerError, match="nothing in tried is about structure; add cells of"):
        judge_structure(material([an_answer("set", {"test_accuracy": 0.9})]))
