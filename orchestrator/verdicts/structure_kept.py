"""H1a and H1b: what the structure alone is worth, its weights drawn anew.

Cells of the method `retrain` are compared that share everything but the start of their weights
(`method.start`), what was done to the mask (`method.mask`), the draw and the seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from orchestrator.answers.results import Answer, text_of
from orchestrator.statistics.rank_tests import DECIMALS
from orchestrator.statistics.summaries import summarise
from orchestrator.verdicts.cells import (
    OptionsRead,
    SeedDifferences,
    abouts,
    grouped,
    joined,
    sample,
    seed_differences,
    told,
)
from orchestrator.verdicts.logic import all_hold, compared, count_holds, outcome_of, unjudged
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.verdict import Evidence, Sheet, Verdict

ZERO_SHOT = "zero_shot_accuracy_recalibrated"
TRAINED = "test_accuracy"
DRAWS, DEVIATIONS_ZERO_SHOT = 5, 5
SEEDS, DEVIATIONS_TRAINED = 3, 2

_NEEDED = "cells of method retrain, reinit on the kept mask and on shuffled ones"
_SOURCE, _START, _MASK, _DRAW = "method.source", "method.start", "method.mask", "method.draw"
_ARM = (_START, _MASK, _DRAW, "seed")
DEFAULTS: Mapping[str, str] = {_START: "same_init", _MASK: "kept"}
"""Option of `retrain` to what it is where no result of a cell tells it."""

_KEPT, _SHUFFLED, _SAME = ("reinit", "kept"), ("reinit", "shuffled"), ("same_init", "kept")

METRICS_READ = (ZERO_SHOT, TRAINED)
OPTIONS_READ: OptionsRead = {
    "method retrain": {
        _SOURCE: (),
        _START: ("reinit", "same_init"),
        _MASK: ("kept", "shuffled", "random"),
        _DRAW: (),
    }
}

H1A_RULE = (
    f"zero-shot accuracy of reinit on the kept mask, batch norm recalibrated, > chance + "
    f"{DEVIATIONS_ZERO_SHOT} sd of {DRAWS} shuffled-mask draws, for at least one method; means "
    f"over the seeds, sd within each seed"
)
H1B_RULE = (
    f"structure_gain (test accuracy of reinit on the kept mask minus on the shuffled one) > "
    f"{DEVIATIONS_TRAINED} sd over at least {SEEDS} seeds, at every place measured"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where one method's structure is judged: everything but start, mask, draw and seed is fixed.

    Attributes:
        about: What tells the place from the others; the source comes first.
        source: The method whose structure it is.
        arms: Start and mask, as texts, to the cells of all draws and seeds.
    """

    about: Mapping[str, str]
    source: str
    arms: Mapping[tuple[str, str], Sequence[Answer]]

    def arm(self, name: tuple[str, str]) -> Sequence[Answer]:
        """The cells of one start and mask."""
        return self.arms.get(name, ())


def places(material: Material) -> list[Place]:
    """The places of all `retrain` cells, in the order of their first cells.

    A random mask is no method's structure: its cells are at no place.
    """
    retrained = [answer for answer in material.cells if answer.fields["method"] == "retrain"]
    cells = [cell for cell in retrained if cell.fields.get(_MASK) != "random"]
    groups = grouped(cells, _ARM)
    about = abouts(list(groups), always=(_SOURCE, "density", "dataset"))
    return [_place(about[key], members) for key, members in groups.items()]


def judge_zero_shot(material: Material, found: Sequence[Place]) -> Verdict:
    """H1a: accuracy without any training."""
    claim = "accuracy can be derived from the structure alone, without training"
    if not found:
        return unjudged("H1a", claim, H1A_RULE, _NEEDED)
    evidence = tuple(_zero_shot(material, place) for place in found)
    flag = count_holds(item.holds for item in evidence)
    return Verdict(
        id="H1a",
        claim=claim,
        rule=H1A_RULE,
        outcome=outcome_of(flag),
        statistic="zero-shot accuracy",
        unit="percent",
        evidence=evidence,
    )


def judge_retrained(found: Sequence[Place]) -> list[Verdict]:
    """H1b, per method: accuracy after training on the structure with fresh weights."""
    if not found:
        claim = "accuracy can be derived from the structure alone, with training"
        return [unjudged("H1b", claim, H1B_RULE, _NEEDED)]
    by_source: dict[str, list[Place]] = {}
    for place in found:
        by_source.setdefault(place.source, []).append(place)
    return [_retrained(source, own) for source, own in by_source.items()]


def gains(found: Sequence[Place]) -> Sheet:
    """structure_gain and weight_gain at every place."""
    fields = list(dict.fromkeys(field for place in found for field in place.about))
    rows = []
    for place in found:
        both = (structure_gain(place), weight_gain(place))
        numbers = [number for gain in both for number in (gain.mean, gain.std, len(gain.values))]
        rows.append((*(place.about.get(field, "") for field in fields), *numbers))
    measured = ("structure_gain", "sd", "n", "weight_gain", "sd of weight_gain", "n of weight_gain")
    return Sheet(
        id="gains",
        title="Gains in test accuracy: of the kept mask over the shuffled one, both reinit "
        "(structure), and of same_init over reinit on the kept mask (weights)",
        columns=(*fields, *measured),
        rows=tuple(rows),
        units=dict.fromkeys((measured[0], measured[1], measured[3], measured[4]), "percent"),
    )


def structure_gain(place: Place) -> SeedDifferences:
    """What the kept mask has over the shuffled one, both with fresh weights."""
    return _gain(place, _KEPT, _SHUFFLED)


def weight_gain(place: Place) -> SeedDifferences:
    """What the method's own initial weights have over fresh ones, both on the kept mask."""
    return _gain(place, _SAME, _KEPT)


def _place(about: Mapping[str, str], members: Sequence[Answer]) -> Place:
    arms: dict[tuple[str, str], list[Answer]] = {}
    for answer in members:
        start, mask = (text_of(answer.fields.get(path, own)) for path, own in DEFAULTS.items())
        arms.setdefault((start, mask), []).append(answer)
    return Place(about=about, source=about.get("source", "null"), arms=arms)


def _zero_shot(material: Material, place: Place) -> Evidence:
    kept = sample(place.arm(_KEPT), ZERO_SHOT)
    shuffled = sample(place.arm(_SHUFFLED), ZERO_SHOT)
    chance = material.chance([*place.arm(_KEPT), *place.arm(_SHUFFLED)])
    drawn = {seed: values for seed, values in shuffled.by_seed.items() if len(values) >= DRAWS}
    seeds = sorted(kept.by_seed.keys() & drawn.keys())
    value = fmean(kept.means[seed] for seed in seeds) if seeds else None
    own_draws = [drawn[seed] for seed in seeds]
    threshold = None
    if seeds and chance is not None:
        pooled_std = fmean(_std(own) ** 2 for own in own_draws) ** 0.5
        threshold = chance + DEVIATIONS_ZERO_SHOT * pooled_std
    missing = [
        told(joined(kept.gaps, shuffled.gaps)),
        "" if place.arm(_KEPT) else "no reinit cells on the kept mask",
        _too_few_draws(kept.by_seed, shuffled.by_seed),
        "" if chance is not None or not seeds else "the number of classes",
    ]
    found = compared(place.about, value, ">", threshold, n=len(seeds), missing=_joined(missing))
    if not found.holds:
        return found
    return replace(found, remark=_doubts([kept.means[seed] for seed in seeds], own_draws))


def _doubts(kept: Sequence[float], draws: Sequence[Sequence[float]]) -> str:
    """Why accuracy above the threshold may not come from the structure, in words."""
    shuffled = fmean(map(fmean, draws))
    as_good = round(shuffled - fmean(kept), DECIMALS) >= 0
    alike = not any(round(_std(own), DECIMALS) for own in draws)
    return _joined(
        [
            f"shuffled masks reach as much: {100 * shuffled:.2f} %" if as_good else "",
            "the shuffled-mask draws do not differ" if alike else "",
        ]
    )


def _std(values: Sequence[float]) -> float:
    std = summarise(values, confidence=None).std
    assert std is not None  # there are `DRAWS` of them at least
    return std


def _too_few_draws(
    kept: Mapping[int, Sequence[float]], shuffled: Mapping[int, Sequence[float]]
) -> str:
    fewest = min((len(shuffled.get(seed, ())) for seed in kept), default=0)
    return "" if fewest >= DRAWS else f"{fewest} of {DRAWS} shuffled-mask draws"


def _retrained(source: str, own: Sequence[Place]) -> Verdict:
    evidence = []
    for place in own:
        gain = structure_gain(place)
        n = len(gain.values)
        missing = _joined([gain.missing, "" if n >= SEEDS else f"{n} of {SEEDS} seeds"])
        threshold = None if gain.std is None else DEVIATIONS_TRAINED * gain.std
        evidence.append(compared(place.about, gain.mean, ">", threshold, n=n, missing=missing))
    return Verdict(
        id=f"H1b {source}",
        claim=f"accuracy can be derived from the structure of {source} alone, with training",
        rule=H1B_RULE,
        outcome=outcome_of(all_hold(item.holds for item in evidence)),
        statistic="structure_gain",
        unit="percent",
        evidence=tuple(evidence),
    )


def _joined(parts: Sequence[str]) -> str:
    return "; ".join(part for part in parts if part)


def _gain(place: Place, first: tuple[str, str], second: tuple[str, str]) -> SeedDifferences:
    one, two = sample(place.arm(first), TRAINED), sample(place.arm(second), TRAINED)
    absent = [f"no {' '.join(arm)} cells" for arm in (first, second) if not place.arm(arm)]
    return seed_differences(one, two, absent)
