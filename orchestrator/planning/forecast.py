"""What a plan will take: device-hours and clock time, each with an interval.

The packs of the plan are drawn many times from the fitted model (`durations.py`): in each draw one
effect of the occasion for all packs, one error of each kind's level for all cells of the kind, one
effect for each worker, and the noise of the blocks in each pack. A stack is never wider than its
pack; where a pack is narrower than what was measured, a cell takes between as long (the work is
done cell by cell) and longer by the ratio of the widths (the work is done once for the stack): an
exponent drawn from 0 to 1. Spreads are drawn too, by their degrees of freedom, so the intervals of
a store that measured little are those of Student's t. The draws have a fixed seed: the same plan
against the same store has the same forecast.

Device-hours are what records charge to cells, times the GPUs of a pack; workers of a CPU count as
one device each. Clock time is that of the packs, the longest first, on the slots, wave after wave,
each pack with a start as long as one of those that were measured.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from orchestrator.planning.cost import Kind, kind_of
from orchestrator.planning.durations import Durations, Level, fit
from orchestrator.planning.measurements import measured, place_of, start_of_run
from orchestrator.planning.packing import Pack, pack_cells
from orchestrator.planning.request import Planned
from orchestrator.provenance import machine

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Draws = npt.NDArray[np.float64]

LEVEL = 0.9
"""The share of all cases that an interval is meant to hold."""

_SEED = 20_090_401
_NUMBERS = 2_000_000  # that are drawn of packs, at most: below a tenth of a second
_MOST_DRAWS, _FEWEST_DRAWS = 1000, 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where a plan will be carried out.

    Attributes:
        gpus: GPUs of each pack, or the fraction of one; 0 for the CPU.
        here: Whether on this machine.
        queued: Whether a scheduler lets it wait first.
        job_hours: Time limit of a job, which runs one pack; None where nobody ends one.
    """

    gpus: float = 0.0
    here: bool = True
    queued: bool = False
    job_hours: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A value that is not known yet: its median, and what it lies between with `LEVEL`."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What a plan will take, as far as anything tells.

    Attributes:
        cells: How many would be trained.
        unknown: How many of them are of kinds of which nothing tells the duration.
        workers: How many work at a time.
        gpus: GPUs of each pack, or the fraction of one.
        queued: Whether jobs wait in a queue first, which is not in `wall_seconds`.
        level: The share of all cases that the intervals are meant to hold.
        device_hours: Of the cells that are known; None when none is.
        wall_seconds: From the start to the end; None when a cell is unknown.
        held_hours: The same with the starts of all packs, which a budget counts; None when no
            cell is known.
        notes: How the durations were found where they were not measured, with numbers of cells.
    """

    cells: int
    unknown: int
    workers: int
    gpus: float
    queued: bool
    level: float
    device_hours: Interval | None
    wall_seconds: Interval | None
    held_hours: Interval | None
    notes: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**asdict(self), "notes": list(self.notes)}


def forecast(planned: Planned, target: Target) -> Forecast | None:
    """Forecast a plan by what its store has measured; None when nothing is to be trained.

    Args:
        planned: The plan.
        target: Where it will be carried out.
    """
    capacity = replace(planned.capacity, pilots=False)
    waves = [pack_cells(cells, capacity, costs=planned.costs) for cells in planned.plan.waves()]
    if not waves:
        return None
    known = measured(planned.index.values())
    start = 0.0 if target.queued else start_of_run(planned.index, *planned.before)
    found = fit(known.blocks)
    place = place_of("cpu", machine()) if target.here else found.place_like(cpu=True)
    if target.gpus:
        place = found.place_like(cpu=False)
    return expect(
        waves, found, target, slots=capacity.slots, place=place, starts=known.starts, start=start
    )


def expect(
    waves: Sequence[Sequence[Pack]],
    durations: Durations,
    target: Target,
    *,
    slots: int,
    place: str | None,
    starts: Sequence[float] = (),
    start: float = 0.0,
) -> Forecast:
    """Forecast packs by a fitted model.

    Args:
        waves: The packs of each wave, at least one wave.
        durations: The model.
        target: Where they will be carried out.
        slots: Packs at a time.
        place: The place in the model's words; None where nothing was measured at such a one.
        starts: What packs took besides their cells, in seconds; they are drawn from.
        start: Seconds until the first pack begins.
    """
    counts = [Counter(kind_of(cell) for cell in pack.cells) for wave in waves for pack in wave]
    kinds = list(dict.fromkeys(kind for one in counts for kind in one))
    levels = {
        kind: level
        for kind in kinds
        if place is not None and (level := durations.level(kind, place)) is not None
    }
    cells = sum(one.total() for one in counts)
    lost = sum(one[kind] for one in counts for kind in one if kind not in levels)
    hours = wall = holding = None
    if levels:
        drawn = _Draws(durations, levels, len(counts))
        seconds = drawn.packs(counts)
        held = target.gpus or 1.0
        hours = _interval(seconds.sum(axis=0) * held / 3600.0)
        if not lost:
            wall = _interval(start + drawn.wall(seconds, list(map(len, waves)), slots, starts))
        begun = drawn.started(seconds, starts)
        holding = _interval(begun.sum(axis=0) * held / 3600.0)
    return Forecast(
        cells=cells,
        unknown=lost,
        workers=min(slots, max(map(len, waves))),
        gpus=target.gpus,
        queued=target.queued,
        level=LEVEL,
        device_hours=hours,
        wall_seconds=wall,
        held_hours=holding,
        notes=tuple(_notes(counts, levels)),
    )


class _Draws:
    """Random packs.

    Args:
        durations: The model.
        levels: What is known of each kind.
        packs: How many packs there are, by which the number of draws is bounded.
    """

    def __init__(self, durations: Durations, levels: Mapping[Kind, Level], packs: int) -> None:
        import numpy as np

        self._effects = durations.effects
        self._levels = levels
        self._random = np.random.default_rng(_SEED)
        self._count = max(_FEWEST_DRAWS, min(_MOST_DRAWS, _NUMBERS // packs))

    def packs(self, counts: Sequence[Mapping[Kind, int]]) -> "Draws":
        """Seconds charged to the cells of each pack: [packs, draws]."""
        import numpy as np

        kinds = {kind: at for at, kind in enumerate(self._levels)}
        cells = np.zeros((len(counts), len(kinds)))
        for row, own in enumerate(counts):
            for kind, count in own.items():
                if kind in kinds:
                    cells[row, kinds[kind]] = count
        expected = np.exp([level.mu for level in self._levels.values()])
        each = np.exp(self._spread("block") * self._kind_errors())
        seconds: Draws = cells @ (expected[:, None] * self._effects.smear * each)
        seconds *= self._common() * self._narrower(cells) * self._noise(cells, expected)
        return seconds

    def wall(
        self, seconds: "Draws", sizes: Sequence[int], slots: int, starts: Sequence[float]
    ) -> "Draws":
        """Clock time of all waves, one after another: [draws].

        Args:
            seconds: Of each pack, from `packs`, wave after wave.
            sizes: Packs of each wave.
            slots: Packs at a time.
            starts: What packs took besides, to draw from.
        """
        import numpy as np

        whole = self.started(seconds, starts)
        total = np.zeros(seconds.shape[1])
        at = 0
        for size in sizes:
            total += makespan(whole[at : at + size], slots)
            at += size
        return total

    def started(self, seconds: "Draws", starts: Sequence[float]) -> "Draws":
        """The seconds of packs with a start of each, where any was measured: [packs, draws]."""
        import numpy as np

        if not starts:
            return seconds
        return seconds + self._random.choice(np.asarray(starts), seconds.shape)

    def _kind_errors(self) -> "Draws":
        import numpy as np

        sds = np.asarray([level.sd for level in self._levels.values()])
        return sds[:, None] * self._random.standard_normal((len(sds), self._count))

    def _common(self) -> "Draws":
        """What all packs share, the effect of the occasion and the error of the smear: [draws]."""
        import numpy as np

        effects = self._effects
        # The effects of the occasions that were measured are in the levels, with the same spread.
        sd = effects.occasion.sd * math.sqrt(1 + 1 / max(1, effects.occasions))
        occasion = sd * self._spread("occasion") * self._random.standard_normal(self._count)
        smear = effects.smear_error * self._random.standard_normal(self._count)
        return np.asarray(np.exp(occasion + smear))

    def _noise(self, cells: "Draws", expected: "Draws") -> "Draws":
        """The effects of workers, and of the blocks of each pack: [packs, draws]."""
        import numpy as np

        effects, shape = self._effects, (len(cells), self._count)
        widths = np.minimum(self._widths()[None, :], np.maximum(cells, 1.0))
        means = np.maximum(cells @ expected, 1e-12)
        relative = effects.variation * np.sqrt((cells * widths) @ expected**2) / means
        sd = np.sqrt(np.log1p(relative**2))[:, None]  # of a log-normal of that variation
        blocks = sd * self._random.standard_normal(shape) - sd**2 / 2
        workers = effects.worker.sd * self._spread("worker") * self._random.standard_normal(shape)
        return np.asarray(np.exp(blocks + workers))

    def _narrower(self, cells: "Draws") -> "Draws":
        """How much longer cells take in packs that are narrower than the stacks measured."""
        import numpy as np

        sizes = np.maximum(cells.sum(axis=1), 1.0)
        measured_widths = np.maximum((cells @ self._widths()) / sizes, 1.0)
        ratio = np.maximum(measured_widths / sizes, 1.0)
        exponents = self._random.uniform(0.0, 1.0, self._count)
        return np.asarray(ratio[:, None] ** exponents[None, :])

    def _widths(self) -> "Draws":
        import numpy as np

        return np.asarray([level.width for level in self._levels.values()])

    def _spread(self, effect: str) -> "Draws":
        """By what the standard deviation of an effect may be off: [draws]."""
        import numpy as np

        freedom = getattr(self._effects, effect).freedom
        return np.asarray(np.sqrt(freedom / self._random.chisquare(freedom, self._count)))


def makespan(seconds: "Draws", slots: int) -> "Draws":
    """When the last of some packs ends, the longest being begun first: [draws].

    Args:
        seconds: Of each pack: [packs, draws].
        slots: Packs at a time.
    """
    import numpy as np

    if len(seconds) <= slots:
        return np.asarray(seconds.max(axis=0))
    free = np.zeros((seconds.shape[1], slots))
    rows = np.arange(len(free))
    for pack in np.argsort(-seconds.mean(axis=1), kind="stable"):
        free[rows, free.argmin(axis=1)] += seconds[pack]
    return np.asarray(free.max(axis=1))


def _interval(drawn: "Draws") -> Interval:
    import numpy as np

    low, expected, high = np.quantile(drawn, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
    return Interval(expected=float(expected), low=float(low), high=float(high))


def _notes(counts: Sequence[Mapping[Kind, int]], levels: Mapping[Kind, Level]) -> list[str]:
    sources: Counter[str] = Counter()
    for own in counts:
        for kind, count in own.items():
            if kind in levels and levels[kind].source:
                sources[levels[kind].source] += count
    return [f"{count} cells {source}" for source, count in sorted(sources.items())]
