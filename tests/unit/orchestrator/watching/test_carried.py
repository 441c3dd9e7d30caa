"""What a scheduler carries: open until nothing of it can still come, and asked about once."""

import time
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from grids.cell import Cell
from orchestrator.planning.packing import pack_id
from orchestrator.store.index import load_index
from orchestrator.store.layout import Store
from orchestrator.store.records import timestamp
from orchestrator.submissions.jobs import (
    JobBatch,
    Place,
    output_folder,
    publish_batch,
    successor_of,
)
from orchestrator.submissions.manifest import Manifest, publish_manifests
from orchestrator.submissions.submission import publish_submission
from orchestrator.watching.carried import (
    CarriedPack,
    close_ended,
    failed_nodes,
    look,
    open_submissions,
)
from orchestrator.watching.job_state import JobState
from orchestrator.watching.ladder import GRACE_SECONDS
from orchestrator.watching.states import State
from tests.support.cells import make_cell
from tests.support.runs import a_submission

CELLS = [make_cell(seed=seed) for seed in range(4)]
PACKS = [CELLS[:2], CELLS[2:]]
IDS = [pack_id(cells) for cells in PACKS]
NAME = "ss-0a1b2c3d-a0"


class Queue:
    """A scheduler that answers what it was told to, and counts."""

    def __init__(self, words: Mapping[Place, str] | None) -> None:
        self._words = words
        self.asked: list[set[Place]] = []

    def snapshot(
        self, places: Collection[Place], *, since: float
    ) -> Mapping[Place, JobState] | None:
        self.asked.append(set(places))
        if self._words is None:
            return None
        return {
            place: JobState(job="12", state=word, nodes="n1") for place, word in self._words.items()
        }


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one submission of two packs, handed over an hour ago."""
    store = Store.create(tmp_path / "results")
    publish_submission(store, a_submission("g", 1, CELLS))
    publish_manifests(store, [_manifest(store, cells) for cells in PACKS])
    batch = JobBatch(name=NAME, packs=tuple(IDS), written_at=timestamp(time.time() - 3600))
    publish_batch(store, "g", 1, batch)
    return store


def _manifest(store: Store, cells: list[Cell]) -> Manifest:
    return Manifest(
        pack=pack_id(cells), store=str(store.root), grid="g", number=1, backend="slurm",
        code="c0de", cells=tuple(cells), driver=None,
    )  # fmt: skip


def ask(store: Store, queue: Queue) -> dict[str, CarriedPack]:
    packs = look(store, open_submissions(store), queue, load_index(store))
    return {pack.pack: pack for pack in packs}


def test_the_scheduler_is_asked_once_for_all_packs(store: Store) -> None:
    queue = Queue({(NAME, 0): "RUNNING", (NAME, 1): "PENDING"})
    found = ask(store, queue)
    assert queue.asked == [{(NAME, 0), (NAME, 1)}]
    assert [found[pack].verdict.state for pack in IDS] == [State.RUNNING, State.PENDING]
    assert all(pack.in_flight for pack in found.values())


def test_a_pack_is_looked_for_where_it_was_handed_over_last(store: Store) -> None:
    first = JobBatch(name=NAME, packs=tuple(IDS))
    now = timestamp(time.time())
    publish_batch(store, "g", 1, successor_of(first, IDS[1], reason="limit", written_at=now))
    queue = Queue({(NAME, 0): "COMPLETED", (NAME, 1): "COMPLETED"})
    found = ask(store, queue)
    assert queue.asked == [{(NAME, 0), (f"ss-0a1b2c3d-{IDS[1]}-1", None)}]
    assert found[IDS[0]].verdict.state is State.LOST
    assert found[IDS[1]].verdict.state is State.PENDING


def test_the_node_that_failed_is_named(store: Store) -> None:
    found = ask(store, Queue({(NAME, 0): "NODE_FAIL", (NAME, 1): "TIMEOUT"}))
    assert failed_nodes(found.values()) == ("n1",)
    found = ask(store, Queue({(NAME, 0): "RUNNING", (NAME, 1): "TIMEOUT"}))
    assert failed_nodes(found.values()) == ()


def test_another_person_s_jobs_are_never_taken_for_gone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.watching.carried.person", lambda: "somebody")
    queue = Queue({})
    found = ask(store, queue)
    assert queue.asked == []
    assert {pack.verdict.state for pack in found.values()} == {State.PENDING}
    assert all(pack.in_flight for pack in found.values())


def test_where_nobody_answers_nothing_is_lost(store: Store) -> None:
    assert all(pack.in_flight for pack in ask(store, Queue(None)).values())


def test_a_submission_is_closed_when_nothing_of_it_can_still_come(store: Store) -> None:
    folder = output_folder(store, NAME)
    folder.mkdir(parents=True)
    for name in ("12_0_submitted.pkl", "12_submission.sh", "12_0_0_log.out"):
        (folder / name).touch()
    running = ask(store, Queue({(NAME, 0): "RUNNING"}))
    close_ended(store, list(running.values()), {})
    assert open_submissions(store) == [("g", 1)]
    gone = ask(store, Queue({}))
    close_ended(store, list(gone.values()), {})
    assert open_submissions(store) == []
    assert [path.name for path in folder.iterdir()] == ["12_0_0_log.out"]


def test_what_was_handed_over_just_now_stays_open(store: Store) -> None:
    gone = ask(store, Queue({}))
    close_ended(store, list(gone.values()), {}, time.time() - 3600 + GRACE_SECONDS - 5)
    assert open_submissions(store) == [("g", 1)]


def test_a_run_that_somebody_waits_for_is_no_scheduler_s(store: Store) -> None:
    publish_submission(store, a_submission("other", 1, CELLS))
    assert open_submissions(store) == [("g", 1)]
    assert open_submissions(store, "other") == []
