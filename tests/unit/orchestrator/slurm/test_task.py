"""What a task does before it trains: who is ready, who waits for a job, who waits in vain."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from grids.cell import Cell
from orchestrator.slurm import successor, task
from orchestrator.slurm.commands import Answer, SlurmError
from orchestrator.slurm.profiles import Profile
from orchestrator.store.index import load_index
from orchestrator.store.layout import Store
from orchestrator.store.records import Record, publish, timestamp
from orchestrator.submissions.jobs import JobBatch, publish_batch, read_batches, successor_of
from orchestrator.submissions.manifest import Manifest
from orchestrator.watching.carried import CarriedPack
from orchestrator.watching.job_state import JobState
from orchestrator.watching.ladder import Verdict
from orchestrator.watching.states import State
from orchestrator.worker.deadline import Deadline
from tests.support.cells import make_cell
from tests.support.records import PROVENANCE, attempt

PRODUCER, OTHER, CONSUMER = (make_cell(seed=seed) for seed in range(3))
FIRST = JobBatch(name="ss-0a1b2c3d-a0", packs=("p", "q"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def manifest(store: Store, needs: tuple[Cell, ...] = ()) -> Manifest:
    return Manifest(
        pack="p", store=str(store.root), grid="g", number=1, backend="slurm", code="c0de",
        cells=(CONSUMER,), driver=None, needs={CONSUMER.id: tuple(cell.id for cell in needs)},
    )  # fmt: skip


def ended(store: Store, cell: Cell, state: str = "COMPLETED") -> None:
    error = {"type": "ValueError", "message": "bad", "signature": "s", "phase": "train"}
    record = Record(
        cell=cell.id, attempt=attempt(1), state=state, canonical=cell.canonical(), fields={},
        started_at=timestamp(1.0), finished_at=timestamp(2.0),
        metrics={"test_accuracy": 0.5} if state == "COMPLETED" else {}, layers=[], curve=False,
        error=None if state == "COMPLETED" else error, supersedes=(), provenance=PROVENANCE,
    )  # fmt: skip
    publish(store, record)


def carried(cell: Cell, job: str) -> CarriedPack:
    return CarriedPack(
        grid="g", number=1, pack="q", cells=(cell.id,), unfinished=(cell.id,),
        place=(FIRST.name, 1), job=JobState(job=job, state="RUNNING"), heartbeat=None,
        verdict=Verdict(state=State.RUNNING, why=""),
    )  # fmt: skip


def test_a_cell_whose_producers_have_results_is_ready(store: Store) -> None:
    ended(store, PRODUCER)
    found = task.readiness(manifest(store, (PRODUCER,)), load_index(store), {}, [])
    assert (found.ready, found.waiting, found.blocked) == ((CONSUMER.id,), (), {})


def test_a_cell_whose_producer_is_in_a_job_waits_behind_that_job(store: Store) -> None:
    ended(store, PRODUCER)
    found = task.readiness(
        manifest(store, (PRODUCER, OTHER)), load_index(store), {}, [carried(OTHER, "12_1")]
    )
    assert (found.ready, found.waiting, found.behind) == ((), (CONSUMER.id,), ("12_1",))


def test_a_cell_whose_producer_failed_is_blocked_with_the_reason(store: Store) -> None:
    ended(store, PRODUCER, "FAILED")
    found = task.readiness(manifest(store, (PRODUCER,)), load_index(store), {}, [])
    assert found.blocked == {CONSUMER.id: f"its producer {PRODUCER.id} ended FAILED: bad"}


def test_a_cell_whose_producer_nobody_makes_is_blocked(store: Store) -> None:
    found = task.readiness(manifest(store, (PRODUCER,)), load_index(store), {}, [])
    assert found.blocked == {
        CONSUMER.id: f"its producer {PRODUCER.id} has no results, and no job makes them"
    }


class Scheduler:
    """Notes what it is asked to submit."""

    def __init__(self, hand_over: str = "successor", refuses: bool = False) -> None:
        self.profile = Profile(name="a", hand_over=hand_over)
        self.submitted: list[dict[str, Any]] = []
        self._refuses = refuses

    def submit(self, store: Store, batch: JobBatch, manifests: object, **more: Any) -> str:
        if self._refuses:
            raise SlurmError("sbatch refused: not from inside a job")
        self.submitted.append({"name": batch.name, **more})
        return "99"


def hand_over(store: Store, scheduler: Scheduler, batch: JobBatch = FIRST, **more: Any) -> Any:
    given = {"reason": "limit", "advanced": True, **more}
    return successor.hand_over(
        store, manifest(store), Path("p.json"), batch, scheduler,  # type: ignore[arg-type]
        task=task.run_task, **given,
    )  # fmt: skip


def test_a_pack_is_handed_to_one_successor_only(store: Store) -> None:
    scheduler = Scheduler()
    assert hand_over(store, scheduler) == "99"
    assert hand_over(store, scheduler) is None
    assert [job["name"] for job in scheduler.submitted] == ["ss-0a1b2c3d-p-1"]
    [batch] = read_batches(store, "g", 1)
    assert (batch.predecessor, batch.reason, batch.idle) == (FIRST.name, "limit", 0)


def test_jobs_that_come_no_further_wait_longer_and_end(store: Store) -> None:
    scheduler = Scheduler()
    batch = FIRST
    for waits in (60, 120):
        assert hand_over(store, scheduler, batch, advanced=False) == "99"
        assert scheduler.submitted[-1]["begin_seconds"] == waits
        batch = read_batches(store, "g", 1)[-1]
    assert hand_over(store, scheduler, batch, advanced=False) is None
    assert len(scheduler.submitted) == 2


def test_progress_forgives_what_was_before(store: Store) -> None:
    idle = successor_of(FIRST, "p", reason="limit", written_at=timestamp(1.0), idle=2)
    publish_batch(store, "g", 1, idle)
    scheduler = Scheduler()
    hand_over(store, scheduler, idle, advanced=True)
    assert scheduler.submitted[-1]["begin_seconds"] == 0


def test_a_profile_may_leave_it_to_the_next_run(store: Store) -> None:
    scheduler = Scheduler("none")
    assert hand_over(store, scheduler) is None
    assert scheduler.submitted == []


def test_where_no_job_may_submit_a_requeue_is_tried(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def run(command: Any) -> Answer:
        asked.append(tuple(command))
        return Answer(returncode=0, stdout="", stderr="")

    monkeypatch.setattr(successor, "run_command", run)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert hand_over(store, Scheduler(refuses=True)) == "17"
    assert asked == [("scontrol", "requeue", "17")]


@pytest.mark.parametrize(
    ("said", "cancelled"),
    [
        ("JobState=RUNNING Reason=None PreemptTime=None", False),
        ("JobState=RUNNING Reason=None PreemptTime=2026-11-21T03:30:34", False),
        ("JobState=COMPLETING Reason=None PreemptTime=None", True),
        ("JobState=CANCELLED Reason=None PreemptTime=None", True),
        ("JobState=COMPLETING Reason=None PreemptTime=2026-11-21T03:30:34", False),
    ],
)
def test_a_cancelled_job_is_told_from_a_displaced_one(
    monkeypatch: pytest.MonkeyPatch, said: str, cancelled: bool
) -> None:
    answer = Answer(returncode=0, stdout=said, stderr="")
    monkeypatch.setattr(successor, "run_command", lambda command: answer)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert successor.was_cancelled() is cancelled


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGINT])
def test_every_signal_that_announces_an_end_asks_for_a_stop(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    far = Deadline(at=time.time() + 3600, limit_seconds=7200)
    with task._listening(far, 90) as told:
        signal.raise_signal(number)
        assert told.is_set()
        assert told.to_end is (number in (signal.SIGTERM, signal.SIGINT))
    assert signal.getsignal(number) is before


def test_the_warning_of_a_limit_that_the_worker_knows_is_passed_over() -> None:
    near = Deadline(at=time.time() + 100, limit_seconds=600)
    with task._listening(near, 90) as told:
        signal.raise_signal(signal.SIGUSR2)
        assert not told.is_set()
        signal.raise_signal(signal.SIGTERM)
        assert told.is_set()
