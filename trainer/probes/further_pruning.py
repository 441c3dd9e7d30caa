"""The probe ``further_pruning``: what the trained network still can when more of it is pruned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sparse.measures.further_pruning import CRITERIA, SCOPES, quantile, relative_sizes
from sparse.options import option
from trainer.evaluate import constant_accuracy
from trainer.probes import PROBES
from trainer.probes.base import Probe
from trainer.probes.pruning_trial import NORMS, PruningTrial
from trainer.probes.subject import Subject

PERCENTS = (0, 1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90)
"""Shares of the remaining weights that are pruned, in percent."""

_SIZES = {
    "weights_below_hundredth": "active weights smaller than a hundredth of their layer's deviation",
    "weights_below_tenth": "active weights smaller than a tenth of their layer's deviation",
    "weight_size_q10": "first decile of |w| over its layer's deviation, active weights",
    "weight_size_q50": "median of |w| over its layer's deviation, active weights",
    "weight_size_q90": "last decile of |w| over its layer's deviation, active weights",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class FurtherPruningOptions:
    """What is pruned, how, and by how much."""

    criteria: tuple[str, ...] = option(
        CRITERIA,
        choices=CRITERIA,
        min_items=1,
        unique=True,
        help="which weights go first: the smallest, random ones, or the largest",
    )
    scopes: tuple[str, ...] = option(
        SCOPES,
        choices=SCOPES,
        min_items=1,
        unique=True,
        help="the share is taken of every layer, or of all layers together",
    )
    percents: tuple[int, ...] = option(
        PERCENTS,
        choices=PERCENTS,
        min_items=1,
        unique=True,
        help="shares of the remaining weights, in percent",
    )
    draws: int = option(5, ge=1, help="random prunings whose accuracies are averaged")
    statistics: str = option(
        "both",
        choices=("both", *NORMS),
        help="batch norm's running statistics stay, or are taken anew of every pruned network",
    )
    recalibration_examples: int = option(
        2000,
        ge=2,  # batch norm has no variance over one example
        only_with={"statistics": ["both", "recalibrated"]},
        help="training examples that running statistics are taken of; all if fewer",
    )


def curve_name(criterion: str, scope: str, norm: str) -> str:
    """What the metrics of one curve begin with."""
    return f"further_{criterion}_{scope}_{norm}"


def _metrics() -> Iterator[dict[str, str]]:
    for criterion in CRITERIA:
        for scope in SCOPES:
            for norm in NORMS:
                yield from _curve_metrics(criterion, scope, norm)
    for name, help in _SIZES.items():
        yield {"name": name, "unit": "fraction", "better": "lower", "help": help}


def _curve_metrics(criterion: str, scope: str, norm: str) -> Iterator[dict[str, str]]:
    curve, way = curve_name(criterion, scope, norm), f"{criterion} by {scope}, batch norm {norm}"
    shared = {"unit": "fraction", "better": "higher"}
    yield {
        "name": f"{curve}_auc",
        **shared,
        "help": f"test accuracy over that of the unpruned network, mean over shares: {way}",
    }
    yield {
        "name": f"{curve}_q50",
        **shared,
        "help": f"share of the weights with which half of the accuracy above chance goes: {way}",
    }
    for percent in PERCENTS:
        help = f"test accuracy without {percent} % of the remaining weights: {way}"
        yield {"name": f"{curve}_at{percent}", **shared, "help": help}


@PROBES.register(
    "further_pruning",
    summary="test accuracy when the trained network is pruned further and not trained again",
    options=FurtherPruningOptions,
    metrics=list(_metrics()),
)
class FurtherPruning(Probe):
    """Accuracy by the share of the remaining weights that is pruned, at the end of training.

    Only evaluations, of the test split. That the robustness to this differs between algorithms is
    a claim of Van Gelder et al. 2020 (arXiv 2012.00172); how they prune we have not seen, and the
    protocol is this project's.
    """

    options: FurtherPruningOptions

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """All curves with what sums them up, and how large the weights are."""
        options = self.options
        norms = NORMS if options.statistics == "both" else (options.statistics,)
        trial = PruningTrial(subject, norms, options.recalibration_examples)
        chance, found = constant_accuracy(subject.split("test")), _sizes(trial)
        for criterion in options.criteria:
            draws = options.draws if criterion == "random" else 1
            for scope in options.scopes:
                curves = trial.curves(criterion, scope, sorted(options.percents), draws)
                for norm, curve in curves.items():
                    ends = {0: trial.base[norm], 100: trial.empty[norm]}
                    found |= _summary(curve_name(criterion, scope, norm), curve, ends, chance)
        return found


def _summary(
    name: str, curve: Mapping[int, float], ends: Mapping[int, float], chance: float
) -> dict[str, float]:
    base = ends[0]
    found = {f"{name}_at{percent}": accuracy for percent, accuracy in curve.items()}
    if base > 0:
        found[f"{name}_auc"] = sum(curve.values()) / len(curve) / base
    if base > chance:
        points = dict(sorted({**curve, **ends}.items()))
        found[f"{name}_q50"] = first_at_most(points, (base + chance) / 2) / 100
    return found


def first_at_most(points: Mapping[int, float], level: float) -> float:
    """The place at which a broken line first comes down to a level; its end where it never does.

    Args:
        points: heights by place, places ascending; the first lies above the level.
        level: a height.
    """
    before = next(iter(points.items()))
    for place, height in points.items():
        if height <= level:
            share = (before[1] - level) / (before[1] - height)
            return before[0] + share * (place - before[0])
        before = place, height
    return float(before[0])


def _sizes(trial: PruningTrial) -> dict[str, float]:
    sizes = relative_sizes(trial.values)
    if not len(sizes):
        return {}
    return {
        "weights_below_hundredth": float((sizes < 0.01).double().mean()),
        "weights_below_tenth": float((sizes < 0.1).double().mean()),
        **{f"weight_size_q{part}": quantile(sizes, part / 100) for part in (10, 50, 90)},
    }
