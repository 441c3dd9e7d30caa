"""Other living runs of a store: their cells are theirs, whatever their grid and number."""

import os
from pathlib import Path

import pytest

from orchestrator.planning.neighbours import cells_of_others
from orchestrator.store.layout import Store
from orchestrator.worker.heartbeat import Phase
from tests.support.grids import a_cell
from tests.support.runs import another_run, beat

ONE, TWO, THREE = (a_cell(seed=seed) for seed in range(3))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path)


def test_a_store_without_runs_has_no_others(store: Store) -> None:
    assert cells_of_others(store, []) == {}


def test_the_cells_of_a_living_worker_are_another_s(store: Store) -> None:
    [pack] = another_run(store, [[ONE, TWO]])
    assert cells_of_others(store, []) == {}
    beat(store, pack)
    assert set(cells_of_others(store, [])) == {ONE.id, TWO.id}


def test_so_are_the_packs_that_wait_for_a_slot_but_not_those_that_ended(store: Store) -> None:
    first, second, _ = another_run(store, [[ONE], [TWO], [THREE]])
    beat(store, first, phase=Phase.FINISHED)
    beat(store, second)
    assert set(cells_of_others(store, [])) == {TWO.id, THREE.id}


def test_every_submission_of_every_grid_is_looked_at_not_only_the_newest(store: Store) -> None:
    [older] = another_run(store, [[ONE]], grid="a", number=1)
    another_run(store, [[TWO]], grid="a", number=2)
    [elsewhere] = another_run(store, [[THREE]], grid="b", number=1)
    beat(store, older)
    beat(store, elsewhere)
    assert set(cells_of_others(store, [])) == {ONE.id, THREE.id}


@pytest.mark.parametrize("phase", [Phase.FINISHED, Phase.STOPPED, Phase.FAILED])
def test_a_run_whose_workers_have_ended_is_no_longer_there(store: Store, phase: Phase) -> None:
    [pack] = another_run(store, [[ONE]])
    beat(store, pack, phase=phase)
    assert cells_of_others(store, []) == {}


def test_what_this_process_drives_is_its_own(store: Store) -> None:
    [pack] = another_run(store, [[ONE]])
    beat(store, pack, driver=os.getpid())
    assert cells_of_others(store, []) == {}
