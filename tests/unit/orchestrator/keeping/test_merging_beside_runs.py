"""Merging into a store in which grids are at work: `status` goes on telling of them."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.keeping.merging import merge, plan_merge
from orchestrator.planning.packing import pack_id
from orchestrator.store import Store, load_index, publish
from orchestrator.store.records import timestamp
from orchestrator.submissions.jobs import JobBatch, jobs_folder, publish_batch
from orchestrator.submissions.manifest import Manifest, publish_manifests
from orchestrator.submissions.submission import find_submission, publish_submission
from orchestrator.watching.carried import NoScheduler
from orchestrator.watching.status import grid_status
from orchestrator.worker.heartbeat import Phase
from tests.support.cells import make_cell
from tests.support.records import record
from tests.support.runs import a_submission, another_run, beat

HERE, THERE = make_cell(seed=0), make_cell(seed=1)


@pytest.fixture
def into(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "into")


@pytest.fixture
def other(tmp_path: Path) -> Store:
    """A store with a record, a run of a grid `same` that is younger, and one of a grid `new`."""
    store = Store.create(tmp_path / "other")
    publish(store, record(1))
    for name in ("same", "new"):
        asked = a_submission(name, 1, [THERE])
        publish_submission(store, replace(asked, submitted_at=timestamp(time.time() + 60)))
    return store


def waiting(other: Store, into: Store) -> list[str]:
    return [asked.grid for asked in plan_merge([other.root], into.root).waiting]


def test_a_run_that_is_at_work_stays_the_last_of_its_grid(other: Store, into: Store) -> None:
    [pack] = another_run(into, [[HERE]], grid="same")
    beat(into, pack)
    plan = plan_merge([other.root], into.root)
    assert [asked.grid for asked in plan.joining] == ["new"]
    assert len(load_index(merge(plan))) == 1
    told = grid_status(into, find_submission(into, "same"), NoScheduler())
    assert (told.number, told.counts, len(told.running)) == (1, {"RUNNING": 1}, 1)
    assert plan.plain()["submissions_waiting"] == [{"grid": "same", "number": 1}]


def test_the_next_merge_after_its_end_brings_what_waited(other: Store, into: Store) -> None:
    [pack] = another_run(into, [[HERE]], grid="same")
    beat(into, pack)
    merge(plan_merge([other.root], into.root))
    assert plan_merge([other.root], into.root).nothing
    beat(into, pack, phase=Phase.FINISHED)
    plan = plan_merge([other.root], into.root)
    assert ([asked.grid for asked in plan.joining], plan.waiting) == (["same"], ())


def test_a_run_whose_first_worker_has_still_to_begin_is_at_work(other: Store, into: Store) -> None:
    another_run(into, [[HERE]], grid="same")
    assert waiting(other, into) == ["same"]
    publish(into, record(2, cell=HERE.id, canonical=HERE.canonical()))
    assert waiting(other, into) == []


def test_jobs_that_a_scheduler_may_still_carry_are_at_work(other: Store, into: Store) -> None:
    publish_submission(into, a_submission("same", 1, [HERE]))
    manifest = Manifest(
        pack=pack_id([HERE]), store=str(into.root), grid="same", number=1,
        backend="slurm", code="c0de", cells=(HERE,), driver=None,
    )  # fmt: skip
    publish_manifests(into, [manifest])
    batch = JobBatch(name="ss-0-a0", packs=(manifest.pack,), written_at=timestamp(time.time()))
    publish_batch(into, "same", 1, batch)
    assert waiting(other, into) == ["same"]
    (jobs_folder(into, "same", 1) / "closed").touch()
    assert waiting(other, into) == []


def test_a_run_of_another_grid_keeps_nothing_waiting(other: Store, into: Store) -> None:
    [pack] = another_run(into, [[HERE]], grid="third")
    beat(into, pack)
    assert waiting(other, into) == []
