"""Rules in the traits of the catalogue: when they hold, and what their templates name."""

import pytest

from grids.traits import applies, filled, holds, starts_from

OPTIONS = {"rewind": "weights", "rewind_step": 500}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, True),
        ({"when": None}, True),
        ({"when": {"rewind": "weights"}}, True),
        ({"when": {"rewind": "weights", "rewind_step": 0}}, False),
        ({"unless": {"rewind_step": 0}}, True),
        ({"unless": {"rewind_step": 500}}, False),
        ({"unless": {"rewind": "weights", "rewind_step": 0}}, True),
        ({"when": {"rewind": "weights"}, "unless": {"rewind_step": 500}}, False),
        ({"unless": {}}, True),
        ({"when": {"rewind": ["weights", "learning_rate"]}}, True),
        ({"when": {"rewind": ["learning_rate"]}}, False),
        ({"unless": [{"rewind_step": 0}, {"rewind": "learning_rate"}]}, True),
        ({"unless": [{"rewind_step": 0}, {"rewind": "weights"}]}, False),
        ({"unless": [{"rewind_step": 0, "rewind": "weights"}]}, True),
    ],
)
def test_a_rule_holds_when_and_unless(rule: dict, expected: bool) -> None:
    assert holds(rule, OPTIONS) is expected


@pytest.mark.parametrize(
    ("trait", "expected"),
    [
        (True, True),
        (False, False),
        (None, False),
        ({}, True),
        ({"when": {"rewind": "weights"}}, True),
        ({"unless": {"rewind": "weights"}}, False),
    ],
)
def test_a_trait_is_yes_or_no_or_a_rule(trait: object, expected: bool) -> None:
    assert applies(trait, OPTIONS) is expected


def test_a_template_names_options() -> None:
    assert filled("rewind@{rewind_step}", OPTIONS) == "rewind@500"
    assert filled("final", OPTIONS) == "final"
    assert filled(1797, OPTIONS) == "1797"


@pytest.mark.parametrize(
    ("trait", "expected"),
    [
        (None, ""),
        ([], ""),
        ([{"artifact": "final"}], "final"),
        ([{"artifact": "final", "when": {"rewind": "learning_rate"}}], ""),
        ([{"artifact": "rewind@{rewind_step}", "unless": {"rewind_step": 0}}], "rewind@500"),
        ([{"artifact": "final"}, {"artifact": "rewind@1"}], "final"),
    ],
)
def test_the_artifact_that_a_method_trains_on(trait: list | None, expected: str) -> None:
    assert starts_from(trait, OPTIONS) == expected
