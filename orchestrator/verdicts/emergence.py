"""H3 and H4: how early RigL's structure is there, and whether it needs dense gradients later.

The efficient variants are told by their options: E1 stops its updates after the first epoch
(`method.update_stop`), the others go on without dense gradients from then on (`method.dense_until`,
with the rule `method.growth`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.answers.results import Answer, text_of
from orchestrator.verdicts.cells import (
    Key,
    OptionsRead,
    abouts,
    by_method,
    grouped,
    joined,
    sample,
    seed_differences,
    told,
)
from orchestrator.verdicts.logic import all_hold, compared, count_holds, outcome_of
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.verdict import Evidence, Flag, Sheet, Verdict

EARLY, INITIAL = "kappa_epoch1_final", "kappa_init_final"
ACCURACY = "test_accuracy"
MOSTLY, AS_HIGH = 0.5, 0.05
WITHIN, PLACES = 0.003, 2
FULL = "RigL"

GROWTHS: Mapping[str, str] = {
    "candidates": "E2",
    "gradient_then_random": "E3",
    "stale_gradient": "E5",
}
"""Growth rule of an efficient variant to its name."""

CONTROL = "E3"

H3_RULE = (
    f"kappa(mask after epoch 1, final mask), micro-averaged, >= {MOSTLY} at every place; vacuous "
    f"where kappa(initial mask, final mask) is as high, to {AS_HIGH}"
)
H4_RULE = (
    f"one variant (E1, E2, E3 or E5, dense gradients in the first epoch only) is within "
    f"{100 * WITHIN:g} pp of full RigL in test accuracy on at least {PLACES} pairs of model and "
    f"data set; about structure only where E1, E2 or E5 is, and beats E3, random growth later"
)

_STOP, _DENSE, _GROWTH = "method.update_stop", "method.dense_until", "method.growth"
_FACTOR, _ANNEAL = "method.candidate_factor", "method.anneal_stop"
_EPOCHS = "recipe.epochs"

METRICS_READ = (EARLY, INITIAL, ACCURACY)
OPTIONS_READ: OptionsRead = {
    "method rigl": {
        _STOP: (),
        _DENSE: (),
        _GROWTH: ("gradient", *GROWTHS),
        _FACTOR: (),
        _ANNEAL: (),
    },
    "recipe": {_EPOCHS: ()},
}

_PUBLISHED_STOP = 0.75
_VACUOUS, _INITIAL = "vacuous: ", "kappa(init, final)"
_EPOCH = 0.05  # how far from one epoch a variant's switch may be: fractions are rounded


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """Where RigL and its variants are compared: all fields but what tells them apart, and the seed.

    Attributes:
        about: What tells it from the others.
        place: Its model and data set.
        variants: Variant to its cells, `FULL` among them where there are any.
    """

    about: Mapping[str, str]
    place: tuple[Key, Key]
    variants: Mapping[str, Sequence[Answer]]


def settings(material: Material) -> list[Setting]:
    """The settings in which there are cells of RigL or its variants."""
    cells = [each for each in material.cells if each.fields["method"] == "rigl" and variant(each)]
    groups = grouped(cells, (_STOP, _ANNEAL, _DENSE, _GROWTH, _FACTOR, "seed"))
    about = abouts(list(groups), always=("density", "dataset", "model"))
    found = []
    for key, members in groups.items():
        variants: dict[str, list[Answer]] = {}
        for answer in members:
            variants.setdefault(str(variant(answer)), []).append(answer)
        place = (_part(key, "model"), _part(key, "dataset"))
        found.append(Setting(about=about[key], place=place, variants=variants))
    return found


def variant(answer: Answer) -> str | None:
    """Which variant of RigL a cell is: `FULL`, "E1", "E2 c=4", ...; None for all others.

    Those switch after another time than one epoch, or grow by other rules. Full RigL stops its
    updates where the publication does, after three quarters of the run.
    """
    growth = text_of(answer.fields.get(_GROWTH, "gradient"))
    if growth == "gradient":
        stop = float(answer.fields.get(_STOP, _PUBLISHED_STOP))
        if _is_first_epoch(answer, stop):
            return "E1"
        return FULL if stop == _PUBLISHED_STOP else None
    dense = float(answer.fields.get(_DENSE) or 0)
    if growth not in GROWTHS or not _is_first_epoch(answer, dense):
        return None
    factor = answer.fields.get(_FACTOR)
    return f"E2 c={factor}" if growth == "candidates" and factor else GROWTHS[growth]


def judge_emergence(found: Sequence[Setting]) -> Verdict:
    """H3: RigL's structure is mostly determined after one epoch."""
    full = [setting for setting in found if FULL in setting.variants]
    evidence = tuple(_kappa(setting) for setting in full)
    vacuous = sum(item.remark.startswith(_VACUOUS) for item in evidence)
    return Verdict(
        id="H3",
        claim="RigL's structure is mostly determined after one epoch",
        rule=H3_RULE,
        outcome=outcome_of(all_hold(item.holds for item in evidence)),
        statistic="kappa(epoch 1, final)",
        evidence=evidence,
        remark=f"vacuous at {vacuous} of {len(evidence)} places: the final mask agrees with the "
        f"initial one as much"
        if vacuous
        else "",
        missing=() if full else ("cells of method rigl, measured by the probe emergence",),
    )


def judge_gradients(found: Sequence[Setting]) -> Verdict:
    """H4: dense gradients are not needed throughout."""
    names = sorted({name for setting in found for name in setting.variants} - {FULL})
    flags = {name: _flag(found, name) for name in names}
    missing = [
        f"cells of {name}"
        for name in ("E1", *GROWTHS.values())
        if not any(own.startswith(name) for own in names)
    ]
    places = {setting.place for setting in found if FULL in setting.variants}
    few = len(places) < PLACES
    missing += [f"{len(places)} of {PLACES} pairs of model and data set"] if few else []
    holds = count_holds(flags.values())
    return Verdict(
        id="H4",
        claim="dense gradients are not needed throughout training",
        rule=H4_RULE,
        outcome=outcome_of(None if holds is False and missing else holds),
        statistic="test accuracy minus RigL's",
        unit="percent",
        evidence=tuple(
            _difference(setting, name)
            for setting in found
            for name in names
            if name in setting.variants
        ),
        remark=_about_structure(found, flags) if holds else "",
        missing=tuple(missing),
    )


def emergence(material: Material) -> list[Sheet]:
    """The kappas of every method of which they were measured."""
    cells = [
        answer
        for answer in material.cells
        if EARLY in (answer.metrics or {}) and answer.fields["method"] != "retrain"
    ]
    if not cells:
        return []
    groups = by_method(cells)
    about = abouts([key for key, _ in groups], always=("density", "dataset", "model"))
    fields = list(dict.fromkeys(field for own in about.values() for field in own))
    rows = []
    for (key, name), members in groups.items():
        early, initial = (sample(members, metric) for metric in (EARLY, INITIAL))
        numbers = (early.mean, initial.mean, len(early.by_seed))
        rows.append((*(about[key].get(field, "") for field in fields), name, *numbers))
    return [
        Sheet(
            id="kappa",
            title="Agreement of masks corrected for chance (kappa), mean over the seeds",
            columns=(*fields, "method", "epoch 1, final", "initial, final", "n"),
            rows=tuple(rows),
        )
    ]


def _is_first_epoch(answer: Answer, share: float) -> bool:
    """Whether a share of the run is its first epoch."""
    return abs(share * int(answer.fields[_EPOCHS]) - 1) <= _EPOCH


def _part(key: Key, component: str) -> Key:
    return tuple(pair for pair in key if pair[0].partition(".")[0] == component)


def _kappa(setting: Setting) -> Evidence:
    early, initial = (sample(setting.variants[FULL], metric) for metric in (EARLY, INITIAL))
    missing, n = told(joined(early.gaps, initial.gaps)), len(early.by_seed)
    found = compared(setting.about, early.mean, ">=", MOSTLY, n=n, missing=missing)
    if initial.mean is None:
        return found
    reached = None if early.mean is None else early.mean - AS_HIGH
    as_high = compared(setting.about, initial.mean, ">=", reached, n=n).holds
    vacuous = _VACUOUS if found.holds and as_high else ""
    return replace(found, remark=f"{vacuous}{_INITIAL} {initial.mean:.3g}")


def _difference(setting: Setting, name: str) -> Evidence:
    own = sample(setting.variants.get(name, ()), ACCURACY)
    full = sample(setting.variants.get(FULL, ()), ACCURACY)
    absent = [] if FULL in setting.variants else ["no cells of full RigL"]
    found = seed_differences(own, full, absent)
    about, n = {**setting.about, "variant": name}, len(found.values)
    return compared(about, found.mean, ">=", -WITHIN, n=n, missing=found.missing)


def _flag(found: Sequence[Setting], name: str) -> Flag:
    """Whether a variant is within reach of RigL on enough pairs of model and data set."""
    return count_holds(_by_place(found, name).values(), PLACES)


def _by_place(found: Sequence[Setting], name: str) -> dict[tuple[Key, Key], Flag]:
    """Place to whether the variant is within reach of RigL in all its settings."""
    flags: dict[tuple[Key, Key], list[Flag]] = {}
    for setting in found:
        if name in setting.variants:
            flags.setdefault(setting.place, []).append(_difference(setting, name).holds)
    return {place: all_hold(own) for place, own in flags.items()}


def _about_structure(found: Sequence[Setting], flags: Mapping[str, Flag]) -> str:
    """Whether a variant that is within reach beats random growth on enough of its places."""
    if CONTROL not in flags:
        return f"whether it is about structure is open: no cells of {CONTROL}, random growth later"
    beaten = {name: _beats(found, name) for name in flags if name != CONTROL}
    for name, flag in beaten.items():
        if flag:
            return f"about structure: {name} beats {CONTROL}, random growth later"
    if None in beaten.values():
        return f"whether it is about structure is open: results of it or of {CONTROL} are missing"
    return f"not about structure: {CONTROL}, random growth later, is not beaten"


def _beats(found: Sequence[Setting], name: str) -> Flag:
    """Whether a variant is within reach of RigL and beats the control on enough places."""
    places: dict[tuple[Key, Key], list[Flag]] = {}
    for setting in found:
        if name in setting.variants:
            own, random = _difference(setting, name), _difference(setting, CONTROL)
            flag = compared({}, own.value, ">", random.value, n=0, missing=random.missing).holds
            places.setdefault(setting.place, []).extend((own.holds, flag))
    return count_holds([all_hold(flags) for flags in places.values()], PLACES)
