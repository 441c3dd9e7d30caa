"""The budget of a submission: its workers know together when no more fits."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.provenance import host
from orchestrator.store.layout import Store, StoreError
from orchestrator.submissions.manifest import Manifest, this_driver
from orchestrator.worker import spending
from orchestrator.worker.spending import (
    Exhausted,
    Spending,
    end_budget,
    ended_early,
    exhausted_of,
    used_hours,
)
from tests.support.grids import a_cell


class Clock:
    """Time that a test moves on."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(spending, "time", clock)
    return clock


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "results")


def of(store: Store, attempt: str, **manifest: Any) -> Spending:
    given = {"max_device_hours": 2.0, **manifest}
    pack = Manifest(
        pack="ab", store=str(store.root), grid="g", number=1, backend="inline", code="c0de",
        cells=(a_cell(),), driver=this_driver(host()), **given,
    )  # fmt: skip
    return Spending(store, pack, attempt)


def test_workers_add_up_what_they_have_held(store: Store, clock: Clock) -> None:
    one, other = of(store, "one"), of(store, "other")
    clock.now += 1800
    one.write()
    other.write()
    assert used_hours(store, "g", 1) == pytest.approx(1.0)
    assert used_hours(store, "g", 1, but="one") == pytest.approx(0.5)
    clock.now += 1800
    one.write()
    assert used_hours(store, "g", 1) == pytest.approx(1.5)


def test_a_gpu_or_its_part_is_the_device_where_a_pack_has_one(store: Store, clock: Clock) -> None:
    of_half, of_two = of(store, "half", gpus=0.5), of(store, "two", gpus=2.0)
    clock.now += 1440
    of_half.write()
    of_two.write()
    assert used_hours(store, "g", 1) == pytest.approx(0.2 + 0.8)


def test_what_would_exceed_the_budget_is_not_begun_and_all_know(store: Store, clock: Clock) -> None:
    one, other = of(store, "one"), of(store, "other")
    clock.now += 3000
    other.write()
    assert one.allows(1100.0)
    assert not other.exhausted()
    assert not one.allows(1300.0)
    assert other.exhausted()
    said = exhausted_of(store, "g", 1)
    assert said == Exhausted(budget=2.0, used=pytest.approx(6000 / 3600))
    assert "the budget of 2 device-hours has no room for more" in str(said)
    assert ended_early(store, "g", 1) == said


def test_what_nobody_measured_begins_while_anything_is_left(store: Store, clock: Clock) -> None:
    one = of(store, "one")
    clock.now += 7199
    assert one.allows(None)
    clock.now += 1
    assert not one.allows(None)


def test_a_worker_finds_out_by_itself_that_the_budget_is_used_up(
    store: Store, clock: Clock
) -> None:
    one = of(store, "one")
    assert not one.exhausted()
    clock.now += 7201
    assert one.exhausted()


def test_without_a_budget_nothing_is_counted_or_ended(store: Store, clock: Clock) -> None:
    free = of(store, "free", max_device_hours=None)
    clock.now += 1e9
    free.write()
    assert free.allows(1e9)
    assert not free.exhausted()
    assert not store.grids.exists()
    assert ended_early(store, "g", 1) is None


def test_the_first_end_of_a_budget_stays_and_a_damaged_one_is_told(store: Store) -> None:
    end_budget(store, "g", 1, 2.0, 1.9)
    end_budget(store, "g", 1, 2.0, 5.0)
    assert exhausted_of(store, "g", 1) == Exhausted(budget=2.0, used=1.9)
    path = store.submission("g", 1) / "exhausted.json"
    path.write_text("{}")
    with pytest.raises(StoreError, match=r"exhausted\.json is damaged"):
        exhausted_of(store, "g", 1)
