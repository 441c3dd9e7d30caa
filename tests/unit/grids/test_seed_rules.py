"""Seeds by a rule: what may be written, each mistake with its line, and which cells are asked."""

# ruff: noqa: E501 (a mistake and its message on one line)

from collections.abc import Callable

import pytest

from grids.catalogue import Catalogue
from grids.grid import Grid
from grids.problems import GridError
from grids.schema import json_schema
from grids.seed_groups import compared, groups_of
from grids.seed_rules import Interval, Ranking, SeedRule, read_until
from tests.unit.grids.test_schema import valid

Read = Callable[..., Grid]
Mistakes = Callable[..., list[str]]

RULE = "seeds: {min: 3, max: 20, until: 'ci95 < 0.3pp'}\n"
METHODS = (
    "base: {dataset: digits, model: mlp}\naxes: {method: [dense, set, rigl], density: [0.1, 0.2]}\n"
)
FORMS = "allowed: 'ci95 < 0.3pp' or ranking_settled"


@pytest.mark.parametrize(
    ("text", "until", "half_width"),
    [
        ("ci95 < 0.3pp", "ci95 < 0.3pp", 0.003),
        ("ci99<1 pp", "ci99 < 1pp", 0.01),
        ("ci90(test_loss) < 0.01 nats", "ci90(test_loss) < 0.01 nats", 0.01),
        ("ci95(test_accuracy) < 0.3pp", "ci95 < 0.3pp", 0.003),
        ("ci95(train_flops) < 1e9 FLOPs", "ci95(train_flops) < 1e9 FLOPs", 1e9),
    ],
)
def test_an_interval_has_a_bound_in_a_unit(text: str, until: str, half_width: float) -> None:
    found = read_until(text)
    assert isinstance(found, Interval)
    assert str(found) == until
    assert found.half_width == pytest.approx(half_width)
    assert read_until(str(found)) == found


def test_a_ranking_may_name_its_measurement() -> None:
    assert read_until("ranking_settled") == Ranking(value="test_accuracy")
    assert str(read_until("ranking_settled( test_loss )")) == "ranking_settled(test_loss)"


def test_a_grid_with_a_rule_begins_with_the_least_seeds(read: Read, base: str) -> None:
    grid = read(base + RULE)
    assert grid.seeds == (0, 1, 2)
    assert [cell.seed for cell in grid.cells] == [0, 1, 2]
    assert grid.seed_rule == SeedRule(
        least=3,
        most=20,
        until=Interval(value="test_accuracy", percent=95, bound="0.3", unit="pp"),
    )
    assert str(grid.seed_rule) == "3 to 20 seeds, until ci95 < 0.3pp"
    assert SeedRule.from_plain(grid.seed_rule.plain()) == grid.seed_rule


def test_a_grid_without_a_rule_has_none(read: Read, base: str) -> None:
    assert read(base + "seeds: 3\n").seed_rule is None


def test_a_flag_replaces_a_rule_and_may_give_one(read: Read, base: str) -> None:
    assert read(base + RULE, "seeds=5").seed_rule is None
    given = read(base, "seeds={min: 2, max: 4, until: ci95 < 1pp}")
    assert str(given.seed_rule) == "2 to 4 seeds, until ci95 < 1pp"


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ("{min: 1, max: 20, until: ranking_settled}", "min of seeds is 1; allowed: 2 to 200; one seed says nothing of the spread"),
        ("{min: 2.5, max: 20, until: ranking_settled}", "min of seeds is 2.5; allowed: 2 to 200"),
        ("{min: 3, max: 5000, until: ranking_settled}", "max of seeds is 5000; allowed: 2 to 200"),
        ("{min: 3, max: 2, until: ci95 < 1pp}", "max is 2, and min 3: allowed is a larger max; seeds: 3 asks for so many"),
        ("{min: 3, max: 3, until: ci95 < 1pp}", "max is 3, and min 3: allowed is a larger max; seeds: 3 asks for so many"),
        ("{min: 3, max: 20}", "seeds lacks until; for example {min: 3, max: 20, until: ranking_settled}"),
        ("{mim: 3, max: 20, until: ranking_settled}", "unknown key of seeds 'mim'; allowed: max, min, until; did you mean 'min'?"),
        ("{min: 3, max: 20, until: 0.3}", f"until is 0.3; {FORMS}"),
        ("{min: 3, max: 20, until: ci95 < 0.3}", "until is 'ci95 < 0.3': the unit is missing; write 0.3pp"),
        ("{min: 3, max: 20, until: ci95 < 0.3%}", "until is 'ci95 < 0.3%': % may mean two things; write 0.3pp"),
        ("{min: 3, max: 20, until: ci95(test_loss) < 0.01}", "until is 'ci95(test_loss) < 0.01': the unit is missing; write 0.01pp of a fraction, or the measurement's unit, as in 0.01 nats"),
        ("{min: 3, max: 20, until: ci95 < 0pp}", "until is 'ci95 < 0pp': 0 is no number above 0"),
        ("{min: 3, max: 20, until: ci95 < 1.2.3pp}", "until is 'ci95 < 1.2.3pp': 1.2.3 is no number above 0"),
        ("{min: 3, max: 20, until: ci95 <= 1pp}", f"until is 'ci95 <= 1pp'; {FORMS}; write < for <="),
        ("{min: 3, max: 20, until: ci42 < 1pp}", "until is 'ci42 < 1pp'; allowed: ci90, ci95, ci99"),
        ("{min: 3, max: 20, until: ranked}", f"until is 'ranked'; {FORMS}; did you mean 'ranking_settled'?"),
        ("{min: 3, max: 20, until: enough}", f"until is 'enough'; {FORMS}"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_what_is_allowed(
    mistakes: Mistakes, base: str, seeds: str, message: str
) -> None:
    assert f"grid.yaml:2: {message}" in mistakes(f"{base}seeds: {seeds}\n")


def test_a_ranking_without_a_dense_cell_is_refused(mistakes: Mistakes, base: str) -> None:
    rule = "seeds: {min: 3, max: 9, until: ranking_settled}\n"
    assert mistakes(base + rule) == [
        "grid.yaml:2: ranking_settled compares rigl density=0.1 with dense, and the grid has no "
        "dense cell; add dense to the methods"
    ]
    assert mistakes("base: {dataset: digits, model: mlp, method: dense}\n" + rule) == [
        "grid.yaml:2: ranking_settled compares methods with dense, and there is no other one"
    ]
    apart = METHODS.replace("}\naxes", "}\nexclude: [{method: dense, recipe.lr: 0.2}]\naxes")
    apart = apart.replace("density: [0.1, 0.2]", "recipe.lr: [0.1, 0.2], density: [0.1]")
    assert "with the same data, model and recipe" in mistakes(apart + rule)[0]


def test_exclude_names_no_seed_where_a_rule_adds_them(mistakes: Mistakes, base: str) -> None:
    assert mistakes(base + "exclude: [{seed: 1}]\n" + RULE) == [
        "grid.yaml:2: exclude names seeds, which the rule in seeds adds; list the seeds"
    ]


def test_the_largest_grid_counts_every_seed_that_may_come(mistakes: Mistakes, base: str) -> None:
    rates = ", ".join(str(position / 100_000) for position in range(1, 5102))
    many = f"{base}axes: {{recipe.lr: [{rates}]}}\nseeds: {{min: 2, max: 200, until: ci95 < 1pp}}\n"
    assert mistakes(many)[0].endswith("the grid has 1,020,200 cells; allowed: up to 1,000,000")


def test_every_density_is_compared_with_the_dense_network(read: Read) -> None:
    grid = read(METHODS + "seeds: {min: 2, max: 4, until: ranking_settled}\n")
    groups = groups_of(grid.cells)
    assert [group.label() for group in groups] == [
        "dense", "set density=0.1", "set density=0.2", "rigl density=0.1", "rigl density=0.2",
    ]  # fmt: skip
    assert [(one.label(), dense.label()) for one, dense in compared(groups)] == [
        (group.label(), "dense") for group in groups[1:]
    ]
    assert groups[1].cell(1) in grid.cells
    assert groups[1].cell(7).seed == 7


def test_a_damaged_rule_is_an_error() -> None:
    with pytest.raises(GridError):
        SeedRule.from_plain({"min": 3, "max": 4, "until": "soon"})


@pytest.mark.parametrize(
    ("seeds", "legal"),
    [
        ({"min": 3, "max": 20, "until": "ranking_settled"}, True),
        ({"min": 1, "max": 20, "until": "ranking_settled"}, False),
        ({"min": 3, "max": 20}, False),
        ({"min": 3, "max": 20, "until": "ranking_settled", "step": 2}, False),
    ],
)
def test_editors_know_the_rule(catalogue: Catalogue, seeds: object, legal: bool) -> None:
    base = {"dataset": "digits", "model": "mlp", "method": "rigl", "density": 0.1}
    assert valid(json_schema(catalogue), {"base": base, "seeds": seeds}) is legal
