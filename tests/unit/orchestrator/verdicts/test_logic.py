"""Reasoning with what is not known yet."""

import pytest

from orchestrator.verdicts.logic import all_hold, compared, count_holds, most_hold, outcome_of
from orchestrator.verdicts.verdict import Flag, Relation


@pytest.mark.parametrize(
    ("flags", "every", "one", "two", "most"),
    [
        ([True, True], True, True, True, True),
        ([True, False], False, True, False, False),
        ([True, None], None, True, None, None),
        ([False, None], False, None, False, False),
        ([False, False, None], False, None, False, False),
        ([True, True, None], None, True, True, True),
        ([False, False], False, False, False, False),
        ([True], True, True, None, True),
        ([], None, None, None, None),
    ],
)
def test_nothing_is_decided_that_could_still_change(
    flags: list[Flag], every: Flag, one: Flag, two: Flag, most: Flag
) -> None:
    assert all_hold(flags) is every
    assert count_holds(flags) is one
    assert count_holds(flags, 2) is two
    assert most_hold(flags) is most


@pytest.mark.parametrize(
    ("relation", "below", "equal", "above"),
    [
        (">", False, False, True),
        (">=", False, True, True),
        ("<", True, False, False),
        ("<=", True, True, False),
    ],
)
def test_a_comparison_is_what_its_relation_says(
    relation: Relation, below: bool, equal: bool, above: bool
) -> None:
    found = [compared({}, value, relation, 0.5, n=3) for value in (0.4, 0.5, 0.6)]
    assert [item.holds for item in found] == [below, equal, above]
    assert {item.relation for item in found} == {relation}


@pytest.mark.parametrize(
    ("value", "threshold", "missing"),
    [(None, 0.5, ""), (0.6, None, ""), (0.6, 0.5, "1 cell failed")],
)
def test_a_comparison_is_open_while_something_is_unknown(
    value: float | None, threshold: float | None, missing: str
) -> None:
    assert compared({}, value, ">", threshold, n=1, missing=missing).holds is None


def test_outcomes_in_words() -> None:
    words = [outcome_of(flag).value for flag in (True, False, None)]
    assert words == ["supported", "not supported", "undecided"]


def test_a_rule_that_holds_supports_nothing_while_something_is_missing() -> None:
    given = [(flag, missing) for flag in (True, False, None) for missing in ((), ("a cell",))]
    assert [outcome_of(flag, missing).value for flag, missing in given] == [
        "supported", "undecided", "not supported", "not supported", "undecided", "undecided",
    ]  # fmt: skip


def test_what_is_equal_on_paper_is_compared_as_equal() -> None:
    assert compared({}, 0.897 - 0.9, ">=", -0.003, n=1).holds is True
    assert compared({}, 0.8 - 0.7, ">", 0.4 - 0.3, n=1).holds is False
