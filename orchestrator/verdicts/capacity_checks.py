"""R1 to R5, R7 and R8: what of the published comparison is to be found again, as inequalities.

R1 to R3, R7 and R8 are of networks with ReLU, R1 to R5 and R7 of initial weights that match.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from orchestrator.answers.results import Answer, text_of
from orchestrator.verdicts.capacity_pairs import (
    ACCURACY,
    ACTIVATION,
    BATCH_NORM,
    INIT,
    METHOD,
    OPTIMIZER,
    ROLE,
    WEIGHT_DECAY,
    WIDTH,
    Comparison,
    half,
    labels_of,
)
from orchestrator.verdicts.capacity_widths import widths_of
from orchestrator.verdicts.cells import (
    Key,
    OptionsRead,
    abouts,
    grouped,
    joined,
    key_of,
    sample,
    told,
)
from orchestrator.verdicts.collapse import judge_collapse
from orchestrator.verdicts.logic import all_hold, compared, count_holds, outcome_of, unjudged
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.pairs import Pair, differences, paired
from orchestrator.verdicts.verdict import Evidence, Outcome, Relation, Verdict

WINS, LOSES = 0.05, 0.95
FAILS, LEARNS = 0.1, 0.15
_RATE = "recipe.lr"
_USUAL = ": mlp or convnet, relu, init matched"

_DECAYS: tuple[tuple[str, Callable[[Sequence[float]], float], Relation, float], ...] = (
    ("adam", max, "<", FAILS),
    ("adamw", min, ">", LEARNS),
)
"""Optimizer of R4 to which of its accuracies is the worst for the claim, and how it must stand."""

METRICS_READ = (ACCURACY,)
OPTIONS_READ: OptionsRead = {
    f"method {METHOD}": {ROLE: (), WIDTH: (), INIT: ("matched", "unit_scaled")},
    "model mlp": {ACTIVATION: ("relu", "swish"), BATCH_NORM: ()},
    "model convnet": {BATCH_NORM: ()},
    "dataset cifar100": {},
    "recipe": {OPTIMIZER[0]: ("sgd", "adagrad", "adam", "adamw"), _RATE: (), WEIGHT_DECAY: ()},
}


def checks(material: Material, found: Sequence[Comparison]) -> list[Verdict]:
    """R1 to R8 by what cells there are; those without cells are undecided and say what to add."""
    usual = [each for each in found if _is_usual(each)]
    return [
        _tests("R1", "with batch norm, S beats D under adagrad, sgd and momentum", usual,
               lambda each: _plain_optimizer(each) and "BN" in each.variant.split("_"), "<", WINS),
        _tests("R2", "without batch norm, D beats S under adagrad, sgd and momentum", usual,
               lambda each: _plain_optimizer(each) and each.variant in ("NR", "DA", "L2"),
               ">", LOSES),
        _tests("R3", "without anything, S beats D under adam", usual,
               lambda each: each.optimizer == "adam" and each.variant == "NR", "<", WINS),
        _decay(material),
        _swish(material),
        judge_collapse(material),
        _widths(usual),
        _unit_scaled(found),
    ]  # fmt: skip


def _is_usual(comparison: Comparison) -> bool:
    """Whether it is of ReLU, matched weights, and a model that can be without batch norm."""
    halves = (half for pair in comparison.pairs for half in (pair.first, pair.second))
    switch = any(cell is not None and BATCH_NORM in cell.fields for cell in halves)
    return switch and comparison.activation == "relu" and comparison.init == "matched"


def _plain_optimizer(comparison: Comparison) -> bool:
    """Whether the optimizer keeps no running mean of squared gradients."""
    name = comparison.optimizer
    return name in ("sgd", "adagrad") or name.startswith("momentum")


def _tests(
    id: str,
    claim: str,
    usual: Sequence[Comparison],
    wanted: Callable[[Comparison], bool],
    relation: Relation,
    level: float,
) -> Verdict:
    """A check that p of S > D stands so to a level in all tests that it is about."""
    rule = f"p of S > D {relation} {level} in every such test, before adjustment"
    evidence = tuple(_p(each, relation, level) for each in usual if wanted(each))
    if not evidence:
        return unjudged(id, claim, rule, f"results of such cells{_USUAL}")
    return Verdict(
        id=id,
        claim=claim,
        rule=rule,
        outcome=outcome_of(all_hold(item.holds for item in evidence)),
        statistic="p of S > D",
        unit="p",
        evidence=evidence,
    )


def _about(comparison: Comparison) -> dict[str, str]:
    named = {"optimizer": comparison.optimizer, "variant": comparison.variant}
    return {**comparison.slab, **named}


def _p(comparison: Comparison, relation: Relation, level: float) -> Evidence:
    test, missing = comparison.differences.test, comparison.differences.missing
    n = test.n if test else 0
    return compared(_about(comparison), comparison.p, relation, level, n=n, missing=missing)


def _decay(material: Material) -> Verdict:
    """R4: decay through adam's gradient breaks what decay apart from it leaves whole."""
    claim = "adam with L2 fails where adamw with the same coefficient learns (L2_BN, WD_BN)"
    rule = (
        f"on cifar100 there is a learning rate at which every adam L2_BN stays below "
        f"{FAILS:.0%} test accuracy and every adamw WD_BN above {LEARNS:.0%}, at every width, S "
        f"and D"
    )
    cells = [
        answer
        for answer in material.cells
        if half(answer) is not None
        and answer.fields["dataset"] == "cifar100"
        and text_of(answer.fields.get(INIT, "matched")) == "matched"
        and labels_of(answer) in (("adam", "L2_BN", "relu"), ("adamw", "WD_BN", "relu"))
    ]
    groups = grouped(cells, (*OPTIMIZER, ROLE, WIDTH, "seed"))
    about = abouts(list(groups), always=(_RATE, WEIGHT_DECAY))
    evidence = {key: _both_decays(about[key], own) for key, own in groups.items()}
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


def _both_decays(about: Mapping[str, str], cells: Sequence[Answer]) -> list[Evidence]:
    found = []
    for name, worst, relation, threshold in _DECAYS:
        own = [answer for answer in cells if answer.fields[OPTIMIZER[0]] == name]
        halves = grouped(own, ("seed",))
        samples = [sample(members, ACCURACY) for members in halves.values()]
        gaps = told(joined(*(each.gaps for each in samples)))
        means = [each.mean for each in samples if each.mean is not None]
        value = worst(means) if means else None
        missing = gaps or ("" if own else f"cells of {name}")
        of = {**about, "optimizer": name}
        found.append(compared(of, value, relation, threshold, n=len(own), missing=missing))
    return found


def _swish(material: Material) -> Verdict:
    """R5: swish is at least as good as relu for sparse networks."""
    claim = "sparse networks are with swish at least as accurate as with relu"
    rule = "mean over widths and seeds of swish minus relu >= 0 under sgd, adagrad and adam"

    def side(answer: Answer) -> int | None:
        optimizer, _, activation = labels_of(answer)
        if half(answer) != 0 or optimizer not in ("sgd", "adagrad", "adam"):
            return None
        return {"swish": 0, "relu": 1}.get(activation)

    usual = [
        each for each in material.cells if text_of(each.fields.get(INIT, "matched")) == "matched"
    ]
    groups: dict[Key, list[Pair]] = {}
    for pair in paired(usual, side, (ACTIVATION,)):
        groups.setdefault(key_of(pair.either, (ACTIVATION, WIDTH, "seed")), []).append(pair)
    if not any(pair.first for own in groups.values() for pair in own):
        return unjudged("R5", claim, rule, "sparse cells with model.activation swish")
    about = abouts(list(groups), always=OPTIMIZER[:1])
    evidence = tuple(_mean_difference(about[key], own) for key, own in groups.items())
    return Verdict(
        id="R5",
        claim=claim,
        rule=rule,
        outcome=outcome_of(all_hold(item.holds for item in evidence)),
        statistic="swish minus relu",
        unit="percent",
        evidence=evidence,
    )


def _mean_difference(about: Mapping[str, str], pairs: Sequence[Pair]) -> Evidence:
    found = differences(pairs, ACCURACY)
    value, missing = fmean(found.values) if found.values else None, told(found.gaps, "pair")
    return compared(about, value, ">=", 0.0, n=len(found.values), missing=missing)


def _widths(usual: Sequence[Comparison]) -> Verdict:
    """R7: the smaller the width, the larger what S has over D."""
    claim = "with batch norm and augmentation, S gains more over D in the smallest width"
    rule = "mean of S - D at the smallest width > at the largest, DA_BN, under every optimizer"
    evidence = tuple(
        item for each in usual if each.variant == "DA_BN" and (item := _width_gap(each))
    )
    if not evidence:
        return unjudged("R7", claim, rule, f"results of DA_BN at two widths{_USUAL}")
    return Verdict(
        id="R7",
        claim=claim,
        rule=rule,
        outcome=outcome_of(all_hold(item.holds for item in evidence)),
        statistic="gap at the smallest minus at the largest width",
        unit="percent",
        evidence=evidence,
    )


def _width_gap(comparison: Comparison) -> Evidence | None:
    by_width = list(widths_of(comparison).values())
    if len(by_width) < 2:
        return None
    small, large = (differences(by_width[at], ACCURACY) for at in (0, -1))
    value = fmean(small.values) - fmean(large.values) if small.values and large.values else None
    missing = "; ".join(text for one in (small, large) if (text := told(one.gaps, "pair")))
    n = min(len(small.values), len(large.values))
    return compared(_about(comparison), value, ">", 0.0, n=n, missing=missing)


def _unit_scaled(found: Sequence[Comparison]) -> Verdict:
    """R8: what unit-scaled initial weights make of R2's p; reported, never asserted."""
    claim = "with unit-scaled initial weights, R2's p drops markedly"
    rule = "reported, not asserted: no size was fixed beforehand"
    chosen = [
        each
        for each in found
        if _plain_optimizer(each)
        and each.activation == "relu"
        and each.init == "unit_scaled"
        and each.variant in ("NR", "DA", "L2")
    ]
    if not chosen:
        return unjudged("R8", claim, rule, "cells with init unit_scaled of NR, DA or L2")
    evidence = tuple(_against_matched(each, found) for each in chosen)
    return Verdict(
        id="R8",
        claim=claim,
        rule=rule,
        outcome=Outcome.UNDECIDED,
        statistic="p of S > D, unit-scaled",
        unit="p",
        evidence=evidence,
        remark="the needed column holds p with init matched",
    )


def _against_matched(comparison: Comparison, found: Sequence[Comparison]) -> Evidence:
    partners = [
        each.p
        for each in found
        if each.init == "matched"
        and _about_without_init(each) == _about_without_init(comparison)
        and each.activation == comparison.activation
    ]
    test = comparison.differences.test
    return Evidence(
        about=_about(comparison),
        value=comparison.p,
        threshold=partners[0] if partners else None,
        relation="<",
        n=test.n if test else 0,
        holds=None,
        missing=comparison.differences.missing,
    )


def _about_without_init(comparison: Comparison) -> dict[str, str]:
    return {name: value for name, value in _about(comparison).items() if name != "init"}
