"""At how many seeds a rule is looked at."""

import pytest

from grids.seed_rules import SeedRule, read_until
from orchestrator.seeds.looks import looks_of


def rule(until: str, least: int, most: int) -> SeedRule:
    return SeedRule(least=least, most=most, until=read_until(until))


@pytest.mark.parametrize(
    ("least", "most", "looks"),
    [
        (3, 20, (3, 4, 6, 9, 13, 20)),
        (2, 4, (2, 3, 4)),
        (3, 5, (3, 4, 5)),
        (3, 4, (3, 4)),
        (5, 6, (5, 6)),
        (10, 200, (10, 15, 22, 33, 49, 73, 109, 200)),
    ],
)
def test_a_rule_is_looked_at_a_few_times_that_are_fixed_beforehand(
    least: int, most: int, looks: tuple[int, ...]
) -> None:
    assert looks_of(rule("ci95 < 1pp", least, most)) == looks
