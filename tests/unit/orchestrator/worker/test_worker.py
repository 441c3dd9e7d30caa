"""The worker: every cell that ends leaves a record; what breaks the worker leaves cells missing."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grids.catalogue import Catalogue, Entry
from grids.cell import Cell, Component
from grids.options import Option
from orchestrator.planning.packing import pack_id
from orchestrator.provenance import code_hash, host
from orchestrator.store.layout import Store
from orchestrator.store.records import read_hot
from orchestrator.submissions.cell_probes import NO_PROBES, CellProbes
from orchestrator.submissions.manifest import Manifest, publish_manifests, this_driver
from orchestrator.worker.checkpoints import find_checkpoints, open_folder, remove_spent
from orchestrator.worker.deadline import Deadline
from orchestrator.worker.energy import Meter, processor_counter
from orchestrator.worker.heartbeat import Phase, StopReason, newest_heartbeat
from orchestrator.worker.run import WorkerReport, run_manifest
from orchestrator.worker.spending import exhausted_of, used_hours
from trainer.outcome import Outcome, PackReport, PackRequest

CATALOGUE = Catalogue(
    methods=(Entry(name="set"),),
    allocations=(Entry(name="erk"),),
    scenarios=(Entry(name="clean"),),
    datasets=(Entry(name="digits"),),
    models=(Entry(name="mlp"),),
)
CELLS = tuple(
    Cell(
        method=Component(name="set"),
        density="0.1",
        dataset=Component(name="digits"),
        model=Component(name="mlp"),
        seed=seed,
    )
    for seed in range(3)
)
Publish = Callable[[Outcome], None]


def outcome(cell: Cell, error: dict[str, str] | None = None) -> Outcome:
    now = time.time()
    return Outcome(
        cell=cell,
        state="FAILED" if error else "COMPLETED",
        metrics={} if error else {"test_accuracy": 0.5},
        curve={} if error else {"epoch": [1.0], "step": [45.0]},
        error=error,
        started_at=now,
        finished_at=now,
        engine="stack",
        stack_width=3,
        seconds=0.1,
        device_seconds=0.0,
        memory_mb=100.0,
    )


def all_complete(cells: Sequence[Cell], *, publish: Publish, request: PackRequest) -> PackReport:
    for cell in cells:
        publish(outcome(cell))
    return PackReport(finished=len(cells), stopped=False, seconds=0.0)


def second_fails(cells: Sequence[Cell], *, publish: Publish, request: PackRequest) -> PackReport:
    error = {"type": "ValueError", "message": "bad 7", "traceback": "at line 7", "phase": "train"}
    for cell in cells:
        publish(outcome(cell, error if cell.seed == 1 else None))
    return PackReport(finished=len(cells), stopped=False, seconds=0.0)


def breaks(cells: Sequence[Cell], *, publish: Publish, request: PackRequest) -> PackReport:
    publish(outcome(cells[0]))
    raise RuntimeError("operator torchvision::nms does not exist")


def shares(cells: Sequence[Cell], *, publish: Publish, request: PackRequest) -> PackReport:
    def nine(path: Path) -> None:
        path.write_bytes(b"nine")

    request.shared.file({"kind": "nine"}, nine)
    return all_complete(cells, publish=publish, request=request)


def drains(cells: Sequence[Cell], *, publish: Publish, request: PackRequest) -> PackReport:
    assert request.should_stop()
    return PackReport(finished=0, stopped=True, seconds=0.0)


def run(
    folder: Path,
    trainer: Any,
    *,
    probes: CellProbes = NO_PROBES,
    catalogue: Catalogue = CATALOGUE,
    max_device_hours: float | None = None,
    **options: Any,
) -> tuple[Store, WorkerReport]:
    store = Store.create(folder)
    manifest = Manifest(
        pack=pack_id(CELLS), store=str(store.root), grid="g", number=1, backend="inline",
        code=code_hash(), cells=CELLS, driver=this_driver(host()),
        probes=probes, max_device_hours=max_device_hours,
    )  # fmt: skip
    [path] = publish_manifests(store, [manifest])
    return store, run_manifest(path, trainer=trainer, catalogue=catalogue, **options)


def test_every_cell_leaves_a_record_with_its_provenance(tmp_path: Path) -> None:
    store, report = run(tmp_path, all_complete)
    records = read_hot(store)
    assert (report.finished, report.failed, report.stopped, report.error) == (3, 0, None, "")
    assert {record.cell for record in records} == {cell.id for cell in CELLS}
    assert {record.attempt for record in records} == {report.attempt}
    [provenance] = {
        (r.provenance["code"], r.provenance["grid"], r.provenance["pack"], r.provenance["tier"])
        for r in records
    }
    assert provenance == (code_hash(), "g", pack_id(CELLS), "exact")
    assert records[0].fields["recipe.lr"] == 0.1


def test_a_record_has_the_energy_that_the_device_told_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counts(cells: Sequence[Cell], *, publish: Publish, request: PackRequest) -> PackReport:
        found = request.energy()
        for cell in cells:
            publish(replace(outcome(cell), energy_j=None if found is None else found[0]))
        return PackReport(finished=len(cells), stopped=False, seconds=0.0)

    store, _ = run(tmp_path / "told", counts)
    told = processor_counter() is not None
    assert {record.provenance["energy_j"] is not None for record in read_hot(store)} == {told}
    monkeypatch.setattr("orchestrator.worker.run.meter_of", lambda *_: Meter(lambda: 30.0))
    store, _ = run(tmp_path / "counted", counts)
    assert [record.provenance["energy_j"] for record in read_hot(store)] == [30.0, 30.0, 30.0]


def goes_on_until_told(
    cells: Sequence[Cell], *, publish: Publish, request: PackRequest
) -> PackReport:
    publish(outcome(cells[0]))
    end = time.monotonic() + 30.0
    while not request.should_stop():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not request.may_begin(None)
    return PackReport(finished=1, stopped=True, seconds=0.0)


def test_a_worker_is_drained_where_the_budget_of_its_submission_ends(tmp_path: Path) -> None:
    second = 1 / 3600
    store, report = run(tmp_path, goes_on_until_told, max_device_hours=second)
    assert (report.finished, report.stopped) == (1, StopReason.BUDGET)
    assert exhausted_of(store, "g", 1) is not None
    assert used_hours(store, "g", 1) == pytest.approx(second, rel=2.0)


def measures(cells: Sequence[Cell], *, publish: Publish, request: PackRequest) -> PackReport:
    for cell in cells:
        assert request.probes[cell.id] == [{"name": "rank", "of": "all"}, {"name": "robust"}]
        metrics = {"test_accuracy": 0.5, "rank": 3.0, "rank_spread": 1.0}
        # It covers one of the two, as an attempt of a trainer that was told to leave one out.
        covered = ('{"name":"rank","of":"all"}',)
        publish(replace(outcome(cell), metrics=metrics, probes=covered))
    return PackReport(finished=len(cells), stopped=False, seconds=0.0)


def test_a_record_says_which_probes_it_holds_and_in_which_sense(tmp_path: Path) -> None:
    asked = ('{"name":"rank","of":"all","semantics":2}', '{"name":"robust"}')
    rank = Entry(
        name="rank", semantics=2, options=(Option(name="of", type="str", default="few"),),
        traits={"metrics": [{"name": "rank"}, {"name": "rank_spread"}, {"name": "rank_left"}]},
    )  # fmt: skip
    catalogue = replace(CATALOGUE, probes=(rank, Entry(name="robust")))
    store, report = run(tmp_path, measures, probes=CellProbes(common=asked), catalogue=catalogue)
    assert (report.finished, report.error) == (3, "")
    for record in read_hot(store):
        assert record.provenance["probes"] == [
            {
                "probe": {"name": "rank", "of": "all", "semantics": 2},
                "metrics": ["rank", "rank_spread"],
            }
        ]


def test_a_failed_cell_hides_no_other_and_is_logged(tmp_path: Path) -> None:
    store, report = run(tmp_path, second_fails)
    states = {record.canonical["seed"]: record.state for record in read_hot(store)}
    assert states == {0: "COMPLETED", 1: "FAILED", 2: "COMPLETED"}
    assert (report.finished, report.failed) == (3, 1)
    log = store.log_path(report.pack, report.attempt).read_text()
    assert "FAILED" in log
    assert "at line 7" in log


def test_a_broken_worker_leaves_its_cells_missing_and_explains(tmp_path: Path) -> None:
    store, report = run(tmp_path, breaks)
    assert [record.cell for record in read_hot(store)] == [CELLS[0].id]
    assert "torch" in report.error
    assert "do not match" in report.error
    said = newest_heartbeat(store, report.pack)
    assert said is not None
    assert said.phase is Phase.FAILED


def test_what_cells_share_lies_in_the_store(tmp_path: Path) -> None:
    store, _ = run(tmp_path, shares)
    [content] = [path for path in store.shared.glob("*/*") if path.suffix != ".json"]
    assert content.read_bytes() == b"nine"


def test_a_worker_that_is_told_to_stop_drains(tmp_path: Path) -> None:
    store, report = run(tmp_path, drains, should_stop=lambda: True)
    assert report.stopped is StopReason.SIGNAL
    said = newest_heartbeat(store, report.pack)
    assert said is not None
    assert said.phase is Phase.STOPPED


def test_checkpoints_are_found_by_cell_whatever_pack_wrote_them(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    folder = open_folder(store, "old", "a1", ["c1", "c2"])
    (folder / "00000001.pt").write_bytes(b"state")
    assert find_checkpoints(store, ["c2", "c9"]) == [folder / "00000001.pt"]
    assert find_checkpoints(store, ["c9"]) == []


def test_checkpoints_go_when_all_their_cells_ended(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    folder = open_folder(store, "old", "a1", ["c1", "c2"])
    remove_spent(store, {"c1": "a1"})
    assert folder.exists()
    remove_spent(store, {"c1": "a1", "c2": "a2"})
    assert not folder.parent.exists()


def test_an_interrupted_second_training_keeps_its_checkpoint(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    folder = open_folder(store, "again", "a2", ["c1", "c2"])
    remove_spent(store, {"c1": "a1", "c2": "a1"})  # both ended before: a retry, a stale rerun
    assert folder.exists()
    remove_spent(store, {"c1": "a2", "c2": "a2"})
    assert not folder.exists()


def test_a_list_of_cells_that_is_still_being_written_spends_nothing(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    folder = open_folder(store, "new", "a1", ["c1"])
    (folder / "cells.json").write_text("[")
    remove_spent(store, {"c1": "a1"})
    assert folder.exists()


def test_a_finished_pack_leaves_no_checkpoints(tmp_path: Path) -> None:
    store, report = run(tmp_path, all_complete)
    assert not store.checkpoints(report.pack).exists()


def test_a_second_attempt_leaves_out_what_the_first_has_ended(tmp_path: Path) -> None:
    asked: list[list[int]] = []

    def breaks_after_one(cells: Sequence[Cell], **given: Any) -> PackReport:
        asked.append([cell.seed for cell in cells])
        return breaks(cells, **given)

    store, _ = run(tmp_path, breaks_after_one)
    path = store.pack_path("g", 1, pack_id(CELLS))
    run_manifest(path, trainer=breaks_after_one, catalogue=CATALOGUE)
    assert asked == [[0, 1, 2], [1, 2]]


def test_a_worker_may_be_given_some_of_its_cells_only(tmp_path: Path) -> None:
    store, report = run(tmp_path, all_complete, only=[CELLS[1].id])
    assert [record.cell for record in read_hot(store)] == [CELLS[1].id]
    assert report.advanced


def test_a_worker_whose_time_is_up_says_so(tmp_path: Path) -> None:
    store, report = run(tmp_path, drains, deadline=Deadline(at=time.time(), limit_seconds=60.0))
    assert report.stopped is StopReason.LIMIT
    assert not report.advanced
    said = newest_heartbeat(store, report.pack)
    assert said is not None
    assert (said.phase, said.label) == (Phase.STOPPED, "limit")
