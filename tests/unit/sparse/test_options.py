"""Options: what they declare is what is validated and described."""

import dataclasses

import pytest

from sparse.options import build_options, describe_options, nearest, option


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Kiln:
    heat: float = option(0.5, ge=0, lt=1, help="share of the highest temperature")
    shelves: int = option(3, ge=1, help="number of shelves")
    glaze: str = option("matt", choices=["matt", "gloss"], help="surface")
    vents: tuple[int, ...] = option((1, 2), gt=0, help="open vents")
    timer: float | None = option(None, gt=0, help="minutes; null: no timer")
    lit: bool = option(False, help="whether it burns")


def test_description_is_plain_data_with_the_declared_bounds_only():
    assert describe_options(Kiln) == [
        {
            "name": "heat",
            "type": "float",
            "nullable": False,
            "default": 0.5,
            "help": "share of the highest temperature",
            "ge": 0,
            "lt": 1,
        },
        {
            "name": "shelves",
            "type": "int",
            "nullable": False,
            "default": 3,
            "help": "number of shelves",
            "ge": 1,
        },
        {
            "name": "glaze",
            "type": "str",
            "nullable": False,
            "default": "matt",
            "help": "surface",
            "choices": ["matt", "gloss"],
        },
        {
            "name": "vents",
            "type": "list[int]",
            "nullable": False,
            "default": [1, 2],
            "help": "open vents",
            "gt": 0,
        },
        {
            "name": "timer",
            "type": "float",
            "nullable": True,
            "default": None,
            "help": "minutes; null: no timer",
            "gt": 0,
        },
        {
            "name": "lit",
            "type": "bool",
            "nullable": False,
            "default": False,
            "help": "whether it burns",
        },
    ]


def test_given_values_replace_defaults_and_take_the_declared_types():
    kiln = build_options(Kiln, {"heat": 0, "vents": [4], "timer": 2, "lit": True}, "kiln")
    assert kiln == Kiln(heat=0.0, vents=(4,), timer=2.0, lit=True)
    assert isinstance(kiln.heat, float)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"heat": 1.0}, "kiln: heat is 1.0; it must be >= 0 and < 1"),
        ({"heat": "0.5"}, "kiln: heat is '0.5'; it must be of type float"),
        ({"heat": float("nan")}, "kiln: heat is nan; it must be >= 0 and < 1"),
        ({"heat": True}, "kiln: heat is True; it must be of type float"),
        ({"heat": 10**400}, f"kiln: heat is 1{'0' * 400}; it must be of type float"),
        ({"shelves": 10**400}, f"kiln: shelves is 1{'0' * 400}; it must be >= 1"),
        ({"shelves": 2.0}, "kiln: shelves is 2.0; it must be of type int"),
        ({"shelves": True}, "kiln: shelves is True; it must be of type int"),
        ({"shelves": None}, "kiln: shelves is None; it must be of type int"),
        ({"glaze": "mat"}, "kiln: glaze is 'mat'; allowed: matt, gloss (did you mean 'matt'?)"),
        ({"vents": 3}, "kiln: vents is 3; it must be a list of int"),
        ({"vents": [1, 0]}, "kiln: vents is 0; it must be > 0"),
        (
            {"shelfs": 2},
            "kiln: unknown option 'shelfs'; allowed: heat, shelves, glaze, vents, timer, lit"
            " (did you mean 'shelves'?)",
        ),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(given, message):
    with pytest.raises(ValueError, match="kiln") as problem:
        build_options(Kiln, given, "kiln")
    assert str(problem.value) == message


@pytest.mark.parametrize(
    ("limits", "given", "message"),
    [
        ({"min_items": 2, "max_items": 2}, [1], "it must be a list of 2 values"),
        ({"min_items": 2}, [1], "it must be a list of at least 2 values"),
        ({"max_items": 2}, [1, 2, 3], "it must be a list of at most 2 values"),
        (
            {"min_items": 2, "max_items": 3},
            [],
            "it must be a list of at least 2 and at most 3 values",
        ),
    ],
)
def test_a_list_of_another_length_is_refused(limits, given, message):
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Stair:
        steps: tuple[int, ...] = option((1, 2), help="heights", **limits)

    (described,) = describe_options(Stair)
    assert {key: described[key] for key in limits} == limits
    assert build_options(Stair, {"steps": [3, 4]}, "stair") == Stair(steps=(3, 4))
    with pytest.raises(ValueError, match="stair") as problem:
        build_options(Stair, {"steps": given}, "stair")
    assert str(problem.value) == f"stair: steps is {given!r}; {message}"


def test_all_problems_are_told_at_once():
    with pytest.raises(ValueError, match="kiln") as problem:
        build_options(Kiln, {"heat": 2, "shelves": 0, "colour": "red"}, "kiln")
    assert len(str(problem.value).splitlines()) == 3


def test_what_contradicts_other_options_is_told_with_where():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Window:
        start: int = option(1, help="first")

        def __post_init__(self):
            if self.start > 5:
                raise ValueError("too late")

    with pytest.raises(ValueError, match=r"^window: too late$"):
        build_options(Window, {"start": 6}, "window")


def test_relations_between_options_are_checked_once_all_values_are_legal():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Ramp:
        mode: str = option("flat", choices=["flat", "ramp"], help="shape")
        first: float = option(1.0, help="begin", below="last")
        last: float = option(2.0, help="end")
        height: float = option(0.0, help="rise", at_most="last", only_with={"mode": "ramp"})

    assert build_options(Ramp, {"mode": "ramp", "height": 2}, "ramp").height == 2.0
    with pytest.raises(ValueError, match="ramp") as problem:
        build_options(Ramp, {"first": 2, "height": 3}, "ramp")
    assert str(problem.value).splitlines() == [
        "ramp: first is 2.0; it must be below last, 2.0",
        "ramp: height has no effect with mode: flat; leave it out",
    ]
    with pytest.raises(ValueError, match=r"^ramp: height is 3.0; it must be at most last, 2.0$"):
        build_options(Ramp, {"mode": "ramp", "height": 3}, "ramp")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stairs:
    mode: str = option("flat", choices=["flat", "spiral"], help="shape")
    height: float = option(0.0, help="metres")
    step: float = option(0.5, help="metres", at_most="height", unless={"height": 0})
    ledge: float = option(0.7, help="metres", at_most="rise")
    rise: float = option(0.9, help="metres", only_with={"mode": "spiral"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"height": 0.2}, "stairs: step is 0.5; it must be at most height, 0.2"),
        ({"step": 0.1}, "stairs: step has no effect with height: 0.0; leave it out"),
        ({"ledge": 2, "mode": "spiral"}, "stairs: ledge is 2.0; it must be at most rise, 0.9"),
    ],
)
def test_limits_count_while_both_options_have_an_effect(given, message):
    assert build_options(Stairs, {"ledge": 2}, "stairs") == Stairs(ledge=2.0)
    assert build_options(Stairs, {"height": 0.5}, "stairs") == Stairs(height=0.5)
    with pytest.raises(ValueError, match="stairs") as problem:
        build_options(Stairs, given, "stairs")
    assert str(problem.value) == message


@dataclasses.dataclass(frozen=True, kw_only=True)
class Oven:
    fuel: str = option("gas", choices=["gas", "wood", "coal"], help="what burns")
    fan: bool = option(False, help="moves the air")
    ash: int = option(0, help="kg", only_with={"fuel": ["wood", "coal"]})
    speed: int = option(1, help="rpm", only_with=[{"fan": True}, {"fuel": "coal"}])


@pytest.mark.parametrize("given", [{"fuel": "wood", "ash": 2}, {"fan": True, "speed": 2}])
def test_an_option_has_an_effect_with_one_of_several_values(given):
    assert build_options(Oven, given, "oven") == Oven(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ash": 1}, "oven: ash has no effect with fuel: gas; leave it out"),
        ({"speed": 3}, "oven: speed has no effect with fan: False and fuel: gas; leave it out"),
    ],
)
def test_an_option_has_no_effect_with_any_other_value(given, message):
    with pytest.raises(ValueError, match="oven") as problem:
        build_options(Oven, given, "oven")
    assert str(problem.value) == message


def test_nearest_says_nothing_when_nothing_is_near():
    assert nearest("rigel", ["rigl", "set"]) == " (did you mean 'rigl'?)"
    assert nearest("xyz", ["rigl", "set"]) == ""
