"""Options: what a given value becomes, and what is refused with which words."""

from decimal import Decimal

import pytest

from grids.options import Option, fraction_text, plain_decimal
from grids.problems import GridError

LR = Option(name="lr", type="float", default=0.1, gt=0)
EPOCHS = Option(name="epochs", type="int", default=20, ge=1)
NESTEROV = Option(name="nesterov", type="bool", default=False)
OPTIMIZER = Option(name="optimizer", type="str", default="sgd", choices=("sgd", "adam"))
HIDDEN = Option(name="hidden", type="list[int]", default=(300, 100), ge=1)
STAGES = Option(name="stages", type="list[int]", default=(8, 9), ge=1, min_items=2, max_items=2)
LONGER = Option(name="longer", type="list[int]", default=(1, 2), min_items=2, max_items=3)
SHARES = Option(name="shares", type="list[float]", default=(0.5,), le=1)
DROPOUT = Option(name="dropout", type="float", default=None, nullable=True, gt=0, lt=1)


@pytest.mark.parametrize(
    ("option", "given", "expected"),
    [
        (LR, 1, 1.0),
        (LR, 0.001, 0.001),
        (LR, "8/255", 8 / 255),
        (LR, "1 / 4", 0.25),
        (Option(name="x", type="float", default=0.0), "-1/02", -0.5),
        (SHARES, [0.25, "1/2"], (0.25, 0.5)),
        (EPOCHS, 100, 100),
        (NESTEROV, True, True),
        (OPTIMIZER, "adam", "adam"),
        (HIDDEN, [64, 32], (64, 32)),
        (HIDDEN, [], ()),
        (STAGES, [64, 32], (64, 32)),
        (DROPOUT, None, None),
    ],
)
def test_a_legal_value_takes_the_declared_type(
    option: Option, given: object, expected: object
) -> None:
    value = option.check(given)
    assert value == expected
    assert type(value) is type(expected)


def test_minus_zero_is_zero() -> None:
    assert str(Option(name="x", type="float", default=0.0).check(-0.0)) == "0.0"


@pytest.mark.parametrize(
    ("option", "given", "message"),
    [
        (LR, 0, "lr is 0; allowed: a number > 0"),
        (LR, float("inf"), "lr is inf; allowed: a number > 0"),
        (LR, float("nan"), "lr is nan; allowed: a number > 0"),
        (LR, 10**400, f"lr is 1{'0' * 56}...; allowed: a number > 0"),
        (LR, True, "lr is true; allowed: a number > 0"),
        (LR, None, "lr is null; allowed: a number > 0"),
        (LR, "1e-3", "lr is '1e-3'; allowed: a number > 0; write 0.001, without quotes"),
        (LR, "5%", "lr is '5%'; allowed: a number > 0; write 0.05, without quotes"),
        (LR, "24:00:00", "lr is '24:00:00'; allowed: a number > 0"),
        (LR, "0/255", "lr is '0/255'; allowed: a number > 0"),
        (
            LR,
            "1/0",
            "lr is '1/0'; allowed: a number > 0; a fraction is two integers, as in 8/255",
        ),
        (
            LR,
            "8.5/255",
            "lr is '8.5/255'; allowed: a number > 0; a fraction is two integers, as in 8/255",
        ),
        (EPOCHS, "8/2", "epochs is '8/2'; allowed: an integer >= 1"),
        (EPOCHS, 2.5, "epochs is 2.5; allowed: an integer >= 1"),
        (EPOCHS, 100.0, "epochs is 100.0; allowed: an integer >= 1; write 100"),
        (EPOCHS, 0.0, "epochs is 0.0; allowed: an integer >= 1"),
        (
            EPOCHS,
            "1_000",
            "epochs is '1_000'; allowed: an integer >= 1; write 1000, without quotes",
        ),
        (NESTEROV, "no", "nesterov is 'no'; allowed: true or false; write false"),
        (NESTEROV, "on", "nesterov is 'on'; allowed: true or false; write true"),
        (NESTEROV, 1, "nesterov is 1; allowed: true or false"),
        (OPTIMIZER, "adan", "optimizer is 'adan'; allowed: sgd, adam; did you mean 'adam'?"),
        (OPTIMIZER, 3, "optimizer is 3; allowed: sgd, adam"),
        (
            HIDDEN,
            64,
            "hidden is 64; allowed: a list of integers each >= 1; write [64]",
        ),
        (
            HIDDEN,
            [64, 32.0],
            "hidden is [64, 32.0]; allowed: a list of integers each >= 1; write [64, 32]",
        ),
        (HIDDEN, 64.0, "hidden is 64.0; allowed: a list of integers each >= 1; write [64]"),
        (HIDDEN, [64, 0], "hidden is [64, 0]; allowed: a list of integers each >= 1"),
        (HIDDEN, [[64]], "hidden is [[64]]; allowed: a list of integers each >= 1"),
        (STAGES, [64], "stages is [64]; allowed: a list of integers of length 2 each >= 1"),
        (STAGES, 64, "stages is 64; allowed: a list of integers of length 2 each >= 1"),
        (LONGER, [], "longer is []; allowed: a list of integers of length >= 2 and <= 3"),
        (DROPOUT, 1, "dropout is 1; allowed: a number > 0 and < 1 or null"),
    ],
)
def test_an_illegal_value_is_refused_with_what_is_allowed(
    option: Option, given: object, message: str
) -> None:
    with pytest.raises(GridError) as caught:
        option.check(given)
    assert str(caught.value) == message


def test_an_option_survives_the_way_through_plain_data() -> None:
    plain = HIDDEN.plain()
    assert plain == {
        "name": "hidden",
        "type": "list[int]",
        "default": [300, 100],
        "help": "",
        "nullable": False,
        "ge": 1,
    }
    assert Option.from_plain(plain) == HIDDEN


@pytest.mark.parametrize(
    ("given", "text"),
    [(0.1, "0.1"), (1, "1"), (1.0, "1"), (1e-7, "0.0000001")],
)
def test_equal_fractions_have_one_text(given: float, text: str) -> None:
    assert fraction_text(given, "density") == text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0, "density is 0; allowed: a number > 0 and <= 1"),
        (1.5, "density is 1.5; allowed: a number > 0 and <= 1"),
        (True, "density is true; allowed: a number > 0 and <= 1"),
        ("low", "density is 'low'; allowed: a number > 0 and <= 1"),
        (
            1 - 0.7,
            "density is 0.30000000000000004; allowed: a number > 0 and <= 1 with at most 12 "
            "decimals; did you mean 0.3?",
        ),
    ],
)
def test_a_fraction_outside_its_range_is_refused(given: object, message: str) -> None:
    with pytest.raises(GridError) as caught:
        fraction_text(given, "density")
    assert str(caught.value) == message


@pytest.mark.parametrize(("number", "text"), [("0.050", "0.05"), ("100", "100"), ("1E+2", "100")])
def test_a_plain_decimal_has_no_exponent_and_no_trailing_zeros(number: str, text: str) -> None:
    assert plain_decimal(Decimal(number)) == text
