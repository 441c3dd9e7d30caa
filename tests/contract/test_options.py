"""A method's check of its options and that of a grid are one: the same is legal to both."""

import dataclasses
import math

import pytest

from grids.meanings import meanings
from grids.options import Option, conflicts
from grids.problems import GridError
from sparse.method_texts import MethodText
from sparse.methods import METHODS
from sparse.options import build_options, describe_options, option
from trainer.probes.corruptions import CorruptionsOptions
from trainer.scenarios.adversarial import AdversarialOptions


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Each:
    whole: int = option(3, ge=1, le=500, help="a whole number")
    maybe: int | None = option(None, ge=1, help="one, or null")
    share: float = option(0.5, ge=0, lt=1, help="a number")
    free: float = option(0.5, help="a number without bounds")
    word: str = option("a", choices=["a", "b"], help="a word")
    text: str = option("a", help="any text")
    flag: bool = option(False, help="yes or no")
    wholes: tuple[int, ...] = option((1, 2), gt=0, help="whole numbers")
    shares: tuple[float, ...] = option((0.5,), ge=0, help="numbers")
    method: MethodText = option("a", help="a method")


VALUES = [
    0, 1, 100, 501, -1, 10**400, 0.0, -0.0, 0.5, 1.0, 100.0, 1e300, 0.1 + 0.2, math.nan, math.inf,
    True, False, None, "a", "b", "c", "", "1", "0.5", "true", "null", "1/4", "-1 / 4",
    "1/0", "0.5/2", "1/4/2", "8/255 ", f"{10**20}/3", ["1/4"], [], [1], [1, 2], [1.0], [0.5],
    [0], [True], [None], ["a"], [[1]], (1, 2), [1, "a"], [math.nan], {}, {"a": 1},
    {"name": "a"}, {"name": "a", "b": 0.5}, {"name": 3}, {"name": "a", "b": math.nan},
    '{"b":0.5,"name":"a"}', '{"b": 0.5, "name": "a"}', '{"b":', '[1]',
]  # fmt: skip


def in_a_grid(options, given):
    """All options as a grid reads them; None when it refuses them."""
    known = {each["name"]: Option.from_plain(each) for each in describe_options(options)}
    settings = {name: each.default for name, each in known.items()}
    try:
        settings |= {name: known[name].check(value) for name, value in given.items()}
    except GridError:
        return None
    return None if conflicts(list(known.values()), settings) else settings


def in_a_method(options, given):
    """All options as a method takes them; None when it refuses them."""
    try:
        return dataclasses.asdict(build_options(options, given, "options"))
    except ValueError:
        return None


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Each)])
def test_both_take_and_refuse_the_same_values(name):
    answers = [
        (in_a_grid(Each, {name: value}), in_a_method(Each, {name: value})) for value in VALUES
    ]
    for value, (read, built) in zip(VALUES, answers, strict=True):
        assert read == built, value
        assert read is None or type(read[name]) is type(built[name])
    assert {read is None for read, _ in answers} == {True, False}


def test_a_number_with_a_point_is_no_whole_number():
    for given in ({"whole": 100.0}, {"maybe": 1.0}, {"wholes": [1.0]}):
        assert in_a_grid(Each, given) is in_a_method(Each, given) is None


RELATED = [
    ({"anneal": "constant", "drop_fraction": 0.001}, True),
    ({"anneal": "constant", "drop_fraction": 0.001, "final_drop_fraction": 0.0005}, False),
    ({"anneal": "constant", "drop_fraction": 0.001, "anneal_stop": 0.5}, False),
    ({"anneal": "cosine", "drop_fraction": 0.2, "update_stop": 0.5, "anneal_stop": 0.75}, True),
    ({"anneal": "cosine", "drop_fraction": 0.2, "final_drop_fraction": 0.3}, False),
    ({"anneal": "cosine", "drop_fraction": 0.2, "final_drop_fraction": 0.1}, True),
    ({"drop": "threshold"}, True),
    ({"drop": "threshold", "final_drop_fraction": 0.3}, False),
]


@pytest.mark.parametrize(("given", "legal"), RELATED)
@pytest.mark.parametrize("name", ["granet", "rigl", "set", "set_np", "snfs"])
def test_both_see_the_same_contradictions(name, given, legal):
    options = METHODS.get(name).target.Options
    read = in_a_grid(options, given)
    assert (read is not None) == legal
    assert read == in_a_method(options, given)


@pytest.mark.parametrize(
    ("given", "legal"),
    [
        ({"drop_fraction": 0}, True),
        ({"drop_fraction": 0, "anneal": "constant"}, True),
        ({"drop_fraction": 0, "final_drop_fraction": 0.001}, False),
        ({"drop_fraction": 0.001}, False),
    ],
)
def test_granet_may_exchange_nothing(given, legal):
    options = METHODS.get("granet").target.Options
    read = in_a_grid(options, given)
    assert (read is not None) == legal
    assert read == in_a_method(options, given)


ATTACKS = [
    ({"epsilon": 2}, False),
    ({"epsilon": 2, "norm": "l2"}, True),
    ({"epsilon": 8, "norm": "l2"}, False),
    ({"epsilon": "255/255", "step_size": 2}, True),
]


@pytest.mark.parametrize(("given", "legal"), ATTACKS)
def test_both_bound_an_attack_alike(given, legal):
    read = in_a_grid(AdversarialOptions, given)
    assert (read is not None) == legal
    assert read == in_a_method(AdversarialOptions, given)


@pytest.mark.parametrize("severities", [[1, 1], [2, 1]])
def test_both_refuse_what_a_list_repeats(severities):
    read = in_a_grid(CorruptionsOptions, {"severities": severities})
    assert (read is None) == (severities == [1, 1])
    assert read == in_a_method(CorruptionsOptions, {"severities": severities})


@pytest.mark.parametrize(
    "given", [{}, {"norm": "l2"}, {"epsilon": 0.3}, {"norm": "l2", "epsilon": 0.7}]
)
def test_null_means_to_a_grid_what_the_attack_takes(given):
    options = [Option.from_plain(each) for each in describe_options(AdversarialOptions)]
    settings = {each.name: each.default for each in options} | given
    attack = AdversarialOptions(**given).attack()
    taken = {"epsilon": attack.epsilon, "step_size": attack.step_size}
    assert meanings(options, settings) | given == taken | given
