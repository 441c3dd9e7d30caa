"""What null means for an option: one value has one spelling, and people are told which."""

import pytest

from grids.catalogue import Catalogue, Entry
from grids.meanings import explained, meanings
from grids.options import Option, Value, conflicts
from grids.problems import GridError

ATTACK = Entry(
    name="attack",
    options=(
        Option(name="norm", type="str", default="linf", choices=("linf", "l2", "other")),
        Option(
            name="epsilon", type="float", default=None, nullable=True, help="how far", lt=8,
            means={"norm": {"linf": 8 / 255, "l2": 128 / 255}}, le_where={"norm": {"linf": 1.0}},
            parts=255,
        ),
        Option(
            name="step", type="float", default=None, nullable=True, help="one step",
            means={"epsilon": 0.25},
        ),
        Option(name="levels", type="list[int]", default=(1, 2), unique=True),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, {}),
        ({"epsilon": 8 / 255}, {}),
        ({"epsilon": 8 / 255, "step": 2 / 255}, {}),
        ({"step": 2 / 255}, {}),
        ({"norm": "l2", "epsilon": 128 / 255, "step": 32 / 255}, {"norm": "l2"}),
        ({"norm": "l2", "epsilon": 8 / 255}, {"norm": "l2", "epsilon": 8 / 255}),
        ({"epsilon": 16 / 255, "step": 4 / 255}, {"epsilon": 16 / 255}),
        ({"epsilon": 16 / 255, "step": 2 / 255}, {"epsilon": 16 / 255, "step": 2 / 255}),
        ({"norm": "other", "epsilon": 8 / 255}, {"norm": "other", "epsilon": 8 / 255}),
        ({"norm": "other"}, {"norm": "other"}),
    ],
)
def test_what_null_means_is_left_out_of_a_cell(
    given: dict[str, Value], kept: dict[str, Value]
) -> None:
    assert ATTACK.component(given).as_dict() == kept


def test_what_null_means_follows_the_other_options() -> None:
    assert meanings(ATTACK.options, ATTACK.defaults()) == {"epsilon": 8 / 255, "step": 2 / 255}
    assert meanings(ATTACK.options, ATTACK.defaults() | {"epsilon": 0.5}) == {"step": 0.125}
    assert meanings(ATTACK.options, ATTACK.defaults() | {"norm": "other"}) == {}


def test_the_help_says_what_null_means() -> None:
    assert [explained(ATTACK.option(name)) for name in ("norm", "epsilon", "step")] == [
        "",
        "how far; null: 128/255 with norm: l2, 8/255 with norm: linf",
        "one step; null: 0.25 of epsilon",
    ]


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"epsilon": 2.0}, ["epsilon is 2.0; it must be <= 1 with norm: linf; write 2/255"]),
        ({"epsilon": 1.5}, ["epsilon is 1.5; it must be <= 1 with norm: linf"]),
        ({"epsilon": 1.0}, []),
        ({"epsilon": 2.0, "norm": "l2"}, []),
    ],
)
def test_a_bound_may_depend_on_another_option(chosen: dict[str, Value], found: list[str]) -> None:
    assert conflicts(ATTACK.options, ATTACK.defaults() | chosen) == found


def test_what_was_counted_in_parts_is_told_as_a_fraction() -> None:
    with pytest.raises(GridError, match="write 8/255"):
        ATTACK.option("epsilon").check(8)


def test_a_list_may_refuse_repetition() -> None:
    with pytest.raises(GridError, match="a list of integers without repetition"):
        ATTACK.option("levels").check([1, 1])
    assert ATTACK.option("levels").check([2, 1]) == (2, 1)


def test_all_of_it_survives_the_catalogue_s_json() -> None:
    catalogue = Catalogue(scenarios=(ATTACK,))
    assert Catalogue.from_json(catalogue.to_json()).entry("scenario", "attack") == ATTACK
