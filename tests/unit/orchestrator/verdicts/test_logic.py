"""Reasoning with what is not known yet."""

import pytest

from orchestrator.verdicts.logic import all_hold, count_holds, most_hold, outcome_of
from orchestrator.verdicts.verdict import Flag


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


def test_outcomes_in_words() -> None:
    words = [outcome_of(flag).value for flag in (True, False, None)]
    assert words == ["supported", "not supported", "undecided"]
