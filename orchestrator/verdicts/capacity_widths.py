"""What both halves of pairs reach at each width, and in what their capacity is not equal."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from orchestrator.answers.results import Answer, text_of
from orchestrator.verdicts.capacity_pairs import ACCURACY, LABELS, Comparison, width_of
from orchestrator.verdicts.cells import value_of
from orchestrator.verdicts.pairs import Pair, differences
from orchestrator.verdicts.verdict import Sheet, Unit

UNMATCHED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "effective_density": ("effective density", ("S",)),
    "dead_units": ("dead units", ("S",)),
    "extra_params": ("extra parameters", ("S", "D")),
    "logit_std_init": ("sd of first logits", ("S", "D")),
}
"""Measurement that pairs of equal capacity do not share to its name, and of which halves to tell.

Without a mask all weights lie on a path and no unit is dead.
"""

METRICS_READ = (ACCURACY, *UNMATCHED)

_ACCURACIES: Mapping[str, Unit] = dict.fromkeys(("S", "D", "S - D"), "percent")


def by_width(found: Sequence[Comparison]) -> Sheet:
    """Means over the seeds at every width: accuracies, and the rest of the capacity where known."""
    fields = list(dict.fromkeys(name for comparison in found for name in comparison.slab))
    metrics = [name for name in UNMATCHED if any(_has(comparison, name) for comparison in found)]
    rows = [
        (
            *(comparison.slab.get(name, "") for name in fields),
            *comparison.labels,
            text_of(width),
            *_numbers(pairs, metrics),
        )
        for comparison in found
        for width, pairs in widths_of(comparison).items()
    ]
    told = [f"{UNMATCHED[name][0]} of {half}" for name in metrics for half in UNMATCHED[name][1]]
    return Sheet(
        id="by_width",
        title="Test accuracy of both halves by width, mean over the seeds",
        columns=(*fields, *LABELS, "width", *_ACCURACIES, "n", *told),
        rows=tuple(rows),
        units=_ACCURACIES,
        notes=("S - D is over the n pairs of which both halves have a result",),
    )


def widths_of(comparison: Comparison) -> dict[float, list[Pair]]:
    """The pairs of a test by their width, ascending."""
    found: dict[float, list[Pair]] = {}
    for pair in comparison.pairs:
        found.setdefault(width_of(pair.either), []).append(pair)
    return dict(sorted(found.items()))


def _has(comparison: Comparison, metric: str) -> bool:
    return any(metric in (pair.either.metrics or {}) for pair in comparison.pairs)


def _numbers(pairs: Sequence[Pair], metrics: Sequence[str]) -> list[float | None]:
    sparse = [pair.first for pair in pairs if pair.first is not None]
    dense = [pair.second for pair in pairs if pair.second is not None]
    both = differences(pairs, ACCURACY)
    gap = fmean(both.values) if both.values else None
    halves = {"S": sparse, "D": dense}
    unmatched = [_mean(halves[half], name) for name in metrics for half in UNMATCHED[name][1]]
    return [_mean(sparse, ACCURACY), _mean(dense, ACCURACY), gap, len(both.values), *unmatched]


def _mean(cells: Sequence[Answer], metric: str) -> float | None:
    values = [value for answer in cells if (value := value_of(answer, metric)) is not None]
    return fmean(values) if values else None
