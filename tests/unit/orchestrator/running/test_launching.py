"""Launching: what is trained in which wave, what is lost, and when something is written."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.backends.base import Backend, BackendError, PackEnd
from orchestrator.backends.inline import Inline
from orchestrator.planning import machine
from orchestrator.planning.request import Planned, Request, plan_request
from orchestrator.provenance import code_hash
from orchestrator.running.launching import Result, launch
from orchestrator.running.progress import Snapshot
from orchestrator.store.layout import Store, StoreError, StoreWarning
from orchestrator.submissions.manifest import Manifest
from tests.support.runs import another_run, beat, trainer

GRID = "name: small\nbase: {dataset: digits, model: mlp, method: static, density: 0.5}\n"


class Silent:
    def show(self, snapshot: Snapshot) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing was opened."""


class Told(Inline):
    """Notes the cells of every pack of every wave, and trains with a stand-in."""

    def __init__(self, train: Any = None) -> None:
        self.waves: list[list[tuple[str, ...]]] = []
        self._train = trainer() if train is None else train

    def run(self, manifests: Sequence[Path], **options: Any) -> list[PackEnd]:
        packs = [Manifest.read(path).cells for path in manifests]
        self.waves.append([tuple(cell.id for cell in cells) for cells in packs])
        return super().run(manifests, **{**options, "trainer": self._train})

    def sizes(self) -> list[list[int]]:
        return [[len(pack) for pack in wave] for wave in self.waves]


class Dead(Backend):
    """Loses every pack."""

    name = "inline"

    def run(self, manifests: Sequence[Path], **options: Any) -> list[PackEnd]:
        return [PackEnd(pack=path.stem, error="killed") for path in manifests]


class Absent(Backend):
    """Cannot be started."""

    name = "ray"

    def prepare(self, *, slots: int, threads: int) -> None:
        raise BackendError("nobody answers there")


Plan = Callable[..., Planned]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Plans the grid with so many seeds, on two slots."""
    path = tmp_path / "small.yaml"

    def planned(seeds: int, **more: Any) -> Planned:
        path.write_text(f"{GRID}seeds: {seeds}\n")
        return plan_request(Request(grid=str(path), store=tmp_path / "results", slots=2, **more))

    return planned


def go(planned: Planned, backend: Backend) -> Result:
    return launch(planned, backend, display=Silent, on_stop=lambda: None)


def test_cells_that_another_run_trains_are_left_to_it_in_every_wave(
    plan: Plan, tmp_path: Path
) -> None:
    store = Store.create(tmp_path / "results")
    cells = plan(4).grid.cells
    [pack] = another_run(store, [cells[2:]])
    beat(store, pack)
    backend = Told()
    result = go(plan(4), backend)
    assert (result.trained, result.completed) == (2, 2)
    assert backend.waves == [[(cells[0].id,), (cells[1].id,)]]


def test_a_large_group_is_measured_by_a_pilot_and_the_rest_packed_by_its_seconds(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.planning.packing.PILOT_ABOVE", 128)
    monkeypatch.setattr(machine, "_memory_mb", lambda: None)
    backend = Told(trainer(seconds=1.0))
    result = go(plan(260), backend)
    assert backend.sizes() == [[16, 16], [57, 57, 57, 57]]
    assert (result.completed, result.lost) == (260, ())


def test_a_pilot_in_which_all_failed_alike_is_followed_by_nothing(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.planning.packing.PILOT_ABOVE", 128)
    backend = Told(trainer(failing=lambda cell: True))
    result = go(plan(260), backend)
    assert backend.sizes() == [[16, 16]]
    assert "cells failed alike" in result.halted
    assert sum(len(failure.cells) for failure in result.failures) == 32


def test_the_code_is_kept_beside_the_records_that_carry_its_hash(
    plan: Plan, tmp_path: Path
) -> None:
    go(plan(1), Told())
    folder = Store.open(tmp_path / "results").code_folder(code_hash())
    assert code_hash(folder) == code_hash()


def test_a_run_goes_well_although_its_code_cannot_be_kept(plan: Plan, tmp_path: Path) -> None:
    folder = Store.create(tmp_path / "results").code_folder(code_hash())
    folder.mkdir(parents=True)
    with pytest.warns(StoreWarning, match="the code is not kept: .* was changed"):
        assert go(plan(1), Told()).completed == 1


def test_groups_that_are_not_large_are_one_wave_of_a_pack_per_slot(plan: Plan) -> None:
    backend = Told()
    go(plan(240), backend)
    assert backend.sizes() == [[120, 120]]


def test_a_lost_worker_s_cells_are_told(plan: Plan) -> None:
    planned = plan(2)
    result = go(planned, Dead())
    assert {cell for lost in result.lost for cell in lost.cells} == {
        cell.id for cell in planned.grid.cells
    }
    assert {lost.error for lost in result.lost} == {"killed"}


def test_a_cell_whose_retry_was_killed_is_lost_although_it_failed_before(plan: Plan) -> None:
    cells = plan(2).grid.cells
    first = go(plan(2), Told(trainer(failing=lambda cell: cell.seed == 1)))
    assert (first.completed, first.lost) == (1, ())
    retried = go(plan(2, retry=("FAILED",)), Dead())
    assert [lost.cells for lost in retried.lost] == [(cells[1].id,)]
    assert retried.exit_code == 1


def test_a_cell_whose_retry_failed_again_is_not_lost(plan: Plan) -> None:
    failing = trainer(failing=lambda cell: cell.seed == 1)
    go(plan(2), Told(failing))
    again = go(plan(2, retry=("FAILED",)), Told(failing))
    assert again.lost == ()
    assert [len(failure.cells) for failure in again.failures] == [1]


def test_cells_whose_producers_left_nothing_are_told_and_not_passed_over(
    plan: Plan, tmp_path: Path
) -> None:
    planned = plan(1, overrides=("method=omp",))
    backend = Told()  # its stand-in leaves no artifacts
    result = go(planned, backend)
    assert (backend.sizes(), result.completed, result.exit_code) == ([[1]], 0, 1)
    assert result.blocked == (
        "omp density=0.5 seed=0: what its producer left in this run is not there",
    )


def test_nothing_is_written_before_the_backend_stands(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="nobody answers"):
        go(plan(2), Absent())
    assert not (tmp_path / "results").exists()


def test_a_store_that_may_only_be_read_is_told_before_a_backend_is_started(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.create(tmp_path / "results")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(StoreError, match="you may only read it"):
        go(plan(2), Absent())


def test_what_a_pilot_measured_ends_a_run_whose_rest_does_not_fit_its_budget(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.planning.packing.PILOT_ABOVE", 128)
    backend = Told(trainer(seconds=1.0))
    # 228 cells of a second each are 0.063 device-hours.
    result = go(plan(260, max_device_hours=0.05), backend)
    assert backend.sizes() == [[16, 16]]
    assert "the budget of 0.05 device-hours has no room for more" in result.halted
    assert (result.completed, result.exit_code) == (32, 1)
    more = Told(trainer(seconds=1.0))
    assert go(plan(260, max_device_hours=0.5), more).completed == 260


def test_a_submission_keeps_what_was_forecast_for_it(plan: Plan) -> None:
    first = go(plan(2), Told(trainer(seconds=3.0)))
    assert first.submission.forecast["unknown"] == 2
    second = go(plan(4), Told(trainer(seconds=3.0)))
    forecast = second.submission.forecast
    assert (forecast["cells"], forecast["unknown"]) == (2, 0)
    assert forecast["device_hours"]["expected"] == pytest.approx(6 / 3600, rel=0.05)
