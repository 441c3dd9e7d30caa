"""Cells whose workers are lost again and again."""

from pathlib import Path

import pytest

from grids.cell import Cell
from orchestrator.planning.losses import count_losses
from orchestrator.planning.packing import pack_id
from orchestrator.store.index import load_index
from orchestrator.store.layout import Store
from orchestrator.store.records import publish
from orchestrator.submissions.manifest import Manifest, publish_manifests
from orchestrator.submissions.submission import Submission
from orchestrator.worker.heartbeat import Phase, newest_heartbeat
from tests.support.cells import make_cell
from tests.support.records import record
from tests.support.runs import beat

ONE, OTHER = make_cell("dense"), make_cell("dense", seed=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def submission(store: Store, *cells: Cell, losses: dict[str, int] | None = None) -> Submission:
    made = Submission(
        grid="g", number=1, source="/g.yaml", text="", overrides=(), backend="inline", slots=1,
        data_root=None, code="c0de", submitted_at="2026-11-20T00:00:00.000000Z", cells=cells,
        losses=losses or {},
    )  # fmt: skip
    manifest = Manifest(
        pack=pack_id(cells), store=str(store.root), grid="g", number=1, backend="inline",
        code="c0de", cells=cells, driver=None,
    )  # fmt: skip
    publish_manifests(store, [manifest])
    return made


def test_a_worker_that_went_silent_is_a_loss_for_each_of_its_cells(store: Store) -> None:
    last = submission(store, ONE, OTHER, losses={ONE.id: 2})
    beat(store, pack_id([ONE, OTHER]), phase=Phase.RUNNING)
    assert count_losses(store, last, {}, ()) == {ONE.id: 3, OTHER.id: 1}


@pytest.mark.parametrize("phase", [Phase.STOPPED, Phase.FINISHED])
def test_a_worker_that_ended_by_itself_is_none(store: Store, phase: Phase) -> None:
    last = submission(store, ONE)
    beat(store, pack_id([ONE]), phase=phase)
    assert count_losses(store, last, {}, ()) == {}


def test_neither_is_one_that_left_a_checkpoint(store: Store) -> None:
    last = submission(store, ONE)
    beat(store, pack_id([ONE]), phase=Phase.RUNNING)
    said = newest_heartbeat(store, pack_id([ONE]))
    assert said is not None
    folder = store.checkpoint_folder(said.pack, said.attempt)
    folder.mkdir(parents=True)
    (folder / "00000001.pt").write_bytes(b"state")
    assert count_losses(store, last, {}, ()) == {}


def test_a_pack_that_no_worker_took_has_lost_none(store: Store) -> None:
    assert count_losses(store, submission(store, ONE, losses={ONE.id: 2}), {}, ()) == {ONE.id: 2}


def test_a_cell_that_somebody_trains_now_has_not_lost_its_worker(store: Store) -> None:
    last = submission(store, ONE)
    beat(store, pack_id([ONE]), phase=Phase.RUNNING)
    assert count_losses(store, last, {}, (ONE.id,)) == {}


def test_a_cell_that_left_a_record_begins_anew(store: Store) -> None:
    last = submission(store, ONE, losses={ONE.id: 4})
    beat(store, pack_id([ONE]), phase=Phase.RUNNING)
    publish(store, record(1, cell=ONE.id, canonical=ONE.canonical()))
    assert count_losses(store, last, load_index(store), ()) == {}


def test_what_is_in_no_pack_any_more_is_remembered(store: Store) -> None:
    last = submission(store, OTHER, losses={ONE.id: 5})
    assert count_losses(store, last, {}, ()) == {ONE.id: 5}
