"""Probes from the grid file to the answers, with a small probe and real training."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from sparse.options import NoOptions, option
from tests.support.console import Said, sparsesweep
from tests.support.registering import cache_catalogue, registered
from trainer.probes import PROBES
from trainer.probes.base import Probe
from trainer.probes.subject import Subject
from trainer.scenarios import SCENARIOS
from trainer.scenarios.base import Scenario

GRID = """\
name: NAME
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 2, batch: 256}
  scenario: SCENARIO
axes:
  method: [static]
  density: [0.5, 0.1]
seeds: 2
"""
HEIGHT = {
    "name": "height",
    "unit": "1",
    "better": "lower",
    "help": "largest absolute weight, and the shift",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class HeightOptions:
    """Options of height."""

    shift: float = option(0.0, help="is added")
    each: bool = option(False, help="measure at every epoch")


class Height(Probe):
    """The largest absolute weight, shifted."""

    def due(self, epoch: int, epochs: int) -> bool:
        return self.options.each or epoch == epochs

    def measure(self, subject: Subject) -> Mapping[str, float]:
        highest = max(float(layer.weight.abs().max()) for layer in subject.layers)
        return {"height": highest + self.options.shift}


class Count(Probe):
    """How many layers there are."""

    def measure(self, subject: Subject) -> Mapping[str, float]:
        return {"layers_counted": len(subject.layers)}


class Fragile(Probe):
    """Breaks."""

    def measure(self, subject: Subject) -> Mapping[str, float]:
        raise KeyError("broken")


WHOLE = {"name": "whole", "unit": "1", "better": "higher", "help": "never measured"}
COUNTED = {"name": "layers_counted", "unit": "layers", "better": "higher", "help": "a count"}


@pytest.fixture(autouse=True)
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three probes, and a scenario that has one of them measured of its cells."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with contextlib.ExitStack() as stack:
        for name, target, options, metric in (
            ("height", Height, HeightOptions, HEIGHT),
            ("count", Count, NoOptions, COUNTED),
            ("fragile", Fragile, NoOptions, WHOLE),
        ):
            said = {"summary": f"the {name}", "options": options, "metrics": [metric]}
            stack.enter_context(registered(PROBES, name, target, **said))
        tall = {"summary": "tall", "options": NoOptions, "probes": [{"name": "height", "shift": 2}]}
        stack.enter_context(registered(SCENARIOS, "tall", Scenario, **tall))
        cache_catalogue()
        yield


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "results"


def a_grid(folder: Path, name: str, probes: str = "", scenario: str = "clean") -> Path:
    path = folder / f"{name}.yaml"
    text = GRID.replace("NAME", name).replace("SCENARIO", scenario)
    path.write_text(text + (f"probes: {probes}\n" if probes else ""))
    return path


def run(grid: Path, store: Path, *more: str) -> Said:
    said = sparsesweep("run", grid, "--backend", "inline", "--store", store, *more)
    assert said.code == 0, said.err
    return said


def ask(store: Path, sql: str) -> list[dict]:
    return json.loads(sparsesweep("query", sql, "--format", "json", "--store", store).out)


def heights(store: Path, grid: Path) -> list[float]:
    said = sparsesweep("table", grid, "--value", "height", "--format", "csv", "--store", store)
    assert said.code == 0, said.err
    return [float(line.split(",")[2]) for line in said.out.splitlines()[1:]]


def test_what_a_grid_asks_for_is_measured_and_answered(tmp_path: Path, store: Path) -> None:
    grid = a_grid(tmp_path, "one", "[{name: height, each: true}]")
    assert "4 trained" in run(grid, store).out
    metrics = ask(store, "select metric, probe, value from metrics")
    assert {(row["metric"], row["probe"]) for row in metrics} == {
        ("height", '{"each":true,"name":"height"}')
    }
    [probes] = {row["probes"] for row in ask(store, "select probes from results")}
    assert json.loads(probes) == [
        {"metrics": ["height"], "probe": {"each": True, "name": "height"}}
    ]
    points = ask(store, "select epoch, other->>'$.height' as height from curves order by 1")
    assert [row["epoch"] for row in points if row["height"]] == [1.0] * 4 + [2.0] * 4
    told = sparsesweep("table", grid, "--value", "height", "--store", store)
    assert told.out.startswith("Height, mean ± standard deviation over n = 2 seeds.")


def test_asked_for_later_it_is_measured_by_training_again_and_both_answer(
    tmp_path: Path, store: Path
) -> None:
    grid = a_grid(tmp_path, "one")
    run(grid, store)
    before = ask(store, "select cell, attempt, test_accuracy, test_loss from results order by 1")
    a_grid(tmp_path, "one", "[height, count]")
    shown = sparsesweep("plan", grid, "--store", store).out
    assert "^4 again" in shown
    assert "has results but no count and height: trained again, and must come to the same" in shown
    assert "probes: 4 count, 4 height asked for; to be measured: 4 count, 4 height" in shown
    assert "4 trained" in run(grid, store).out
    after = ask(store, "select cell, attempt, test_accuracy, test_loss from results order by 1")
    assert after == before
    assert len(ask(store, "select * from attempts where state = 'COMPLETED'")) == 8
    assert len(heights(store, grid)) == 2
    points = ask(store, "select other->>'$.height' as height from curves where epoch = 2")
    assert [bool(row["height"]) for row in points] == [True] * 4


def test_many_cells_that_lack_the_same_are_told_of_in_one_line(tmp_path: Path, store: Path) -> None:
    grid = a_grid(tmp_path, "one")
    more = ("--set", "seeds=4")
    run(grid, store, *more)
    asked = (*more, "--set", "probes=count")
    shown = sparsesweep("plan", grid, "--store", store, *asked).out
    assert "  ^ static density=0.5 seed=0 and 7 more: has results but no count: " in shown
    assert shown.count("has results but") == 1


def test_asked_for_again_nothing_is_trained(tmp_path: Path, store: Path) -> None:
    grid = a_grid(tmp_path, "one", "[height]")
    run(grid, store)
    planned = json.loads(sparsesweep("plan", grid, "--json", "--store", store).out)
    assert (planned["counts"]["done"], planned["waves"]) == (4, [])
    assert planned["probes"] == {"asked": {"height": 4}, "to_measure": {}}
    assert "0 trained" in run(grid, store).out
    assert "0 trained" in run(a_grid(tmp_path, "other", "[]"), store).out
    assert "0 trained" in run(a_grid(tmp_path, "third", "[{name: height, shift: 0}]"), store).out


def test_two_grids_ask_the_same_cells_for_other_measurements(tmp_path: Path, store: Path) -> None:
    plain = a_grid(tmp_path, "plain", "[height]")
    shifted = a_grid(tmp_path, "shifted", "[{name: height, shift: 1}]")
    run(plain, store)
    first = heights(store, plain)
    shown = sparsesweep("plan", shifted, "--store", store).out
    assert "has results but no height(shift=1.0)" in shown
    assert "4 trained" in run(shifted, store).out
    assert heights(store, plain) == first
    assert heights(store, shifted) == pytest.approx([height + 1 for height in first])
    assert "0 trained" in run(plain, store).out
    assert "0 trained" in run(shifted, store).out
    assert heights(store, plain) == first
    states = ask(store, "select state, count(*) as n from attempts group by 1")
    assert states == [{"state": "COMPLETED", "n": 8}]


def test_a_flag_asks_as_the_file_does(tmp_path: Path, store: Path) -> None:
    grid = a_grid(tmp_path, "one")
    run(grid, store, "--set", "probes=height")
    assert len(heights(store, grid)) == 2
    run(grid, store)
    told = sparsesweep("table", grid, "--value", "height", "--store", store)
    assert told.code == 2
    assert told.err == (
        "no cell has a measurement 'height' that this grid asks for: write `probes: [height]` "
        "into it and run it\n"
    )


def test_without_a_probe_that_broke_the_cells_are_trained(tmp_path: Path, store: Path) -> None:
    grid = a_grid(tmp_path, "one", "[fragile]")
    first = sparsesweep("run", grid, "--backend", "inline", "--store", store)
    assert (first.code, "0 of 4 cells have results" in first.out) == (1, True)
    planned = ("plan", grid, "--json", "--store", store)
    assert json.loads(sparsesweep(*planned).out)["counts"]["failed"] == 4
    without = json.loads(sparsesweep(*planned, "--set", "probes=[]").out)["counts"]
    assert (without["new"], without["failed"]) == (4, 0)
    assert "4 trained" in run(a_grid(tmp_path, "two", "[count]"), store).out
    assert "0 trained" in run(grid, store, "--set", "probes=[]").out


def test_a_probe_that_breaks_of_cells_with_results_is_told_of_until_they_are_retried(
    tmp_path: Path, store: Path
) -> None:
    grid = a_grid(tmp_path, "one")
    one = ("--set", "seeds=1")
    asked = (*one, "--set", "probes=fragile")
    run(grid, store, *one)
    told = "2 FAILED: they have results, but measuring fragile failed: KeyError: 'broken'"
    for trained in (2, 0):
        said = sparsesweep("run", grid, "--backend", "inline", "--store", store, *asked)
        assert said.code == 1
        assert f"2 of 2 cells have results; {trained} trained" in said.out
        assert told in said.err
    status = sparsesweep("status", "one", "--exit-code", "--store", store)
    assert (status.code, f"  ! {told}" in status.out) == (1, True)
    assert "  2 COMPLETED\n" in status.out
    shown = sparsesweep("plan", grid, "--store", store, *asked).out
    assert "has results; measuring fragile failed: KeyError: 'broken'" in shown
    retried = sparsesweep(
        "retry", grid, "--class", "FAILED", "--backend", "inline", "--store", store, *asked
    )
    assert (retried.code, "2 trained" in retried.out, told in retried.err) == (1, True, True)
    assert "0 trained" in run(grid, store, *one).out
    assert sparsesweep("status", "one", "--exit-code", "--store", store).code == 0


def test_an_unknown_measurement_lists_those_of_probes(tmp_path: Path, store: Path) -> None:
    grid = a_grid(tmp_path, "one", "[height]")
    run(grid, store)
    told = sparsesweep("table", grid, "--value", "heigth", "--store", store)
    assert "measurements: alive_neurons" not in told.err
    assert ", height, " in told.err
    assert told.err.endswith("did you mean 'height'?\n")


def test_the_best_mean_is_bold_by_what_the_probe_says(tmp_path: Path, store: Path) -> None:
    grid = a_grid(tmp_path, "one", "[height]")
    run(grid, store)
    asked = ("--value", "height", "--format", "markdown", "--best", "--store", store)
    along = ("--rows", "density", "--columns", "method")
    lines = sparsesweep("table", grid, *along, *asked).out.splitlines()
    shown = [line.strip("| ").split(" | ")[1] for line in lines[4:6]]
    low, high = sorted(shown, key=lambda text: text.strip("*"))
    assert low.startswith("**")
    assert not high.startswith("**")


def test_the_probes_of_a_scenario_need_not_be_asked_for(tmp_path: Path, store: Path) -> None:
    clean, tall = a_grid(tmp_path, "clean", "[height]"), a_grid(tmp_path, "tall", "", "tall")
    run(clean, store)
    assert "4 trained" in run(tall, store).out
    assert heights(store, tall) == pytest.approx([height + 2 for height in heights(store, clean)])
    mine = a_grid(tmp_path, "mine", "[height]", "tall")
    assert "4 trained" in run(mine, store).out
    assert heights(store, mine) == heights(store, clean)


def test_results_that_are_replaced_keep_what_was_measured(tmp_path: Path, store: Path) -> None:
    first = a_grid(tmp_path, "first", "[height]")
    second = a_grid(tmp_path, "second", "[count]")
    fast = ("--set", "recipe.tier=fast")
    run(first, store, *fast)
    shown = sparsesweep("plan", second, "--store", store, *fast).out
    assert "has results but no count: trained again, and the new results replace the old" in shown
    assert "4 trained" in run(second, store, *fast).out
    assert "0 trained" in run(first, store, *fast).out
    assert len(heights(store, first)) == 2


def test_a_probe_is_described_with_what_it_gives() -> None:
    said = sparsesweep("methods", "height").out
    assert said.startswith("probe height: the height\n")
    assert "  shift: a number, default 0.0\n      is added\n" in said
    assert said.endswith(
        "  gives height: 1, lower is better\n      largest absolute weight, and the shift\n"
    )
