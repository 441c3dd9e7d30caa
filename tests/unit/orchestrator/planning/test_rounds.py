"""The ladder of densities on which iterative pruning goes down."""

import pytest

from orchestrator.planning.rounds import density_before


def chain(density: str, rate: float) -> list[str]:
    """The densities of all rounds before, dense last."""
    found = [density]
    while found[-1] != "1":
        found.append(density_before(found[-1], rate))
    return found[1:]


@pytest.mark.parametrize(
    ("density", "rate", "expected"),
    [
        ("0.64", 0.2, ["0.8", "1"]),
        ("0.5", 0.2, ["0.512", "0.64", "0.8", "1"]),
        ("0.9", 0.2, ["1"]),  # between dense and the first round: a partial one
        ("0.1", 0.5, ["0.125", "0.25", "0.5", "1"]),
        ("0.7", 0.1, ["0.729", "0.81", "0.9", "1"]),
        ("0.3", 0.37, ["0.3969", "0.63", "1"]),
    ],
)
def test_each_round_follows_the_density_above_it(
    density: str, rate: float, expected: list[str]
) -> None:
    assert chain(density, rate) == expected


def test_a_round_at_density_one_follows_the_dense_network() -> None:
    assert density_before("1", 0.2) == "1"


def test_twenty_rounds_of_a_fifth() -> None:
    assert chain("0.011529215046", 0.2) == [
        "0.014411518808", "0.018014398509", "0.022517998137", "0.028147497671", "0.035184372089",
        "0.043980465111", "0.054975581389", "0.068719476736", "0.08589934592", "0.1073741824",
        "0.134217728", "0.16777216", "0.2097152", "0.262144", "0.32768", "0.4096", "0.512", "0.64",
        "0.8", "1",
    ]  # fmt: skip


def test_ten_per_cent_joins_the_ladder_just_above_it() -> None:
    assert chain("0.1", 0.2)[0] == "0.1073741824"
    assert chain("0.1", 0.2)[1:] == chain("0.1073741824", 0.2)


def test_densities_that_twelve_decimals_cannot_tell_apart_are_one() -> None:
    assert density_before("0.000000000001", 0.01) == "0.000000000002"
    assert len(chain("0.0001", 0.01)) == 917
