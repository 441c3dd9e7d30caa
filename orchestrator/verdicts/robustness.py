"""H2: whether methods differ starkly in how well they stand further pruning after training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from orchestrator.statistics.summaries import Summary, summarise
from orchestrator.verdicts.cells import OptionsRead, Sample, abouts, by_method, sample, told
from orchestrator.verdicts.logic import count_holds, outcome_of, unjudged
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.verdict import Evidence, Flag, Sheet, Verdict

AUCS: Mapping[str, str] = {
    "frozen": "further_magnitude_global_frozen_auc",
    "recalibrated": "further_magnitude_global_recalibrated_auc",
}
"""What was done to batch norm to the measurement that is judged: both are reported."""

SEEDS, DENSITIES = 3, 2
_NOT_COMPARED = ("dense", "retrain")

METRICS_READ = tuple(AUCS.values())
OPTIONS_READ: OptionsRead = {f"method {name}": {} for name in _NOT_COMPARED}

CLAIM = "methods differ starkly in robustness to further pruning"
RULE = (
    f"for at least one pair of methods, at {DENSITIES} densities at least: the 95 % intervals of "
    f"AUC_q over {SEEDS} seeds at least do not meet, and the order is the same in every seed; "
    f"magnitude, global, no training after"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """How well one method at one place stands further pruning: its AUC by seed."""

    setting: Mapping[str, str]
    density: str
    method: str
    sample: Sample

    @property
    def summary(self) -> Summary | None:
        """Mean and 95 % interval over the seeds; None without any."""
        values = list(self.sample.means.values())
        return summarise(values) if values else None

    @property
    def missing(self) -> str:
        """What keeps it from being judged, in words."""
        few = len(self.sample.by_seed) < SEEDS
        seeds = f"{len(self.sample.by_seed)} of {SEEDS} seeds" if few else ""
        return "; ".join(part for part in (told(self.sample.gaps), seeds) if part)


def curves(material: Material, metric: str) -> list[Curve]:
    """One per setting, density and method of which some cell has the measurement."""
    cells = [answer for answer in material.cells if answer.fields["method"] not in _NOT_COMPARED]
    groups = by_method(cells)
    settings = {key: tuple(pair for pair in key if pair[0] != "density") for key, _ in groups}
    about = abouts(list(settings.values()), always=("dataset", "model"))
    return [
        Curve(
            setting=about[settings[key]],
            density=dict(key)["density"],
            method=method,
            sample=sample(members, metric),
        )
        for (key, method), members in groups.items()
        if any(metric in (answer.metrics or {}) for answer in members)
    ]


def judge_robustness(material: Material) -> list[Verdict]:
    """H2, for each way to treat batch norm of which there are measurements."""
    verdicts = []
    for read_out, metric in AUCS.items():
        found = curves(material, metric)
        if found:
            verdicts.append(_judge(read_out, found))
    if verdicts:
        return verdicts
    return [unjudged("H2", CLAIM, RULE, "cells of several methods with the probe further_pruning")]


def robustness(material: Material) -> list[Sheet]:
    """AUC_q of every method, with its interval."""
    return [
        _sheet(read_out, found)
        for read_out, metric in AUCS.items()
        if (found := curves(material, metric))
    ]


def _judge(read_out: str, found: Sequence[Curve]) -> Verdict:
    evidence = []
    for setting in _distinct([curve.setting for curve in found]):
        own = [curve for curve in found if curve.setting == setting]
        methods = list(dict.fromkeys(curve.method for curve in own))
        for first, second in combinations(methods, 2):
            evidence.append(_pair(setting, own, first, second))
    few = "" if evidence else "a second method to compare with"
    return Verdict(
        id=f"H2 {read_out}",
        claim=f"{CLAIM} (batch norm {read_out})",
        rule=RULE,
        outcome=outcome_of(count_holds(item.holds for item in evidence)),
        statistic="densities with that contrast",
        evidence=tuple(evidence),
        missing=(few,) if few else (),
    )


def _pair(setting: Mapping[str, str], own: Sequence[Curve], first: str, second: str) -> Evidence:
    """At how many densities one of the two stands above the other, whichever does more often."""
    at = {(curve.density, curve.method): curve for curve in own}
    densities = dict.fromkeys(curve.density for curve in own)
    both = [
        (at[density, first], at[density, second])
        for density in densities
        if (density, first) in at and (density, second) in at
    ]
    up, down = [_above(*pair) for pair in both], [_above(*pair[::-1]) for pair in both]
    holds = count_holds([count_holds(up, DENSITIES), count_holds(down, DENSITIES)])
    lacking = [text for pair in both for text in _lacking(*pair)]
    lacking += [f"{len(both)} of {DENSITIES} densities"] if len(both) < DENSITIES else []
    order = (first, second) if up.count(True) >= down.count(True) else (second, first)
    return Evidence(
        about={**setting, "more robust": order[0], "less robust": order[1]},
        value=float(max(up.count(True), down.count(True))),
        threshold=float(DENSITIES),
        relation=">=",
        n=len(both),
        holds=holds,
        missing="; ".join(dict.fromkeys(lacking)) if holds is None else "",
    )


def _above(upper: Curve, lower: Curve) -> Flag:
    """Whether one stands clear above the other at one density; None when seeds are missing."""
    high, low = upper.summary, lower.summary
    if upper.missing or lower.missing or high is None or low is None:
        return None
    assert high.low is not None
    assert low.high is not None
    if high.low <= low.high:
        return False
    one, two = upper.sample.means, lower.sample.means
    if not all(one[seed] > two[seed] for seed in one.keys() & two.keys()):
        return False
    return None if _lacking(upper, lower) else True


def _lacking(first: Curve, second: Curve) -> list[str]:
    """What keeps two methods at one density from being compared, in words."""
    missing = [curve.missing for curve in (first, second) if curve.missing]
    alone = first.sample.by_seed.keys() ^ second.sample.by_seed.keys()
    if missing or not alone:
        return missing
    return [f"{len(alone)} seed{'s' * (len(alone) > 1)} of one method only"]


def _sheet(read_out: str, found: Sequence[Curve]) -> Sheet:
    fields = list(dict.fromkeys(field for curve in found for field in curve.setting))
    rows = []
    for curve in found:
        place = (*(curve.setting.get(field, "") for field in fields), curve.density, curve.method)
        one = curve.summary
        numbers = (one.mean, one.low, one.high, one.n) if one else (None, None, None, 0)
        rows.append((*place, *numbers, curve.missing))
    return Sheet(
        id=f"auc_{read_out}",
        title=f"AUC_q of further pruning by magnitude, global, batch norm {read_out}, "
        f"with 95 % interval over the seeds",
        columns=(*fields, "density", "method", "AUC_q", "low", "high", "n", "missing"),
        rows=tuple(rows),
    )


def _distinct(settings: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [dict(items) for items in dict.fromkeys(tuple(each.items()) for each in settings)]
