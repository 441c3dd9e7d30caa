"""R4 and R5: what weight decay through adam's gradient breaks, and what swish changes."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from orchestrator.answers.results import Answer, text_of
from orchestrator.verdicts.capacity_pairs import (
    ACCURACY,
    ACTIVATION,
    INIT,
    METHOD,
    OPTIMIZER,
    ROLE,
    ROLES,
    WEIGHT_DECAY,
    WIDTH,
    half,
    labels_of,
    width_of,
)
from orchestrator.verdicts.cells import (
    Key,
    OptionsRead,
    abouts,
    grouped,
    key_of,
    sample,
    told,
    value_of,
)
from orchestrator.verdicts.logic import all_hold, compared, count_holds, outcome_of, unjudged
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.pairs import Pair, differences, paired
from orchestrator.verdicts.verdict import Evidence, Relation, Verdict

FAILS, LEARNS = 0.1, 0.15
_RATE = "recipe.lr"
_PLACES = 2  # widths at least, for "every width" to say something
_SWISH_UNDER = ("sgd", "adagrad", "adam")

_DECAYS: tuple[tuple[str, Callable[[Sequence[float]], float], Relation, float], ...] = (
    ("adam", max, "<", FAILS),
    ("adamw", min, ">", LEARNS),
)
"""Optimizer of R4 to which of its accuracies is the worst for the claim, and how it must stand."""


METRICS_READ = (ACCURACY,)
OPTIONS_READ: OptionsRead = {
    f"method {METHOD}": {ROLE: ROLES, WIDTH: (), INIT: ("matched",)},
    "model mlp": {ACTIVATION: ("relu", "swish")},
    "dataset cifar100": {},
    "recipe": {OPTIMIZER[0]: ("adam", "adamw", *_SWISH_UNDER), _RATE: (), WEIGHT_DECAY: ()},
}


def judge_decay(material: Material) -> Verdict:
    """R4: decay through adam's gradient breaks what decay apart from it leaves whole."""
    claim = "adam with L2 fails where adamw with the same coefficient learns (L2_BN, WD_BN)"
    rule = (
        f"on cifar100 there is a learning rate at which every adam L2_BN stays below "
        f"{FAILS:.0%} test accuracy and every adamw WD_BN above {LEARNS:.0%}, at every width, S "
        f"and D"
    )
    cells = [
        answer
        for answer in _matched(material)
        if half(answer) is not None
        and answer.fields["dataset"] == "cifar100"
        and labels_of(answer) in (("adam", "L2_BN", "relu"), ("adamw", "WD_BN", "relu"))
    ]
    widths = sorted({width_of(answer) for answer in cells})
    groups = grouped(cells, (*OPTIMIZER, ROLE, WIDTH, "seed"))
    about = abouts(list(groups), always=(_RATE, WEIGHT_DECAY))
    evidence = {key: _both_decays(about[key], own, widths) for key, own in groups.items()}
    if not evidence:
        return unjudged("R4", claim, rule, "cells of adam with L2_BN and adamw with WD_BN")
    flags = [all_hold(item.holds for item in own) for own in evidence.values()]
    return Verdict(
        id="R4",
        claim=claim,
        rule=rule,
        outcome=outcome_of(count_holds(flags)),
        statistic="worst test accuracy",
        unit="percent",
        evidence=tuple(item for own in evidence.values() for item in own),
    )


def _matched(material: Material) -> list[Answer]:
    cells = material.cells
    return [each for each in cells if text_of(each.fields.get(INIT, "matched")) == "matched"]


def _both_decays(
    about: Mapping[str, str], cells: Sequence[Answer], widths: Sequence[float]
) -> list[Evidence]:
    """The worst single accuracy of each optimizer, S and D, at all these widths."""
    found = []
    for name, worst, relation, threshold in _DECAYS:
        own = [answer for answer in cells if answer.fields[OPTIMIZER[0]] == name]
        values = [value for each in own if (value := value_of(each, ACCURACY)) is not None]
        texts = (told(sample(own, ACCURACY).gaps), _unseen(name, own, widths))
        missing = "; ".join(text for text in texts if text)
        of, value = {**about, "optimizer": name}, worst(values) if values else None
        found.append(compared(of, value, relation, threshold, n=len(own), missing=missing))
    return found


def _unseen(name: str, cells: Sequence[Answer], widths: Sequence[float]) -> str:
    """At which widths the sparse or the dense half is not asked for, in words."""
    if not cells:
        return f"cells of {name}"
    asked = {(half(answer), width_of(answer)) for answer in cells}
    unseen = [
        f"{role} {text_of(width)}"
        for at, role in enumerate(ROLES)
        for width in widths
        if (at, width) not in asked
    ]
    if unseen:
        return f"cells of {name}: {', '.join(unseen)}"
    return "" if len(widths) >= _PLACES else f"{len(widths)} of {_PLACES} widths at least"


def judge_swish(material: Material) -> Verdict:
    """R5: swish is at least as good as relu for sparse networks."""
    claim = "sparse networks are with swish at least as accurate as with relu"
    rule = "mean over widths and seeds of swish minus relu >= 0 under sgd, adagrad and adam"
    groups: dict[Key, list[Pair]] = {}
    for pair in paired(_matched(material), _swish_half, (ACTIVATION,)):
        groups.setdefault(key_of(pair.either, (ACTIVATION, WIDTH, "seed")), []).append(pair)
    asked = {key: own for key, own in groups.items() if any(pair.first for pair in own)}
    if not asked:
        return unjudged("R5", claim, rule, "sparse cells with model.activation swish")
    about = abouts(list(asked), always=(OPTIMIZER[0],))
    evidence = tuple(_mean_difference(about[key], own) for key, own in asked.items())
    seen = {own["optimizer"] for own in about.values()}
    unseen = [name for name in _SWISH_UNDER if name not in seen]
    missing = (f"sparse cells with swish under {', '.join(unseen)}",) if unseen else ()
    return Verdict(
        id="R5",
        claim=claim,
        rule=rule,
        outcome=outcome_of(all_hold(item.holds for item in evidence), missing),
        statistic="swish minus relu",
        unit="percent",
        evidence=evidence,
        missing=missing,
    )


def _swish_half(answer: Answer) -> int | None:
    optimizer, _, activation = labels_of(answer)
    if half(answer) != 0 or optimizer not in _SWISH_UNDER:
        return None
    return {"swish": 0, "relu": 1}.get(activation)


def _mean_difference(about: Mapping[str, str], pairs: Sequence[Pair]) -> Evidence:
    found = differences(pairs, ACCURACY)
    value, missing = fmean(found.values) if found.values else None, told(found.gaps, "pair")
    return compared(about, value, ">=", 0.0, n=len(found.values), missing=missing)
