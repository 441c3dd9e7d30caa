"""What a job does when its pack has ended: the last one submits what a rule asks for next."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grids.cell import Cell
from orchestrator.planning.following import plan_after
from orchestrator.planning.request import Planned, Request, plan_request
from orchestrator.running import detached, in_job
from orchestrator.running.detached import hand_over
from orchestrator.running.in_job import follow, run_job
from orchestrator.slurm.cluster import Slurm
from orchestrator.slurm.commands import Answer, SlurmError
from orchestrator.slurm.profiles import Profile
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.records import Record, publish, timestamp
from orchestrator.submissions.jobs import Place
from orchestrator.submissions.manifest import Manifest
from orchestrator.submissions.submission import (
    Submission,
    find_submission,
    manifests_of,
    publish_submission,
    submitted_grids,
)
from orchestrator.watching.job_state import JobState
from orchestrator.worker.heartbeat import request_stop
from tests.support.records import PROVENANCE, attempt

GRID = """\
name: few
base: {dataset: digits, model: mlp, density: 0.5}
axes: {method: [dense, set]}
seeds: {min: 2, max: 4, until: ci95 < 1pp}
"""
PROFILE = Profile(name="alpha", concurrency=2)


class Site(Slurm):
    """Takes every job; of all jobs that it is asked about it says the same."""

    def __init__(self, profile: Profile = PROFILE) -> None:
        super().__init__(profile, _answer)
        self.jobs: list[int] = []
        self.state = "RUNNING"
        self.refuses = False

    def submit(self, store: Store, batch: Any, manifests: Sequence[Path], **options: Any) -> str:
        """Note of how many packs the job is."""
        if self.refuses:
            raise SlurmError("sbatch: not from here")
        self.jobs.append(len(manifests))
        return str(len(self.jobs))

    def snapshot(self, places: Collection[Place], *, since: float) -> Mapping[Place, JobState]:
        """All of them alike."""
        return {place: JobState(job="1", state=self.state) for place in places}


def _answer(command: Sequence[str]) -> Answer:
    return Answer(returncode=0, stdout="MaxArraySize = 1001\n", stderr="")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    found = Site()
    monkeypatch.setattr(in_job, "Slurm", lambda profile, notes: found)
    monkeypatch.setattr(detached, "freeze", lambda store: Path("/store/code/c0de"))
    return found


def planned(store: Store, scheduler: Slurm | None = None, text: str = GRID) -> Planned:
    path = store.root.parent / "few.yaml"
    path.write_text(text)
    return plan_request(Request(grid=str(path), store=store.root), scheduler)


def handed_over(folder: Path, site: Site, text: str) -> Store:
    """A store whose grid was just handed over."""
    store = Store.create(folder / "results")
    hand_over(replace(planned(store, text=text), capacity=site.capacity()), site, run_job)
    return store


@pytest.fixture
def store(tmp_path: Path, site: Site) -> Store:
    """One in which the first two seeds of two methods are two packs."""
    return handed_over(tmp_path, site, GRID)


def packs(store: Store) -> list[Manifest]:
    return manifests_of(store, "few", 1)


def end(store: Store, cells: Sequence[Cell], state: str = "COMPLETED") -> None:
    """An attempt at each of these cells; the accuracy is far from that of other seeds."""
    error = {"type": "ValueError", "message": "bad", "signature": "s", "phase": "train"}
    for cell in cells:
        completed = state == "COMPLETED"
        record = Record(
            cell=cell.id, attempt=attempt(1), state=state, canonical=cell.canonical(), fields={},
            started_at=timestamp(1.0), finished_at=timestamp(2.0),
            metrics={"test_accuracy": 0.2 * cell.seed} if completed else {}, layers=[],
            error=None if completed else error, provenance=PROVENANCE,
        )  # fmt: skip
        publish(store, record)


def last(store: Store) -> Submission:
    return find_submission(store, "few")


def test_a_pack_that_ends_while_others_run_leaves_it_to_them(store: Store, site: Site) -> None:
    first, second = packs(store)
    end(store, first.cells)
    follow(store, first)
    assert last(store).number == 1
    end(store, second.cells)
    follow(store, second)
    assert (last(store).number, len(last(store).cells)) == (2, 6)
    assert last(store).source == str(store.root.parent / "few.yaml")
    assert site.jobs == [2, 1]


def test_of_two_that_end_together_one_submits(store: Store, site: Site) -> None:
    for pack in packs(store):
        end(store, pack.cells)
    before = last(store)
    plans = [plan_after(store, before, site, []) for _ in packs(store)]
    for pack in packs(store):
        follow(store, pack)
    assert (submitted_grids(store), last(store).number, site.jobs) == (["few"], 2, [2, 1])
    assert plans[0] is not None
    with pytest.raises(StoreError, match="another run of few began just now"):
        hand_over(replace(plans[0], capacity=site.capacity()), site, run_job)


def test_a_person_who_planned_before_it_was_submitted_submits_nothing_twice(
    store: Store, site: Site
) -> None:
    for pack in packs(store):
        end(store, pack.cells)
    ready = planned(store, site)
    assert len(ready.plan.to_train()) == 2
    follow(store, packs(store)[0])
    with pytest.raises(StoreError, match="another run of few began just now"):
        hand_over(replace(ready, capacity=site.capacity()), site, run_job)
    assert planned(store, site).plan.to_train() == []


def test_cells_whose_producers_failed_keep_nobody_from_seeing_the_end(
    tmp_path: Path, site: Site
) -> None:
    text = GRID.replace("[dense, set]", "[set, omp]")
    store = handed_over(tmp_path, site, text)
    for pack in packs(store):
        end(store, [cell for cell in pack.cells if cell.method.name == "set"])
        end(store, [cell for cell in pack.cells if cell.method.name == "dense"], "FAILED")
    for pack in packs(store):  # the jobs still run: all tasks are in them, and omp has no record
        assert last(store).number == 1
        follow(store, pack)
    assert last(store).number == 2
    assert {c.method.name: c.seed for c in last(store).cells} == {"set": 2, "omp": 1}


def test_a_failed_seed_is_followed_by_nothing(store: Store, site: Site) -> None:
    for pack in packs(store):
        end(store, pack.cells, "FAILED")
    follow(store, packs(store)[0])
    assert (last(store).number, site.jobs) == (1, [2])


def test_what_was_lost_is_left_to_the_next_run(store: Store, site: Site) -> None:
    first, _ = packs(store)
    end(store, first.cells)
    site.state = "COMPLETED"
    follow(store, first)
    assert last(store).number == 1


def test_a_refusal_from_inside_a_job_leaves_it_to_the_next_run(
    store: Store, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    for pack in packs(store):
        end(store, pack.cells)
    site.refuses = True
    follow(store, packs(store)[0])
    assert "further seeds are left to the next run: sbatch: not from here" in caplog.text
    site.refuses = False
    again = planned(store, site)
    assert sorted(cell.seed for cell in again.plan.to_train()) == [2, 2]
    hand_over(replace(again, capacity=site.capacity()), site, run_job)
    assert site.jobs == [2, 1]


def test_nothing_follows_a_stopped_run_other_code_or_a_profile_that_says_so(
    store: Store, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = packs(store)
    end(store, [*first.cells, *second.cells])
    with monkeypatch.context() as patched:
        patched.setattr(in_job, "code_hash", lambda: "another")
        follow(store, second)
    with monkeypatch.context() as patched:
        patched.setattr(in_job, "kept_profile", lambda *_: replace(PROFILE, hand_over="none"))
        follow(store, second)
    follow(store, replace(second, followed=False))
    request_stop(store, "few", 1)
    follow(store, second)
    assert (last(store).number, site.jobs) == (1, [2])


def test_nothing_follows_where_the_grid_was_given_to_another_backend(
    store: Store, site: Site
) -> None:
    first, second = packs(store)
    end(store, [*first.cells, *second.cells])
    publish_submission(store, replace(last(store), number=2, backend="ray"))
    follow(store, second)
    assert (last(store).number, site.jobs) == (2, [2])
