"""What methods declare of other cells: plain data that the plan and the trainer can both follow."""

import functools
import itertools
from dataclasses import replace

import pytest

from grids.artifacts import check_name
from grids.catalogue import Catalogue
from grids.traits import starts_from
from orchestrator.planning.needs import needs_of
from orchestrator.planning.run_length import first_step
from sparse.methods import METHODS
from tests.support.cells import component, make_cell
from tests.support.methods import takes_density
from trainer.describe import describe
from trainer.scenarios import SCENARIOS

NEEDY = [name for name in METHODS.names() if METHODS.get(name).traits["needs"]]


@functools.cache
def catalogue():
    return Catalogue.from_json(describe())


def cells_of(name):
    """The method at some densities, at its defaults and at every other choice that is legal."""
    entry = catalogue().entry("method", name)
    choices = [{option.name: choice} for option in entry.options for choice in option.choices or ()]
    whole = [{option.name: 3} for option in entry.options if option.type == "int"]
    for options, density in itertools.product([{}, *choices, *whole], ("0.5", "0.3", "1")):
        cell = make_cell(name, density if takes_density(name) else "1", options=options)
        if not entry.conflicts(cell.method):
            yield cell


def test_some_methods_begin_with_what_others_left():
    assert {"imp", "lth", "omp", "pretrained"} <= set(NEEDY)


@pytest.mark.parametrize("name", NEEDY)
def test_producers_end_somewhere_and_are_no_denser_copies_for_ever(name):
    for cell in cells_of(name):
        left, seen = [cell], set()
        while left:
            now = left.pop()
            assert len(seen) < 100
            if now.id not in seen:
                seen.add(now.id)
                left += [need.producer for need in needs_of(now, catalogue())]


SCENARIOS_IN_NEED = [name for name in SCENARIOS.names() if SCENARIOS.get(name).traits["needs"]]


def cells_under(name):
    """Cells of a scenario at its defaults and at every other choice that is legal."""
    entry = catalogue().entry("scenario", name)
    choices = [{option.name: choice} for option in entry.options for choice in option.choices or ()]
    whole = [{option.name: 3} for option in entry.options if option.type == "int"]
    for options, method in itertools.product([{}, *choices, *whole], ("dense", "imp")):
        cell = make_cell(method, "0.3" if takes_density(method) else "1", data_ratio="0.5")
        cell = replace(cell, scenario=component(name, options))
        if not entry.conflicts(cell.scenario):
            yield cell


def test_some_scenarios_begin_with_what_others_left():
    assert "el2n" in SCENARIOS_IN_NEED


@pytest.mark.parametrize("name", SCENARIOS_IN_NEED)
def test_producers_of_a_scenario_end_somewhere_and_its_own_are_not_under_it(name):
    for cell in cells_under(name):
        left, seen = [cell], set()
        while left:
            now = left.pop()
            assert len(seen) < 100
            if now.id not in seen:
                seen.add(now.id)
                left += [need.producer for need in needs_of(now, catalogue())]
        scored = [need.producer for need in needs_of(cell, catalogue()) if need.seed is not None]
        assert {producer.scenario.name for producer in scored} <= {"clean"}


@pytest.mark.parametrize("name", METHODS.names())
def test_what_a_method_trains_on_is_among_what_it_needs(name):
    entry = catalogue().entry("method", name)
    for cell in cells_of(name):
        needed = [need.artifact for need in needs_of(cell, catalogue())]
        start = starts_from(entry.traits.get("starts_from"), entry.settings(cell.method))
        assert start in ("", *needed)
        assert all(check_name(str(each)) for each in needed if each is not None)


@pytest.mark.parametrize("name", METHODS.names())
def test_the_step_that_training_goes_on_from_is_what_the_trait_says(name):
    for cell in cells_of(name):
        method = METHODS.get(name).target("1", **cell.method.as_dict())
        assert first_step(cell, catalogue()) == method.first_step


def test_some_method_goes_on_from_a_later_step():
    assert 3 in {first_step(cell, catalogue()) for cell in cells_of("imp")}
