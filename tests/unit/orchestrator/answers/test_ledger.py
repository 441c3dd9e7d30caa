"""The ledger: every attempt counted once, by what came of it; nothing made up that nobody told."""

from pathlib import Path
from typing import Any

import pytest

from grids.cell import Cell
from orchestrator.answers.ledger import Ledger, ledger
from orchestrator.store.layout import Store
from orchestrator.store.records import Record, publish_batch, timestamp
from orchestrator.submissions.submission import Submission
from tests.support.grids import a_cell
from tests.support.records import NOON, PROVENANCE, attempt

HOUR = 3600.0


def an_attempt(cell: Cell, number: int, **given: Any) -> Record:
    """An attempt that took an hour, the number-th hour after noon."""
    own = {name: given.pop(name) for name in list(given) if name in Record.__slots__}
    begun = NOON + number * HOUR
    values: dict[str, Any] = {
        "cell": cell.id, "attempt": attempt(number), "state": "COMPLETED",
        "canonical": cell.canonical(), "fields": {}, "started_at": timestamp(begun),
        "finished_at": timestamp(begun + HOUR),
        "provenance": {**PROVENANCE, "seconds": HOUR, "device_seconds": HOUR / 2, **given},
    }  # fmt: skip
    return Record(**{**values, **own})


def the_ledger(folder: Path, cells: list[Cell], *records: Record, **more: Any) -> Ledger:
    store = Store.create(folder / "results")
    publish_batch(store, [(record, None) for record in records])
    submission = Submission(
        grid="digits", number=1, source="/g.yaml", text="", overrides=(), backend="inline",
        slots=1, data_root=None, code="c0de", submitted_at=timestamp(NOON), cells=cells, **more,
    )  # fmt: skip
    return ledger(store, submission)


def test_attempts_are_counted_by_what_came_of_them(tmp_path: Path) -> None:
    cell = a_cell()
    error = {"type": "E", "message": "bad", "signature": "E@a:1", "phase": "train"}
    found = the_ledger(
        tmp_path,
        [cell],
        an_attempt(cell, 0, state="FAILED", error=error),
        an_attempt(cell, 1),
        an_attempt(cell, 2, supersedes=(attempt(1),)),
    )
    outcomes = found.parts["outcome"]
    assert list(outcomes) == ["answers", "superseded", "failed"]
    assert [outcomes[name].worker_hours for name in outcomes] == [1.0, 1.0, 1.0]
    assert (found.total.attempts, found.total.core_hours, found.total.gpu_hours) == (3, 1.5, 0.0)
    assert (found.cells, found.trained) == (1, 1)


def test_the_hours_of_a_gpu_are_those_of_the_share_that_was_held(tmp_path: Path) -> None:
    cells = [a_cell(seed=seed) for seed in range(3)]
    found = the_ledger(
        tmp_path,
        cells,
        an_attempt(cells[0], 0, device="H100", gpus=0.25),
        an_attempt(cells[1], 1, device="H100", gpus=2.0),
        an_attempt(cells[2], 2, device="H100"),
    )
    assert found.total.gpu_hours == 3.25
    assert found.total.device_hours == 3.25
    assert (found.total.worker_hours, found.total.core_hours) == (3.0, 0.0)
    assert "1 attempts do not tell how many GPUs they held: counted as one each" in found.notes


def test_energy_is_known_as_far_as_devices_told_it(tmp_path: Path) -> None:
    told, untold = a_cell(seed=0), a_cell(seed=1)
    found = the_ledger(
        tmp_path, [told, untold], an_attempt(told, 0, energy_j=7.2e6), an_attempt(untold, 1)
    )
    assert (found.total.energy_kwh, found.total.energy_attempts) == (2.0, 1)
    assert found.notes == ("energy: the device told of 1 attempts, not of 1",)
    assert found.total.co2_kg(0.5) == 1.0
    assert found.plain(carbon=0.5)["co2_kg"] == 1.0
    assert "co2_kg" not in found.plain()


def test_energy_that_nobody_told_is_none_and_never_nothing(tmp_path: Path) -> None:
    cell = a_cell()
    found = the_ledger(tmp_path, [cell], an_attempt(cell, 0))
    assert (found.total.energy_kwh, found.total.co2_kg(0.4)) == (None, None)


def test_clock_time_counts_hours_in_which_two_worked_once(tmp_path: Path) -> None:
    cells = [a_cell(seed=seed) for seed in range(3)]
    half = {"started_at": timestamp(NOON + 1800), "finished_at": timestamp(NOON + 5400)}
    found = the_ledger(
        tmp_path,
        cells,
        an_attempt(cells[0], 0),
        an_attempt(cells[1], 1, **half),
        an_attempt(cells[2], 5),
    )
    assert found.wall_hours == pytest.approx(2.5)


def test_cells_of_other_grids_are_counted_once_and_told(tmp_path: Path) -> None:
    own, other, missing = (a_cell(seed=seed) for seed in range(3))
    found = the_ledger(
        tmp_path,
        [own, missing],
        an_attempt(own, 0),
        an_attempt(other, 1, grid="baselines"),
        producers=(other,),
    )
    assert (found.cells, found.trained, found.total.attempts) == (3, 2, 2)
    assert (found.shared_cells, found.shared.device_hours) == (1, 1.0)


def test_the_outturn_is_of_this_submission_alone(tmp_path: Path) -> None:
    before, own, other = (a_cell(seed=seed) for seed in range(3))
    found = the_ledger(
        tmp_path,
        [before, own, other],
        an_attempt(before, -3),
        an_attempt(own, 1),
        an_attempt(other, 2, grid="baselines"),
        forecast={"cells": 3},
    )
    taken = found.outturn
    assert (taken.attempts, taken.device_hours, taken.wall_seconds) == (1, 1.0, 2 * HOUR)
    assert taken.forecast == {"cells": 3}


def test_methods_stand_in_the_order_of_what_they_took(tmp_path: Path) -> None:
    cheap, dear = a_cell("set"), a_cell("rigl")
    found = the_ledger(
        tmp_path, [cheap, dear], an_attempt(cheap, 0, seconds=60.0), an_attempt(dear, 1)
    )
    assert list(found.parts["method"]) == ["rigl", "set"]
