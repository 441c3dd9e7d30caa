"""What a reader is told of a rule: how many seeds there are, and whether more are due."""

from dataclasses import replace
from pathlib import Path

from grids.seed_rules import SeedRule, read_until
from orchestrator.seeds.telling import cells_due, note_on
from orchestrator.store import Store
from tests.support.grids import a_cell, publish_results
from tests.support.runs import a_submission

RULE = SeedRule(least=2, most=4, until=read_until("ci95 < 0.3pp"))


def test_the_note_tells_the_fewest_and_the_most_seeds() -> None:
    two = [a_cell(seed=0), a_cell(seed=1)]
    three = [a_cell("set", seed=seed) for seed in range(3)]
    fixed = "; plain intervals and tests take their number as fixed"
    assert note_on(RULE, two + three) == f"seeds added until ci95 < 0.3pp, at most 4: 2 to 3{fixed}"
    assert note_on(RULE, two) == f"seeds added until ci95 < 0.3pp, at most 4: 2{fixed}"


def test_seeds_are_due_once_all_that_was_asked_is_answered(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    cells = [a_cell(seed=0), a_cell(seed=1)]
    without = a_submission("small", 1, cells)
    publish_results(store, cells[:1])
    assert cells_due(store, replace(without, seed_rule=RULE)) == 0
    publish_results(store, cells[1:])
    assert cells_due(store, replace(without, seed_rule=RULE)) == 1
    assert cells_due(store, without) == 0
