"""Cleaning a store: what is listed, that exactly this is freed, and what is never touched."""

import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grids.artifacts import ArtifactWishes
from grids.cell import Cell
from orchestrator.keeping.cleaning import Cleaning, clean, plan_cleaning
from orchestrator.planning.packing import pack_id
from orchestrator.provenance import PACKAGES, code_hash
from orchestrator.store import Store, load_index, publish
from orchestrator.store.artifacts import publish_artifacts
from orchestrator.store.layout import StoreError
from orchestrator.store.records import timestamp
from orchestrator.submissions.frozen import freeze
from orchestrator.submissions.jobs import JobBatch, jobs_folder, output_folder, publish_batch
from orchestrator.submissions.manifest import Manifest, publish_manifests
from orchestrator.submissions.submission import publish_submission
from orchestrator.watching.carried import NoScheduler
from orchestrator.worker.checkpoints import open_folder
from orchestrator.worker.heartbeat import Phase
from orchestrator.worker.spent_artifacts import remove_spent_artifacts
from tests.support.cells import make_cell
from tests.support.records import attempt, failure, record
from tests.support.runs import a_submission, beat

ONE, TWO, THREE = (make_cell(seed=seed) for seed in range(3))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def answered(store: Store, cell: Cell, number: int = 5, **changed: Any) -> None:
    item = record(number, canonical=cell.canonical(), cell=cell.id, **changed)
    publish(store, item)


def a_run(store: Store, *packs: Sequence[Cell], grid: str = "grid", number: int = 1) -> list[str]:
    """A run of these packs, each with a log and a checkpoint of attempt 5."""
    publish_submission(store, a_submission(grid, number, [cell for p in packs for cell in p]))
    manifests = [
        Manifest(
            pack=pack_id(cells), store=str(store.root), grid=grid, number=number,
            backend="inline", code="c0de", cells=tuple(cells), driver=None,
        )
        for cells in packs
    ]  # fmt: skip
    publish_manifests(store, manifests)
    for manifest in manifests:
        store.log_folder(manifest.pack).mkdir(parents=True, exist_ok=True)
        store.log_path(manifest.pack, attempt(5)).write_text("log")
        folder = open_folder(store, manifest.pack, attempt(5), [c.id for c in manifest.cells])
        (folder / "1.pt").write_bytes(b"weights")
    return [manifest.pack for manifest in manifests]


def look(store: Store, grid: str | None = "grid", **asked: bool) -> Cleaning:
    return plan_cleaning(store, grid, NoScheduler(), **asked)


def listed(cleaning: Cleaning, kind: str) -> list[str]:
    root = cleaning.store.root
    pieces = (piece for piece in cleaning.pieces if piece.kind == kind)
    return sorted(path.relative_to(root).as_posix() for p in pieces for path in p.files)


def files(store: Store) -> set[Path]:
    return {path for path in store.root.rglob("*") if path.is_file()}


def test_checkpoints_and_logs_of_finished_cells_are_freed_and_nothing_else(store: Store) -> None:
    [pack] = a_run(store, [ONE, TWO])
    answered(store, ONE)
    answered(store, TWO)
    found, before = look(store), files(store)
    assert found.sizes()["logs"] == (1, 3)
    checkpoints = [f"checkpoints/{pack}/{attempt(5)}/{name}" for name in ("1.pt", "cells.json")]
    assert listed(found, "checkpoints") == checkpoints
    clean(found)
    assert before - files(store) == {path for piece in found.pieces for path in piece.files}
    assert not store.checkpoint_folder(pack, attempt(5)).exists()
    assert look(store).pieces == ()


def test_a_pack_with_an_unfinished_cell_keeps_its_checkpoint_and_its_log(store: Store) -> None:
    a_run(store, [ONE, TWO], [THREE])
    answered(store, ONE)
    answered(store, THREE, state="FAILED", metrics={}, layers=[], error=failure().error)
    found = look(store)
    assert (found.pieces, found.unfinished, found.busy) == ((), 2, 0)


def test_a_cell_that_was_begun_again_keeps_the_newer_checkpoint(store: Store) -> None:
    [pack] = a_run(store, [ONE])
    answered(store, ONE, 4)
    assert listed(look(store), "checkpoints") == []
    folder = open_folder(store, pack, attempt(3), [ONE.id])
    assert listed(look(store), "checkpoints") == [
        (folder / "cells.json").relative_to(store.root).as_posix()
    ]


def test_nothing_of_a_pack_that_runs_is_touched(store: Store) -> None:
    [pack] = a_run(store, [ONE])
    answered(store, ONE)
    beat(store, pack)
    found = look(store)
    assert (found.pieces, found.busy) == ((), 1)


def test_nothing_of_a_pack_that_waits_behind_one_that_runs_is_touched(store: Store) -> None:
    running, waiting = a_run(store, [ONE], [TWO])
    answered(store, ONE)
    answered(store, TWO)
    beat(store, running)
    assert look(store).busy == 2
    beat(store, waiting, phase=Phase.FINISHED)
    assert listed(look(store), "checkpoints") == [
        f"checkpoints/{waiting}/{attempt(5)}/{name}" for name in ("1.pt", "cells.json")
    ]


def test_a_pack_that_another_grid_runs_is_touched_by_none(store: Store) -> None:
    [pack] = a_run(store, [ONE])
    a_run(store, [ONE], grid="other")
    answered(store, ONE)
    beat(store, pack)
    assert look(store).pieces == ()


def carried(store: Store, pack: str, *, since: float) -> Path:
    """Say that a job carries the pack, and what it has printed."""
    batch = JobBatch(name="ss-0-a0", packs=(pack,), written_at=timestamp(time.time() - since))
    publish_batch(store, "grid", 1, batch)
    output = output_folder(store, batch.name)
    output.mkdir(parents=True)
    (output / "1_0.out").write_text("out")
    return output / "1_0.out"


def test_nothing_of_a_pack_that_a_scheduler_carries_is_touched(store: Store) -> None:
    [pack] = a_run(store, [ONE, TWO])
    answered(store, ONE)
    carried(store, pack, since=1.0)
    assert look(store).pieces == ()
    assert look(store).busy == 1


def test_the_output_of_ended_jobs_goes_with_the_logs(store: Store) -> None:
    [pack] = a_run(store, [ONE])
    answered(store, ONE)
    path = carried(store, pack, since=1000.0)
    assert path.relative_to(store.root).as_posix() in listed(look(store), "logs")


def test_another_grid_and_the_rest_of_the_store_are_left_alone(store: Store) -> None:
    a_run(store, [ONE])
    a_run(store, [TWO], grid="other")
    answered(store, ONE)
    answered(store, TWO)
    assert len(look(store).pieces) == 2
    assert len(look(store, None).pieces) == 4


def consuming(store: Store, number: int = 1, *, grid: str = "grid", **wishes: Any) -> None:
    """A submission in which TWO begins with what ONE left as final."""
    asked = replace(
        a_submission(grid, number, [TWO]),
        producers=(ONE,), inputs={TWO.id: {"final": ONE.id}}, artifacts=ArtifactWishes(**wishes),
    )  # fmt: skip
    publish_submission(store, asked)


def artifact_left(store: Store) -> str:
    answered(store, ONE)
    publish_artifacts(store, [(ONE.id, attempt(5), {"final": b"weights"})])
    return f"artifacts/{ONE.id[:2]}/{ONE.id}.{attempt(5)}.final"


def test_an_artifact_is_freed_when_all_its_consumers_have_results(store: Store) -> None:
    consuming(store)
    name = artifact_left(store)
    assert listed(look(store, artifacts=True), "artifacts") == []
    answered(store, TWO)
    assert listed(look(store), "artifacts") == []
    assert listed(look(store, artifacts=True), "artifacts") == [name]


@pytest.mark.parametrize("other", [{"consumed": "keep"}, {"leave": ("final",)}])
def test_an_artifact_that_another_grid_wants_is_kept(store: Store, other: Any) -> None:
    consuming(store, consumed="remove")
    artifact_left(store)
    answered(store, TWO)
    cells = [ONE] if "leave" in other else [TWO]
    asked = replace(a_submission("other", 1, cells), artifacts=ArtifactWishes(**other))
    inputs = {TWO.id: {"final": ONE.id}} if "consumed" in other else {}
    publish_submission(store, replace(asked, inputs=inputs))
    assert listed(look(store, artifacts=True), "artifacts") == []


def test_an_artifact_that_an_earlier_living_run_begins_with_is_kept(store: Store) -> None:
    consuming(store, 1)
    later = replace(a_submission("grid", 2, [THREE]), inputs={THREE.id: {"final": ONE.id}})
    later = replace(later, producers=(ONE,), artifacts=ArtifactWishes(consumed="remove"))
    publish_submission(store, later)
    name = artifact_left(store)
    answered(store, THREE)
    assert listed(look(store, artifacts=True), "artifacts") == [name]
    manifest = Manifest(
        pack="aa", store=str(store.root), grid="grid", number=1, backend="inline", code="c0de",
        cells=(TWO,), driver=None,
    )  # fmt: skip
    publish_manifests(store, [manifest])
    beat(store, "aa")
    assert listed(look(store, artifacts=True), "artifacts") == []
    assert remove_spent_artifacts(store, later, load_index(store)) == []


def an_old_program(root: Path, text: str) -> Path:
    for package in PACKAGES:
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").write_text(f'"""{text}."""\n')
    return root


def test_kept_code_that_nobody_names_is_freed_after_an_hour(store: Store, tmp_path: Path) -> None:
    folders = [freeze(store, an_old_program(tmp_path / text, text)) for text in "abc"]
    recorded, submitted, nobody = folders
    answered(store, ONE, provenance={"code": recorded.name})
    publish_submission(store, replace(a_submission("grid", 1, [ONE]), code=submitted.name))
    assert listed(look(store, code=True), "code") == []
    for folder in folders:
        os.utime(folder, (0, 0))
    found = look(store, code=True)
    assert {Path(name).parts[1] for name in listed(found, "code")} == {nobody.name}
    os.utime(nobody)  # a run takes it up just now
    assert clean(found).sizes().get("code") is None
    os.utime(nobody, (0, 0))
    clean(found)
    assert not nobody.exists()
    assert {recorded.name, submitted.name} == {p.name for p in store.code_folder("").iterdir()}


def test_the_code_that_runs_now_is_kept(store: Store) -> None:
    folder = store.code_folder(code_hash())
    folder.mkdir(parents=True)
    os.utime(folder, (0, 0))
    assert look(store, code=True).pieces == ()


def test_files_that_dead_processes_left_are_freed_with_the_whole_store(store: Store) -> None:
    old, young = store.root / "records" / ".x.json.a.1.b.tmp", store.root / ".y.tmp"
    old.parent.mkdir(exist_ok=True)
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    assert listed(look(store, None), "leftovers") == ["records/.x.json.a.1.b.tmp"]
    clean(look(store, None))
    assert young.exists()
    assert not old.exists()


def test_what_is_written_meanwhile_stays(store: Store) -> None:
    [pack] = a_run(store, [ONE])
    answered(store, ONE)
    found = look(store)
    fresh = store.checkpoint_folder(pack, attempt(5)) / "2.pt"
    fresh.write_bytes(b"newer")
    store.log_path(pack, attempt(9)).write_text("newer")
    clean(found)
    assert fresh.exists()
    assert store.log_path(pack, attempt(9)).exists()


def test_what_is_gone_already_is_no_mistake(store: Store) -> None:
    a_run(store, [ONE])
    answered(store, ONE)
    found = look(store)
    clean(found)
    clean(found)


def test_a_store_that_may_only_be_read_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_run(store, [ONE])
    answered(store, ONE)
    found, before = look(store), files(store)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(StoreError, match="you may only read it"):
        clean(found)
    assert files(store) == before


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder beside the store, which nothing in a store may lead to."""
    folder = tmp_path / "elsewhere"
    (folder / attempt(5)).mkdir(parents=True)
    (folder / attempt(5) / "1.pt").write_bytes(b"theirs")
    (folder / "precious.txt").write_text("theirs")
    return folder


def test_a_job_whose_name_leads_out_of_the_store_is_refused(store: Store, elsewhere: Path) -> None:
    [pack] = a_run(store, [ONE])
    answered(store, ONE)
    path = carried(store, pack, since=1000.0)
    described = jobs_folder(store, "grid", 1) / "ss-0-a0.json"
    leading_out = {**json.loads(described.read_bytes()), "name": "../../../elsewhere", "packs": []}
    described.write_text(json.dumps(leading_out))
    with pytest.raises(StoreError, match="no such names"):
        look(store)
    assert (elsewhere / "precious.txt").exists()
    assert path.exists()


def test_the_output_of_a_job_that_carries_no_pack_stays(store: Store) -> None:
    [pack] = a_run(store, [ONE])
    answered(store, ONE)
    path = carried(store, pack, since=1000.0)
    described = jobs_folder(store, "grid", 1) / "ss-0-a0.json"
    described.write_text(json.dumps({**json.loads(described.read_bytes()), "packs": []}))
    clean(look(store))
    assert path.exists()


@pytest.mark.parametrize("name", ["logs", "checkpoints"])
def test_what_a_symbolic_link_leads_to_is_not_freed(
    store: Store, elsewhere: Path, name: str
) -> None:
    [pack] = a_run(store, [ONE])
    answered(store, ONE)
    folder = store.root / name / pack
    shutil.copytree(folder, elsewhere, dirs_exist_ok=True)
    shutil.rmtree(folder)
    folder.symlink_to(elsewhere)
    before = {path for path in elsewhere.rglob("*")}
    found = look(store)
    assert listed(found, name) == []
    clean(found)
    assert {path for path in elsewhere.rglob("*")} == before


def test_a_folder_that_became_a_symbolic_link_since_it_was_listed_is_not_freed(
    store: Store, elsewhere: Path
) -> None:
    [pack] = a_run(store, [ONE])
    answered(store, ONE)
    found = look(store)
    shutil.rmtree(store.checkpoints(pack))
    store.checkpoints(pack).symlink_to(elsewhere)
    clean(found)
    assert (elsewhere / attempt(5) / "1.pt").exists()


def test_a_run_that_says_it_is_another_is_refused(store: Store) -> None:
    a_run(store, [ONE])
    path = store.submission("grid", 1) / "submission.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "grid": "../../elsewhere"}))
    with pytest.raises(StoreError, match=r"holds run 1 of grid '../../elsewhere'"):
        look(store)


def test_the_folders_whose_files_go_are_told(store: Store) -> None:
    [pack] = a_run(store, [ONE])
    answered(store, ONE)
    assert look(store).plain()["folders"] == [
        str(store.checkpoint_folder(pack, attempt(5))), str(store.log_folder(pack)),
    ]  # fmt: skip
