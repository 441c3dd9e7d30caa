"""Measurements in tables: which end is better, and how numbers of them are written."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from orchestrator.answers.grouping import Grouped

BETTER: Mapping[str, str] = MappingProxyType(
    {
        "test_accuracy": "higher",
        "test_loss": "lower",
        "val_accuracy": "higher",
        "val_loss": "lower",
        "train_accuracy": "higher",
        "train_loss": "lower",
        "best_val_accuracy": "higher",
        "best_val_epoch": "lower",
        "test_accuracy_at_best_val": "higher",
        "best_final_difference": "lower",
        "test_calibration_error": "lower",
        "generalisation_gap": "lower",
        "realised_density": "lower",
        "train_flops": "lower",
        "train_flops_ratio": "lower",
        "inference_flops": "lower",
        "inference_flops_ratio": "lower",
        "peak_weight_gradients": "lower",
        "peak_training_mb": "lower",
        "explored_rate": "higher",
        "collapsed_layers": "lower",
        "alive_neurons": "lower",
        "extra_params": "lower",
    }
)
"""Measurement to the better end of it, as `METRICS` in trainer/metrics.py says it.

Repeated, because a table must not need torch; tests/contract/test_metrics.py holds the two
together.
"""

_LARGE, _SMALL = 1e6, 1e-4


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """How the numbers of one measurement are written, the same in its whole table.

    Attributes:
        factor: What every number is multiplied by.
        words: What the caption says of it: " in percent", " in units of 1e9", or nothing.
        decimals: Of every number; None where the mean shows four significant digits.
    """

    factor: float = 1.0
    words: str = ""
    decimals: int | None = None

    def decimals_of(self, mean: float) -> int:
        """The decimals of a mean, which are those of its spread, too."""
        if self.decimals is not None:
            return self.decimals
        if mean == 0 or not math.isfinite(mean):
            return 2
        return min(8, max(0, 3 - math.floor(math.log10(abs(self.factor * mean)))))

    def written(self, number: float, decimals: int) -> str:
        """One number; "nan" and "inf" stay what they are."""
        text = f"{self.factor * number:.{decimals}f}"
        return text.removeprefix("-") if not text.strip("-0.") else text


def in_percent(value: str) -> bool:
    """Whether a measurement is printed in percent: accuracies and their differences."""
    return "accuracy" in value or value.endswith(("generalisation_gap", "best_final_difference"))


def unit_of(grouped: Grouped) -> Unit:
    """The unit that a table of this measurement is written in.

    Percent with two decimals for accuracies. Others have four significant digits, and where all
    are very large or very small, a power of ten that the caption tells.
    """
    if in_percent(grouped.value):
        return Unit(factor=100, words=" in percent", decimals=2)
    largest = max(_sizes(grouped), default=1.0)
    if _SMALL <= largest < _LARGE:
        return Unit()
    exponent = 3 * math.floor(math.log10(largest) / 3)
    return Unit(factor=10.0**-exponent, words=f" in units of 1e{exponent}")


def better_end(grouped: Grouped) -> str | None:
    """Which end of the measurement is better, "higher" or "lower"; None where nothing says it."""
    return BETTER.get(grouped.value, grouped.better)


def words_of(value: str) -> str:
    """The name of a measurement for people: "test accuracy"."""
    return value.replace("_", " ")


def _sizes(grouped: Grouped) -> Iterable[float]:
    """The sizes of the means that are numbers and not zero."""
    for entry in grouped.entries.values():
        mean = 0.0 if entry.summary is None else abs(entry.summary.mean)
        if mean and math.isfinite(mean):
            yield mean
