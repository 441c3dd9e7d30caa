"""What changed between two sides, by how much, and whether it is noise."""

import csv
import json
from collections.abc import Mapping
from typing import Any

import pytest

from orchestrator.answers.results import Answer, AnswerError, Answers
from orchestrator.keeping.comparing import Comparison, Verdict, compare
from orchestrator.keeping.comparison_text import render
from orchestrator.keeping.sides import Side

ORIGIN = {"code": "c0", "torch": "2", "machine": "m", "device": "cpu", "tier": "exact"}


def answer(
    cell: str, accuracy: float | None, *, origin: Mapping[str, str] = ORIGIN, **fields: Any
) -> Answer:
    every = {"method": "rigl", "density": "0.5", "recipe.lr": 0.1, "seed": 0, **fields}
    return Answer(
        cell=cell, fields=every, state="FAILED" if accuracy is None else "COMPLETED",
        metrics=None if accuracy is None else {"test_accuracy": accuracy, "test_loss": 1.0},
        provenance=origin,
    )  # fmt: skip


def side(name: str, *answers: Answer, attempt: str = "") -> Side:
    attempts = {one.cell: attempt or name for one in answers}
    return Side(name=name, answers=Answers(answers=answers), attempts=attempts)


def study(name: str, lr: float, *accuracies: float | None, method: str = "rigl") -> Side:
    """A study of one method with these accuracies, one per seed."""
    cells = [
        answer(f"{name}{method}{seed}", accuracy, seed=seed, method=method, **{"recipe.lr": lr})
        for seed, accuracy in enumerate(accuracies)
    ]
    return side(name, *cells)


def joined(*sides: Side) -> Side:
    return side(sides[0].name, *(one for each in sides for one in each.answers.answers))


def test_a_difference_beyond_noise_is_told_with_its_interval() -> None:
    # Differences 0.02, 0.03, 0.04: mean 0.03, standard error 0.01 / sqrt(3), t = 5.196, df = 2.
    found = compare(study("A", 0.1, 0.80, 0.81, 0.82), study("B", 0.05, 0.82, 0.84, 0.86))
    [group] = found.groups
    assert group.difference is not None
    assert group.difference.mean == pytest.approx(0.03)
    assert group.difference.low == pytest.approx(0.03 - 4.302653 * 0.01 / 3**0.5)
    assert group.p_holm == pytest.approx(0.0351, abs=5e-5)
    assert group.verdict is Verdict.DIFFERS
    assert (group.first, group.second) == (pytest.approx(0.81), pytest.approx(0.84))
    assert found.varied == {"recipe.lr": (("0.1",), ("0.05",))}


def test_many_groups_are_corrected_for_together() -> None:
    def both(name: str, lr: float, *accuracies: float) -> Side:
        return joined(study(name, lr, *accuracies), study(name, lr, *accuracies, method="set"))

    found = compare(both("A", 0.1, 0.80, 0.81, 0.82), both("B", 0.05, 0.82, 0.84, 0.86))
    assert [group.p_holm for group in found.groups] == [pytest.approx(0.0702, abs=1e-4)] * 2
    assert {group.verdict for group in found.groups} == {Verdict.NOISE}
    assert [group.name for group in found.groups] == ["method=rigl", "method=set"]


@pytest.mark.parametrize(
    ("then", "now", "verdict"),
    [
        ((0.8, 0.9), (0.8, 0.9), Verdict.IDENTICAL),
        ((0.8, 0.9), (0.9, 0.8), Verdict.NOISE),
        ((0.8,), (0.9,), Verdict.UNDECIDED),
        ((0.8,), (0.8,), Verdict.IDENTICAL),
        ((0.5, 0.75), (0.75, 1.0), Verdict.UNDECIDED),
        ((0.8, None), (0.8, 0.9), Verdict.IDENTICAL),
    ],
)
def test_verdicts(then: tuple[float], now: tuple[float], verdict: Verdict) -> None:
    [group] = compare(study("A", 0.1, *then), study("B", 0.2, *now)).groups
    assert group.verdict is verdict


def test_the_same_record_on_both_sides_is_told_as_such() -> None:
    one = answer("a", 0.5)
    found = compare(side("A", one, attempt="x"), side("B", one, attempt="x"))
    assert (found.same_records, found.repeated) == (1, ())


def test_equal_bits_that_were_promised_and_are_not_there_are_told() -> None:
    found = compare(side("A", answer("a", 0.5)), side("B", answer("a", 0.25)))
    [one] = found.broken
    assert (one.differing, one.promised) == ({"test_accuracy": (0.5, 0.25)}, True)
    assert (
        "note: EQUAL BITS WERE PROMISED and are not there: a rigl density=0.5 seed=0: "
        "test_accuracy 0.5, 0.25\n"
    ) in render(found)


@pytest.mark.parametrize("changed", [{"torch": "3"}, {"code": "c1"}, {"tier": "fast"}])
def test_of_another_origin_no_bits_are_promised(changed: dict[str, str]) -> None:
    other = answer("a", 0.25, origin=ORIGIN | changed)
    [one] = compare(side("A", answer("a", 0.5)), side("B", other)).repeated
    assert (one.broken, list(one.origin)) == (False, list(changed))


def test_two_attempts_of_the_fast_tier_are_never_broken() -> None:
    fast = ORIGIN | {"tier": "fast"}
    cells = [answer("a", value, origin=fast) for value in (0.5, 0.25)]
    [one] = compare(side("A", cells[0]), side("B", cells[1])).repeated
    assert (one.promised, one.broken) == (False, False)


def test_what_is_missing_or_failed_on_one_side_is_listed() -> None:
    first = side("A", answer("a", 0.5), answer("b", None, seed=1), answer("c", 0.5, density="0.1"))
    second = side("B", answer("a", 0.5), answer("b", 0.5, seed=1), answer("d", 0.5, density="0.2"))
    found = compare(first, second, vary=["recipe.lr"])
    assert found.only_first == ("c rigl density=0.1 seed=0",)
    assert found.only_second == ("d rigl density=0.2 seed=0",)
    assert found.failed_first == ("b rigl density=0.5 seed=1",)
    assert found.failed_second == ()
    assert found.groups[0].without == 1
    assert "note: 1 cell without results in A alone: b rigl density=0.5 seed=1\n" in render(found)


def test_nothing_to_compare_is_a_mistake() -> None:
    with pytest.raises(AnswerError, match="no cell of A and B belong together"):
        compare(side("A", answer("a", 0.5)), side("B", answer("b", 0.5, seed=3)))
    with pytest.raises(AnswerError, match="B has no cells to compare"):
        compare(side("A", answer("a", 0.5)), side("B"))


def test_an_unknown_measurement_is_told_with_the_nearest() -> None:
    sides = side("A", answer("a", 0.5)), side("B", answer("a", 0.5))
    with pytest.raises(AnswerError, match="did you mean 'test_accuracy'"):
        compare(*sides, value="test_acuracy")


@pytest.fixture
def comparison() -> Comparison:
    return compare(study("A", 0.1, 0.80, 0.81, 0.82), study("B", 0.05, 0.82, 0.84, 0.86))


def test_text(comparison: Comparison) -> None:
    lines = render(comparison).splitlines()
    assert lines[0] == "A is A, B is B. test_accuracy in percent, compared seed by seed."
    assert lines[2].split() == [
        "cells", "n", "A", "B", "B", "-", "A", "95", "%", "t", "p", "(Holm)", "verdict",
    ]  # fmt: skip
    assert lines[4].split() == [
        "rigl", "3", "81.00", "84.00", "+3.00", "[+0.52,", "+5.48]", "0.0351", "differs",
    ]  # fmt: skip
    assert lines[-1] == "note: differs by design: recipe.lr (0.1 in A, 0.05 in B)"


def test_markdown(comparison: Comparison) -> None:
    assert "| rigl | 3 | 81.00 | 84.00 | +3.00 |" in render(comparison, "markdown")


def test_csv_and_json_are_unrounded_fractions(comparison: Comparison) -> None:
    [row] = csv.DictReader(render(comparison, "csv").splitlines())
    [group] = json.loads(render(comparison, "json"))["groups"]
    assert float(row["mean"]) == group["difference"]["mean"] == pytest.approx(0.03)
    assert (row["verdict"], group["verdict"]) == ("differs", "differs")


def test_an_unknown_format_is_a_mistake(comparison: Comparison) -> None:
    with pytest.raises(AnswerError, match="no format 'jsn'"):
        render(comparison, "jsn")
