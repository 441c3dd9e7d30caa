"""Plain words of YAML 1.2, and the traps of YAML 1.1 that must stay shut."""

import math

import pytest

from grids.scalars import plain_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("12", 12),
        ("-3", -3),
        ("017", 17),
        ("0o17", 15),
        ("0xff", 255),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("+1.5e+2", 150.0),
        ("-.inf", -math.inf),
    ],
)
def test_a_word_of_the_core_schema_has_its_value(text: str, value: object) -> None:
    result = plain_scalar(text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "24:00:00",
        "1:30",
        "no",
        "yes",
        "on",
        "off",
        "y",
        "1_000",
        "0b11",
        "1.2.3",
        "e5",
        ".",
        "2024-01-01",
    ],
)
def test_what_only_yaml_1_1_takes_for_something_else_is_a_text(text: str) -> None:
    assert plain_scalar(text) == text


def test_not_a_number_is_read() -> None:
    value = plain_scalar(".nan")
    assert isinstance(value, float)
    assert math.isnan(value)


def test_a_very_long_run_of_digits_is_no_exact_integer() -> None:
    assert plain_scalar("9" * 5000) == math.inf
