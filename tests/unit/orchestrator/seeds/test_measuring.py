"""What a rule looks at: read from a store, and refused where there is no such measurement."""

from pathlib import Path

import pytest

from grids.problems import GridProblems, Where
from grids.seed_rules import SeedRule, read_until
from orchestrator.seeds.measuring import check_measurement, failed_cells, measured
from orchestrator.store import Store, publish
from orchestrator.store.index import load_index
from tests.support.grids import a_cell, accuracy, publish_results
from tests.support.records import failure


def rule(until: str) -> SeedRule:
    return SeedRule(least=2, most=4, until=read_until(until), where=Where("g.yaml", 7))


@pytest.mark.parametrize(
    "until",
    [
        "ci95 < 0.3pp", "ci95(test_loss) < 0.01 nats", "ranking_settled(test_loss)",
        "ci95(realised_density) < 1pp", "ci95(mce) < 2pp", "ranking_settled(mce)",
    ],
)  # fmt: skip
def test_measurements_of_cells_and_of_probes_have_their_units(until: str) -> None:
    check_measurement(rule(until), {"mce": "fraction"})


@pytest.mark.parametrize(
    ("until", "message"),
    [
        ("ci95(test_acuracy) < 1pp", "did you mean 'test_accuracy'?"),
        ("ranking_settled(mce)", "unknown measurement of until 'mce'; allowed: alive_neurons, "),
        ("ci95 < 0.3 nats", "until bounds test_accuracy in nats; allowed: pp"),
        ("ci95(test_loss) < 1pp", "until bounds test_loss in pp; allowed: nats"),
    ],
)
def test_others_are_told_with_their_place(until: str, message: str) -> None:
    with pytest.raises(GridProblems) as caught:
        check_measurement(rule(until), {})
    assert str(caught.value).startswith("g.yaml:7: ")
    assert message in str(caught.value)


def test_the_answers_of_a_store_are_read_by_cell(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    cells = [a_cell(seed=0), a_cell(seed=1)]
    publish_results(store, cells)
    publish(store, failure(3, seed=2))
    expected = {cell.id: accuracy(cell) for cell in cells}
    seen = measured(store, rule("ranking_settled"), cells, [])
    assert seen.values == pytest.approx(expected)
    assert set(seen.origins) == set(expected)
    assert len(set(seen.origins.values())) == 1
    odd = measured(store, rule("ranking_settled(odd)"), cells, [])
    assert odd.values == {cell.id: 0.5 for cell in cells}
    assert measured(store, rule("ranking_settled(alive_neurons)"), cells, []).values == {}
    assert list(failed_cells(load_index(store)).values()) == ["FAILED"]


def test_seeds_that_are_not_asked_for_yet_are_read_and_other_cells_are_not(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    later, other = a_cell(seed=3), a_cell("set")
    publish_results(store, [later, other])
    seen = measured(store, rule("ranking_settled"), [a_cell(seed=0)], [])
    assert set(seen.values) == {later.id}
