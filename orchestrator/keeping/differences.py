"""Two records of one cell, number by number: what is equal to the last bit, and what is not."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.store.measured import Output, outputs
from orchestrator.store.records import Record, decode_curve
from orchestrator.store.written import Written

Measured = float | str | None
"""A number; a sum of SHA-256; None where a curve has no point."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Something that two records hold with different values.

    Attributes:
        name: A metric; "active weights of ..." a layer; "curve: ..." a column of the curve;
            "artifact ..." what was left for other cells.
        then: Its value in the first record; of a curve, at the first point that differs.
        now: Its value in the second one.
    """

    name: str
    then: Measured
    now: Measured

    @property
    def change(self) -> float | None:
        """The second minus the first, where both are numbers."""
        if isinstance(self.then, float) and isinstance(self.now, float):
            return self.now - self.then
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """What a comparison of two records found.

    Attributes:
        compared: How many things both hold.
        differing: Those of them that are not equal to the last bit.
        only_then: Names of what only the first holds.
        only_now: Names of what only the second holds.
    """

    compared: int
    differing: tuple[Difference, ...]
    only_then: tuple[str, ...] = ()
    only_now: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether whatever both hold is equal."""
        return not self.differing

    def plain(self) -> dict[str, Any]:
        """All of it as plain data, for scripts."""
        return asdict(self)


def compare_written(then: Written, now: Written) -> Differences:
    """Compare all that two records of one cell hold: metrics, layers, curves, artifacts.

    A metric of a probe is compared with that of the same probe with the same options only.
    """
    one, other = _held(then), _held(now)
    both = [key for key in one if key in other]
    differing = [
        Difference(name=key[0], then=first, now=second)
        for key in both
        if (pair := _first_difference(one[key], other[key])) is not None
        for first, second in [pair]
    ]
    return Differences(
        compared=len(both),
        differing=tuple(sorted(differing, key=lambda one: one.name)),
        only_then=tuple(sorted(key[0] for key in one.keys() - other.keys())),
        only_now=tuple(sorted(key[0] for key in other.keys() - one.keys())),
    )


def _held(written: Written) -> dict[Output, tuple[Measured, ...]]:
    """Everything that was computed, each with its values."""
    record = written.record
    found: dict[Output, tuple[Measured, ...]] = {
        key: (value,) for key, value in outputs(record).items()
    }
    for layer in record.layers:
        found[f"active weights of {layer['layer']}", None] = (float(layer["active"]),)
    for name, values in (decode_curve(written.curve) if written.curve else {}).items():
        found[f"curve: {name}", None] = tuple(values)
    return found | {
        (f"artifact {name}", None): (digest,) for name, digest in artifact_sums(record).items()
    }


def artifact_sums(record: Record) -> dict[str, str]:
    """The SHA-256 of each artifact that an attempt left, by its name."""
    told: Mapping[str, Mapping[str, Any]] = record.provenance.get("artifacts") or {}
    return {name: str(said["sha256"]) for name, said in told.items()}


def _first_difference(
    one: tuple[Measured, ...], other: tuple[Measured, ...]
) -> tuple[Measured, Measured] | None:
    if len(one) != len(other):
        return float(len(one)), float(len(other))
    pairs = zip(one, other, strict=True)
    # The text of a number has all its bits, and that of NaN is equal to itself.
    return next(((a, b) for a, b in pairs if repr(a) != repr(b)), None)
