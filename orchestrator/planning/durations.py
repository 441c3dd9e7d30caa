"""How long cells take, as a distribution: fitted to what was measured, borrowed where little was.

The model, in natural logarithms of the seconds charged to a cell of kind k in block b of worker w
on occasion o:

    y = mu[k] + occasion[o] + worker[w] + block[b]

mu is the mean over the blocks of a kind. The three effects have mean 0 and variances that are
pooled over all kinds (`effects.py`). Sums are what people pay for, and the mean of a skewed
distribution is above its median: blocks are taken with their empirical mean exp(block), Duan's
smearing factor (Journal of the American Statistical Association 78, 1983), and their empirical
spread, so that heavy tails count.

A kind that was never measured is borrowed, with a wider distribution, from the same shape (other
methods), else from the same model, dataset and recipe with other epochs, batches or data ratios:
the FLOPs of a sample are the same there, so that seconds go with the samples, and for another batch
between the number of samples and the number of steps. A place (type of GPU or CPU) that was never
measured is borrowed from another by the ratio of the kinds that both have measured; without such
kinds only a CPU from another CPU, and that is said. What is left is unknown.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean

from grids.recipe import RECIPE
from orchestrator.planning.cost import Kind, Shape
from orchestrator.planning.effects import Effects, Rest, Spread, effects_of, towards_prior
from orchestrator.planning.measurements import Block, on_cpu

_METHOD_PRIOR = (3.0, 0.3)  # degrees of freedom and standard deviation of methods in a shape
_OTHER_RECIPE = 0.25  # standard deviation of a kind borrowed from other epochs or data
_OTHER_PLACE = 0.5  # of one measured on another type of CPU only
_RATIO = 0.15  # of the ratio of two places by one kind
_UNIFORM = math.sqrt(1 / 12)  # standard deviation of an exponent anywhere between 0 and 1
_SCALED = ("epochs", "batch")


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """What a cell of a kind takes in the median.

    Attributes:
        mu: Natural logarithm of its seconds.
        sd: How far that may be off, apart from what all kinds have in common.
        width: How many cells stepped together where it was measured.
        source: Why it is no measurement of this kind at this place; "" where it is one.
    """

    mu: float
    sd: float
    width: float
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Durations:
    """The fitted model.

    Attributes:
        levels: Place and kind to level, of what was measured.
        effects: What blocks of a kind vary by.
        method: The spread of methods within a shape.
    """

    levels: Mapping[str, Mapping[Kind, Level]]
    effects: Effects
    method: Spread

    def place_like(self, cpu: bool) -> str | None:
        """The place of the wanted sort at which most kinds were measured; None without any."""
        places = [place for place in self.levels if on_cpu(place) == cpu]
        return max(places, key=lambda place: (len(self.levels[place]), place), default=None)

    def level(self, kind: Kind, place: str) -> Level | None:
        """What a cell of a kind takes at a place; None when nothing tells.

        Args:
            kind: The kind.
            place: Where it will run, from `measurements.place_of`.
        """
        here = _in_place(self.levels.get(place, {}), kind, self.method)
        if here is not None and here.source in ("", _SHAPE):
            return here
        found = [
            borrowed
            for other in sorted(self.levels)
            if other != place
            and (there := _in_place(self.levels[other], kind, self.method)) is not None
            and (borrowed := self._moved(there, other, place)) is not None
        ]
        return min([*found, *([here] if here else [])], key=lambda one: one.sd, default=None)

    def _moved(self, level: Level, origin: str, place: str) -> Level | None:
        """A level at another place, by what both have measured."""
        own, theirs = self.levels.get(place, {}), self.levels[origin]
        ratios = [own[kind].mu - theirs[kind].mu for kind in theirs if kind in own]
        if ratios:
            sd = math.hypot(level.sd, _RATIO, _sd(ratios))
            source = f"scaled from {origin} by {math.exp(fmean(ratios)):.2g}"
            return replace(level, mu=level.mu + fmean(ratios), sd=sd, source=source)
        if on_cpu(origin) and on_cpu(place):
            sd = math.hypot(level.sd, _OTHER_PLACE)
            return replace(level, sd=sd, source=f"measured on {origin} only")
        return None


_SHAPE = "borrowed from other methods"
_RECIPE = "borrowed from other epochs, batches or data ratios"


def fit(blocks: Sequence[Block]) -> Durations:
    """The model that fits blocks; without any, nothing is known and the priors are left."""
    of_kind: dict[tuple[str, Kind], list[Block]] = defaultdict(list)
    for block in blocks:
        of_kind[block.place, block.kind].append(block)
    means = {key: fmean(one.log_seconds for one in own) for key, own in of_kind.items()}
    rests = [
        Rest(one.log_seconds - means[one.place, one.kind], one.cells, one.worker, one.occasion)
        for one in blocks
    ]
    effects = effects_of(rests, len(of_kind))
    levels: dict[str, dict[Kind, Level]] = defaultdict(dict)
    for (place, kind), own in of_kind.items():
        levels[place][kind] = _level(means[place, kind], own, effects)
    return Durations(levels=levels, effects=effects, method=_method_spread(levels))


def _level(mu: float, own: Sequence[Block], effects: Effects) -> Level:
    workers = len({one.worker for one in own})
    cells = sum(one.cells for one in own)
    return Level(
        mu=mu,
        sd=math.hypot(
            effects.block.sd / math.sqrt(len(own)), effects.worker.sd / math.sqrt(workers)
        ),
        width=math.exp(sum(one.cells * math.log(one.width) for one in own) / cells),
    )


def _method_spread(levels: Mapping[str, Mapping[Kind, Level]]) -> Spread:
    square, left = 0.0, 0
    for kinds in levels.values():
        for found in _by_shape(kinds).values():
            middle = fmean(one.mu for one in found)
            square += sum((one.mu - middle) ** 2 for one in found)
            left += len(found) - 1
    return towards_prior(_METHOD_PRIOR, square / left if left else 0.0, left)


def _in_place(levels: Mapping[Kind, Level], kind: Kind, method: Spread) -> Level | None:
    """The level of a kind at one place: measured, or borrowed within it."""
    if kind in levels:
        return levels[kind]
    shape, name = kind
    own = [level for (other, _), level in levels.items() if other == shape]
    if own:
        return _mean_of(own, method, _SHAPE)
    found: list[tuple[float, Level]] = []
    for other in {one for one, _ in levels}:
        change = _change(other, shape)
        if change is None:
            continue
        same = levels.get((other, name))
        near = same or _mean_of([v for (one, _), v in levels.items() if one == other], method, "")
        mu, sd = change
        level = Level(
            mu=near.mu + mu,
            sd=math.hypot(near.sd, sd, _OTHER_RECIPE),
            width=near.width,
            source=_RECIPE,
        )
        found.append((level.sd + abs(mu), level))
    return min(found, key=lambda pair: (pair[0], pair[1].mu))[1] if found else None


def _mean_of(own: Sequence[Level], method: Spread, source: str) -> Level:
    return Level(
        mu=fmean(level.mu for level in own),
        sd=math.hypot(method.sd * math.sqrt(1 + 1 / len(own)), fmean(one.sd for one in own)),
        width=fmean(level.width for level in own),
        source=source,
    )


def _change(origin: Shape, target: Shape) -> tuple[float, float] | None:
    """Logarithm of how much longer a cell of another shape takes, and how far off that may be.

    None where more than epochs, batch and data ratio differ.
    """
    one, other = _recipe(origin[4]), _recipe(target[4])
    if (origin[0], origin[1], origin[3], one[0]) != (target[0], target[1], target[3], other[0]):
        return None
    samples = math.log(other[1] / one[1] * float(target[2]) / float(origin[2]))
    steps = math.log(one[2] / other[2])
    return samples + steps / 2, abs(steps) * _UNIFORM


@lru_cache(maxsize=1024)
def _recipe(text: str) -> tuple[str, float, float]:
    """A structural recipe without epochs and batch, its epochs, and its batch."""
    defaults = {option.name: option.default for option in RECIPE if option.name in _SCALED}
    plain = json.loads(text)
    epochs, batch = (float(plain.pop(name, defaults[name])) for name in _SCALED)
    return json.dumps(plain, sort_keys=True), epochs, batch


def _by_shape(levels: Mapping[Kind, Level]) -> dict[Shape, list[Level]]:
    found: dict[Shape, list[Level]] = defaultdict(list)
    for (shape, _), level in levels.items():
        found[shape].append(level)
    return found


def _sd(values: Iterable[float]) -> float:
    """Standard error of a mean; 0 of a single value."""
    own = list(values)
    if len(own) < 2:
        return 0.0
    middle = fmean(own)
    variance = sum((value - middle) ** 2 for value in own) / (len(own) - 1)
    return math.sqrt(variance / len(own))
