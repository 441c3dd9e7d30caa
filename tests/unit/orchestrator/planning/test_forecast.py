"""Forecasts: intervals hold what then happens about as often as they say; nothing is made up.

The coverage is tested in simulated worlds whose cells are correlated as real ones are: by occasion,
by worker, by block.
"""

import math
import random
from dataclasses import dataclass

import numpy as np
import pytest

from orchestrator.planning.cost import kind_of
from orchestrator.planning.durations import Durations, fit
from orchestrator.planning.forecast import Forecast, Target, expect, makespan
from orchestrator.planning.measurements import Block
from orchestrator.planning.packing import Capacity, Pack, pack_cells
from tests.support.grids import a_cell

METHODS = ("dense", "set", "rigl")
KINDS = {method: kind_of(a_cell(method)) for method in METHODS}
WORLDS = 300


@dataclass(frozen=True, kw_only=True)
class World:
    """How durations vary, and how many of them were measured.

    The first three are standard deviations of logarithms; `freedom` is that of Student's t, by
    which blocks vary, and infinite for a bell.
    """

    occasion: float
    worker: float
    block: float
    freedom: float = math.inf
    occasions: int = 1
    workers: int = 2
    blocks: int = 3
    width: int = 1

    def noise(self, draw: random.Random) -> float:
        scale = 1.0
        if math.isfinite(self.freedom):
            scale = math.sqrt(self.freedom / draw.gammavariate(self.freedom / 2, 2.0))
        return self.block * scale * draw.gauss(0, 1)

    def history(self, draw: random.Random, mu: dict[str, float]) -> Durations:
        found = []
        for occasion in range(self.occasions):
            common = draw.gauss(0, self.occasion)
            for number in range(self.workers):
                own, name = common + draw.gauss(0, self.worker), f"{occasion}.{number}"
                found += [
                    Block(KINDS[method], "cpu m", name, occasion, self.width, self.width,
                          mu[method] + own + self.noise(draw))
                    for method in METHODS for _ in range(self.blocks)
                ]  # fmt: skip
        return fit(found)

    def happens(
        self, draw: random.Random, mu: dict[str, float], packs: list[Pack]
    ) -> tuple[float, float]:
        """What packs come to on another occasion: device-hours, and seconds of the longest."""
        common, taken = draw.gauss(0, self.occasion), []
        for pack in packs:
            own, total = common + draw.gauss(0, self.worker), 0.0
            for method in METHODS:
                left = sum(cell.method.name == method for cell in pack.cells)
                while left:
                    cells = min(left, self.width)
                    total += cells * math.exp(mu[method] + own + self.noise(draw))
                    left -= cells
            taken.append(total)
        return sum(taken) / 3600.0, max(taken)


def packs_of(seeds: int, slots: int) -> list[Pack]:
    cells = [a_cell(method, seed=seed) for method in METHODS for seed in range(seeds)]
    return pack_cells(cells, Capacity(slots=slots, pilots=False))


def covered(world: World, slots: int = 3) -> tuple[float, float]:
    """Shares of worlds in which the intervals of device-hours and of time held the truth."""
    draw, packs, hours, walls = random.Random(20), packs_of(40, slots), 0, 0
    for _ in range(WORLDS):
        mu = {method: math.log(draw.uniform(1, 20)) for method in METHODS}
        durations = world.history(draw, mu)
        found = expect([packs], durations, Target(), slots=slots, place="cpu m")
        truth, longest = world.happens(draw, mu, packs)
        assert found.device_hours is not None
        assert found.wall_seconds is not None
        hours += found.device_hours.low <= truth <= found.device_hours.high
        walls += found.wall_seconds.low <= longest <= found.wall_seconds.high
    return hours / WORLDS, walls / WORLDS


# 300 worlds tell a share to about 0.04; a world calmer than the priors is covered more often.
@pytest.mark.parametrize(
    ("world", "least", "most"),
    [
        (World(occasion=0.1, worker=0.1, block=0.2), 0.85, 1.0),
        (World(occasion=0.2, worker=0.15, block=0.3, occasions=8, blocks=2), 0.8, 0.97),
        (World(occasion=0.1, worker=0.1, block=0.2, occasions=2, workers=3, width=8), 0.83, 1.0),
        (World(occasion=0.1, worker=0.1, block=0.4, freedom=4.0), 0.78, 1.0),
        (World(occasion=0.1, worker=0.05, block=0.1, workers=1, blocks=1), 0.85, 1.0),
    ],
    ids=["one occasion", "many occasions", "stacks", "heavy tails", "one block of each kind"],
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(
    world: World, least: float, most: float
) -> None:
    hours, walls = covered(world)
    assert least <= hours <= most
    assert least <= walls <= most


def test_intervals_of_cells_taken_as_independent_would_be_far_too_narrow() -> None:
    """Why the effects are there: without them, the test above would fail."""
    world = World(occasion=0.2, worker=0.2, block=0.1, occasions=6)
    assert covered(world)[0] > 0.8
    draw, packs = random.Random(3), packs_of(40, 3)
    mu = dict.fromkeys(METHODS, 0.0)
    truths = [world.happens(draw, mu, packs)[0] for _ in range(200)]
    independent = 0.1 / math.sqrt(120)
    assert np.std(np.log(truths)) > 10 * independent


def one_kind(seconds: float = 36.0, method: str = "set") -> Durations:
    mu = math.log(seconds)
    return fit([Block(KINDS[method], "cpu m", f"w{n}", n, 1, 1, mu) for n in range(40)])


def expected(packs: list[Pack], durations: Durations, **more: object) -> Forecast:
    given = {"slots": 1, "place": "cpu m", **more}
    return expect([packs], durations, Target(), **given)  # type: ignore[arg-type]


def packs_of_set(cells: int, slots: int = 1) -> list[Pack]:
    own = [a_cell("set", seed=seed) for seed in range(cells)]
    return pack_cells(own, Capacity(slots=slots, pilots=False))


def test_what_always_takes_the_same_is_forecast_closely() -> None:
    found = expected(packs_of_set(100), one_kind(36.0))
    assert found.device_hours is not None
    assert found.device_hours.expected == pytest.approx(1.0, rel=0.05)
    assert found.device_hours.low > 0.85
    assert found.device_hours.high < 1.2


def test_the_same_store_and_plan_have_the_same_forecast() -> None:
    packs = packs_of_set(10)
    assert expected(packs, one_kind()) == expected(packs, one_kind())


def test_more_workers_take_less_time_for_the_same_hours() -> None:
    one = expected(packs_of_set(100), one_kind(), slots=1)
    four = expected(packs_of_set(100, slots=4), one_kind(), slots=4)
    assert one.wall_seconds is not None
    assert four.wall_seconds is not None
    assert one.device_hours is not None
    assert four.device_hours is not None
    assert four.workers == 4
    assert four.wall_seconds.expected < 0.3 * one.wall_seconds.expected
    assert four.device_hours.expected == pytest.approx(one.device_hours.expected, rel=0.05)


def test_starts_and_waves_take_time_and_no_device_hours() -> None:
    packs, known = packs_of_set(10), one_kind()
    bare = expected(packs, known)
    begun = expected(packs, known, starts=(100.0,), start=20.0)
    twice = expect([packs, packs], known, Target(), slots=1, place="cpu m", starts=(100.0,))
    assert bare.wall_seconds is not None
    assert begun.wall_seconds is not None
    assert twice.wall_seconds is not None
    assert bare.device_hours == begun.device_hours
    assert begun.wall_seconds.low == pytest.approx(bare.wall_seconds.low + 120.0)
    assert twice.wall_seconds.expected == pytest.approx(
        2 * bare.wall_seconds.expected + 200.0, rel=0.05
    )


def test_what_a_budget_counts_has_the_start_of_every_pack() -> None:
    packs, known = packs_of_set(100, slots=4), one_kind()
    found = expected(packs, known, slots=4, starts=(360.0,))
    assert found.device_hours is not None
    assert found.held_hours is not None
    starts = 0.1 * len(packs)
    assert found.held_hours.high == pytest.approx(found.device_hours.high + starts)
    assert expected(packs, known).held_hours == expected(packs, known).device_hours


def test_what_was_never_measured_is_unknown_and_the_rest_is_told() -> None:
    other = [a_cell("set", seed=s, recipe=(("threads", 8),)) for s in range(5)]
    packs = [*packs_of_set(100), *pack_cells(other, Capacity(slots=1, pilots=False))]
    found = expected(packs, one_kind(36.0))
    assert (found.cells, found.unknown, found.wall_seconds) == (105, 5, None)
    assert found.device_hours is not None
    assert found.device_hours.expected == pytest.approx(1.0, rel=0.05)
    nothing = expected(packs, fit([]), place=None)
    assert (nothing.unknown, nothing.device_hours) == (105, None)


def test_a_part_of_a_gpu_costs_that_part_of_its_hours() -> None:
    blocks = [Block(KINDS["set"], "H100", f"w{n}", n, 1, 1, math.log(36.0)) for n in range(40)]
    quarter = Target(gpus=0.25)
    found = expect([packs_of_set(100)], fit(blocks), quarter, slots=1, place="H100")
    assert found.device_hours is not None
    assert found.device_hours.expected == pytest.approx(0.25, rel=0.05)


def test_cells_in_packs_narrower_than_the_stacks_measured_may_take_longer() -> None:
    mu = math.log(36.0)
    wide = fit([Block(KINDS["set"], "cpu m", f"w{n}", n, 50, 50, mu) for n in range(40)])
    alone, together = expected(packs_of_set(2), wide), expected(packs_of_set(100), wide)
    assert alone.device_hours is not None
    assert together.device_hours is not None
    assert together.device_hours.expected == pytest.approx(1.0, rel=0.05)
    assert alone.device_hours.low > 2 * 36.0 / 3600.0 * 0.9
    assert alone.device_hours.high > 10 * 2 * 36.0 / 3600.0


def test_borrowed_cells_are_counted_in_the_notes() -> None:
    cells = [a_cell("rigl", seed=seed) for seed in range(7)]
    found = expected(pack_cells(cells, Capacity(slots=1)), one_kind())
    assert found.notes == ("7 cells borrowed from other methods",)


def test_the_longest_pack_is_begun_first() -> None:
    seconds = np.asarray([[3.0], [3.0], [2.0], [2.0], [2.0]])
    assert makespan(seconds, 2).tolist() == [7.0]  # 3 + 2 + 2 beside 3 + 2
    assert makespan(seconds, 5).tolist() == [3.0]
    assert makespan(seconds, 1).tolist() == [12.0]
