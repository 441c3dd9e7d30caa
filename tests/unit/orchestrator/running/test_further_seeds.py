"""A run of a grid with a rule for seeds: wave after wave, each a submission, to the end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grids.cell import Cell
from orchestrator.backends.base import PackEnd
from orchestrator.backends.inline import Inline
from orchestrator.planning.request import Planned, Request, plan_request
from orchestrator.running.launching import Result, launch
from orchestrator.running.progress import Snapshot
from orchestrator.seeds.deciding import Standing
from orchestrator.store.layout import Store
from orchestrator.submissions.submission import find_submission, read_submission
from orchestrator.worker.heartbeat import request_stop
from orchestrator.worker.spending import used_hours
from tests.support.runs import another_run, beat, trainer

GRID = """\
name: few
base: {dataset: digits, model: mlp, density: 0.5}
axes: {method: [dense, set, rigl]}
seeds: {min: 2, max: 5, until: UNTIL}
"""
WIDE = [0.5, 0.9, 0.6, 0.8, 0.7, 0.3, 0.4, 0.45, 0.55, 0.35, 0.65, 0.25, 0.6]


def measure(cell: Cell) -> float:
    """rigl hardly depends on the seed; the others do, and set is always about 0.2 below dense."""
    if cell.method.name == "rigl":
        return 0.5 + 1e-7 * cell.seed
    return WIDE[cell.seed] - ((0.2 + 1e-6 * cell.seed) if cell.method.name == "set" else 0.0)


class Measured(Inline):
    """Trains with a stand-in, and notes of each wave which seeds of which method it was."""

    def __init__(self, **options: Any) -> None:
        self.waves: list[list[str]] = []
        self._train = trainer(measure=measure, **options)
        self.stop_in: int | None = None

    def run(self, manifests: Any, **options: Any) -> list[PackEnd]:
        from orchestrator.submissions.manifest import Manifest

        packs = [Manifest.read(path) for path in manifests]
        self.waves.append(sorted(f"{c.method.name} {c.seed}" for p in packs for c in p.cells))
        if self.stop_in == len(self.waves):
            request_stop(Store.open(packs[0].store), packs[0].grid, packs[0].number)
            return [PackEnd(pack=pack.pack, error="killed") for pack in packs]
        return super().run(manifests, **{**options, "trainer": self._train})


class Silent:
    def show(self, snapshot: Snapshot) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing was opened."""


Plan = Callable[..., Planned]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "few.yaml"

    def planned(until: str = "ci95 < 1pp", most: int = 5, **more: Any) -> Planned:
        path.write_text(GRID.replace("UNTIL", until).replace("max: 5", f"max: {most}"))
        return plan_request(Request(grid=str(path), store=tmp_path / "results", slots=1, **more))

    return planned


def go(planned: Planned, backend: Inline) -> Result:
    return launch(planned, backend, display=Silent, on_stop=lambda: None)


FIRST = ["dense 0", "dense 1", "rigl 0", "rigl 1", "set 0", "set 1"]


def test_seeds_are_added_until_every_question_is_closed(plan: Plan, tmp_path: Path) -> None:
    backend = Measured()
    result = go(plan(), backend)
    assert backend.waves == [
        FIRST, ["dense 2", "set 2"], ["dense 3", "set 3"], ["dense 4", "set 4"],
    ]  # fmt: skip
    assert (result.trained, result.completed, result.exit_code) == (12, 12, 0)
    assert result.seeds is not None
    assert [(f.label, f.standing, f.seeds) for f in result.seeds.findings] == [
        ("dense", Standing.EXHAUSTED, 5),
        ("set density=0.5", Standing.EXHAUSTED, 5),
        ("rigl density=0.5", Standing.SETTLED, 2),
    ]
    store = Store.open(tmp_path / "results")
    sizes = [len(read_submission(store, "few", number).cells) for number in (1, 2, 3, 4)]
    assert sizes == [6, 8, 10, 12]
    last = find_submission(store, "few")
    assert (last.number, str(last.seed_rule)) == (4, "2 to 5 seeds, until ci95 < 1pp")


def test_a_ranking_adds_seeds_to_both_sides_of_what_is_open(plan: Plan) -> None:
    backend = Measured()
    result = go(plan("ranking_settled", most=13), backend)
    assert [len(wave) for wave in backend.waves] == [6, 3, 3, 6, 9, 8]
    assert backend.waves[1] == ["dense 2", "rigl 2", "set 2"]
    assert {name.split()[0] for name in backend.waves[-1]} == {"dense", "rigl"}
    assert result.seeds is not None
    assert [f.standing for f in result.seeds.findings] == [Standing.SETTLED, Standing.EXHAUSTED]


def test_a_second_run_asks_for_the_same_cells_and_trains_none(plan: Plan) -> None:
    first = go(plan(), Measured())
    backend = Measured()
    again = go(plan(), backend)
    assert backend.waves == []
    assert again.submission.number == first.submission.number
    assert again.seeds == first.seeds


def test_a_run_that_died_between_two_waves_is_gone_on_with(plan: Plan) -> None:
    dying = Measured()
    dying.stop_in = 2
    died = go(plan(), dying)
    assert (len(dying.waves), died.submission.number) == (2, 2)
    backend = Measured()
    result = go(plan(), backend)
    assert backend.waves == [["dense 2", "set 2"], ["dense 3", "set 3"], ["dense 4", "set 4"]]
    assert result.completed == 12


def test_a_failed_seed_ends_the_adding_where_it_is_and_a_retry_goes_on(plan: Plan) -> None:
    failing = Measured(failing=lambda cell: (cell.method.name, cell.seed) == ("set", 2))
    result = go(plan(), failing)
    assert failing.waves[1:] == [["dense 2", "set 2"], ["dense 3"], ["dense 4"]]
    assert result.seeds is not None
    assert result.seeds.findings[1].why == "set density=0.5 seed=2 ended FAILED"
    assert result.exit_code == 1
    backend = Measured()
    assert go(plan(retry=("FAILED",)), backend).completed == 12
    assert backend.waves == [["set 2"], ["set 3"], ["set 4"]]


def test_what_another_run_trains_is_awaited_and_not_trained_twice(
    plan: Plan, tmp_path: Path
) -> None:
    store = Store.create(tmp_path / "results")
    third = [cell for cell in plan().grid.cells if cell.seed == 1 and cell.method.name == "set"]
    [pack] = another_run(store, [third])
    beat(store, pack)
    backend = Measured()
    result = go(plan(), backend)
    assert backend.waves == [
        [name for name in FIRST if name != "set 1"], ["dense 2"], ["dense 3"], ["dense 4"],
    ]  # fmt: skip
    assert result.seeds is not None
    assert [f.standing for f in result.seeds.findings][1] is Standing.OPEN


def test_seeds_that_other_studies_left_are_used_in_their_order(plan: Plan) -> None:
    go(plan(overrides=("seeds=4",)), Measured())
    planned = plan()
    assert planned.seeds is not None
    assert [f.seeds for f in planned.seeds.findings] == [5, 5, 2]
    backend = Measured()
    assert go(planned, backend).completed == 12
    assert backend.waves == [["dense 4", "set 4"]]


def test_a_rule_about_what_nothing_measures_is_refused_with_its_line(plan: Plan) -> None:
    with pytest.raises(ValueError, match=r"few.yaml:4: unknown measurement of until 'accuracy'"):
        plan("ranking_settled(accuracy)")


def test_further_seeds_have_what_is_left_of_the_budget_of_their_run(
    plan: Plan, tmp_path: Path
) -> None:
    go(plan(max_device_hours=100.0), Measured())
    store = Store.open(tmp_path / "results")
    first, second = (read_submission(store, "few", number) for number in (1, 2))
    assert first.max_device_hours == 100.0
    assert second.max_device_hours == 100.0 - used_hours(store, "few", 1)
    assert second.max_device_hours < 100.0
