"""Schedules as pure functions of the step. A step is the number of completed optimizer steps."""

import dataclasses
import math
import warnings
from fractions import Fraction


def known_length(total_steps: int | None, name: str) -> int:
    """Return the number of steps of the run; a ValueError that `name` needs it where it is None."""
    if total_steps is None:
        raise ValueError(f"{name} needs to know the length of the run: give total_steps")
    return total_steps


def resolve_step(fraction: float, total: int) -> int:
    """Return floor(fraction * total + 1/2), the fraction taken as the decimal that it prints as."""
    return math.floor(Fraction(str(float(fraction))) * total + Fraction(1, 2))


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class UpdateSchedule:
    """When topology updates happen: at multiples of `every` in [start, stop).

    Never at the last optimizer step (`total`) or after it, because what an update grows would not
    be trained any more. `stop` and `total` of None mean that there is no end.
    """

    every: int
    start: int = 1
    stop: int | None = None
    total: int | None = None

    def is_update(self, step: int) -> bool:
        """Return whether an update is due after `step` completed optimizer steps."""
        in_time = self.stop is None or step < self.stop
        before_end = self.total is None or step < self.total
        return self.start <= step and step % self.every == 0 and in_time and before_end

    @property
    def last(self) -> int | None:
        """The step of the last update, or None where updates never end; 0 where there is none."""
        ends = [end for end in (self.stop, self.total) if end is not None]
        if not ends:
            return None
        last = (min(ends) - 1) // self.every * self.every
        return last if last >= self.start else 0


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ConstantDrop:
    """A drop fraction that never changes."""

    initial: float

    def drop_fraction(self, step: int) -> float:
        """Return the drop fraction in [0, 1]."""
        return self.initial


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class CosineDrop:
    """A drop fraction that falls from `initial` to `final` along half a cosine, reached at `stop`.

    final + (initial - final) / 2 * (1 + cos(pi * step / stop)): RigL (Evci et al. 2020, section 3)
    with final = 0.
    """

    initial: float
    stop: int
    final: float = 0.0

    def drop_fraction(self, step: int) -> float:
        """Return the drop fraction in [0, 1]."""
        if step >= self.stop:
            return self.final
        share = (1 + math.cos(math.pi * step / self.stop)) / 2
        return self.final + (self.initial - self.final) * share


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class CubicDensity:
    """A density that falls from `initial` to `final` along a cubic and then stays there.

    final + (initial - final) * (1 - p)^3 with p the share of [start, stop] that is over
    (Zhu and Gupta 2017, eq. 1). At `stop` and later it is `final` exactly.
    """

    initial: float
    final: float
    start: int
    stop: int

    def density(self, step: int) -> float:
        """Return the density in (0, 1]."""
        if step >= self.stop:
            return self.final
        if step <= self.start:
            return self.initial
        left = 1 - (step - self.start) / (self.stop - self.start)
        return self.final + (self.initial - self.final) * left**3


def exponential_counts(total: int, target: int, rounds: int) -> list[int]:
    """Return how many of `total` weights each of so many rounds keeps; the last is the target.

    Round j of n keeps total * (target / total)^(j / n), rounded to nearest: the same share is cut
    each time (de Jorge et al. 2021, FORCE, section 4; Tanaka et al. 2020, SynFlow, algorithm 1).
    """
    shares = (round_ / rounds for round_ in range(1, rounds + 1))
    return [math.floor(total * (target / total) ** share + 0.5) for share in shares]


def update_schedule(*, every: int, stop: float, total: int | None) -> UpdateSchedule:
    """Return when topology updates happen, with `stop` as a fraction of the `total` steps.

    Without a total they never stop and no schedule has an end to fall to, which is said in one
    warning.
    """
    if total is None:
        warnings.warn(
            "total_steps is not known: topology updates will not stop, and nothing is annealed",
            stacklevel=2,
        )
        return UpdateSchedule(every=every)
    return UpdateSchedule(every=every, stop=resolve_step(stop, total), total=total)
