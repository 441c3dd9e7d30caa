"""R1 to R5, R7 and R8: what of the published comparison is to be found again, as inequalities.

R1 to R3, R7 and R8 are of networks with ReLU, R1 to R5 and R7 of initial weights that match.
"""

from collections.abc import Iterable, Sequence
from statistics import fmean

from orchestrator.verdicts.capacity_pairs import (
    ACCURACY,
    BATCH_NORM,
    INIT,
    METHOD,
    OPTIMIZER,
    Comparison,
)
from orchestrator.verdicts.capacity_recipes import judge_decay, judge_swish
from orchestrator.verdicts.capacity_widths import widths_of
from orchestrator.verdicts.cells import SEED, OptionsRead, told
from orchestrator.verdicts.collapse import judge_collapse
from orchestrator.verdicts.logic import all_hold, compared, outcome_of, unjudged
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.pairs import differences
from orchestrator.verdicts.verdict import Evidence, Outcome, Relation, Verdict

WINS, LOSES = 0.05, 0.95
_USUAL = ": mlp or convnet, relu, init matched"

_PLAIN = ("adagrad", "sgd", "momentum")
"""Optimizers that keep no running mean of squared gradients."""

_OTHERS = ("rmsprop", "adam")
_BARE = ("NR", "DA", "L2")

METRICS_READ = (ACCURACY,)
OPTIONS_READ: OptionsRead = {
    f"method {METHOD}": {INIT: ("matched", "unit_scaled")},
    "model mlp": {BATCH_NORM: ()},
    "model convnet": {BATCH_NORM: ()},
    "recipe": {OPTIMIZER[0]: ("sgd", "adagrad", "rmsprop", "adam")},
}


def checks(material: Material, found: Sequence[Comparison]) -> list[Verdict]:
    """R1 to R8 by what cells there are; those without cells are undecided and say what to add."""
    usual = [each for each in found if _is_usual(each)]
    plain = [each for each in usual if _family(each) in _PLAIN]
    normalised = [each for each in plain if "BN" in each.variant.split("_")]
    return [
        _tests("R1", "with batch norm, S beats D under adagrad, sgd and momentum",
               normalised, "<", WINS, _PLAIN),
        _tests("R2", "without batch norm, D beats S under adagrad, sgd and momentum",
               [each for each in plain if each.variant in _BARE], ">", LOSES,
               [f"{optimizer} {variant}" for optimizer in _PLAIN for variant in _BARE]),
        _tests("R3", "without anything, S beats D under adam",
               [each for each in usual if (each.optimizer, each.variant) == ("adam", "NR")],
               "<", WINS, ["adam NR"]),
        judge_decay(material),
        judge_swish(material),
        judge_collapse(material),
        _widths(usual),
        _unit_scaled(found),
    ]  # fmt: skip


def _is_usual(comparison: Comparison) -> bool:
    """Whether it is of ReLU, matched weights, and a model that can be without batch norm."""
    halves = (half for pair in comparison.pairs for half in (pair.first, pair.second))
    switch = any(cell is not None and BATCH_NORM in cell.fields for cell in halves)
    return switch and comparison.activation == "relu" and comparison.init == "matched"


def _family(comparison: Comparison) -> str:
    """The optimizer without its momentum."""
    return comparison.optimizer.partition(" ")[0]


def _unseen(found: Iterable[Comparison], named: Sequence[str]) -> tuple[str, ...]:
    """What a claim names, as optimizers or optimizers and variants, but no test is of."""
    tests = [f"{_family(each)} {each.variant} " for each in found]
    unseen = [name for name in named if not any(test.startswith(f"{name} ") for test in tests)]
    return (f"tests of {', '.join(unseen)}",) if unseen else ()


def _tests(
    id: str,
    claim: str,
    chosen: Sequence[Comparison],
    relation: Relation,
    level: float,
    named: Sequence[str],
) -> Verdict:
    """A check that p of S > D stands so to a level in all tests chosen, all that it names there."""
    rule = f"p of S > D {relation} {level} in every such test, before adjustment"
    if not chosen:
        return unjudged(id, claim, rule, f"results of such cells{_USUAL}")
    evidence = tuple(_p(each, relation, level) for each in chosen)
    missing = _unseen(chosen, named)
    return Verdict(
        id=id,
        claim=claim,
        rule=rule,
        outcome=outcome_of(all_hold(item.holds for item in evidence), missing),
        statistic="p of S > D",
        unit="p",
        evidence=evidence,
        missing=missing,
    )


def _about(comparison: Comparison) -> dict[str, str]:
    named = {"optimizer": comparison.optimizer, "variant": comparison.told_variant}
    return {**comparison.slab, **named}


def _p(comparison: Comparison, relation: Relation, level: float) -> Evidence:
    test, missing = comparison.differences.test, comparison.differences.missing
    n = test.n if test else 0
    return compared(_about(comparison), comparison.p, relation, level, n=n, missing=missing)


def _widths(usual: Sequence[Comparison]) -> Verdict:
    """R7: the smaller the width, the larger what S has over D."""
    claim = "with batch norm and augmentation, S gains more over D in the smallest width"
    rule = "mean of S - D at the smallest width > at the largest, DA_BN, under every optimizer"
    chosen = [each for each in usual if each.variant == "DA_BN" and len(widths_of(each)) > 1]
    if not chosen:
        return unjudged("R7", claim, rule, f"results of DA_BN at two widths{_USUAL}")
    evidence = tuple(_width_gap(each) for each in chosen)
    missing = _unseen(chosen, (*_PLAIN, *_OTHERS))
    return Verdict(
        id="R7",
        claim=claim,
        rule=rule,
        outcome=outcome_of(all_hold(item.holds for item in evidence), missing),
        statistic="gap at the smallest minus at the largest width",
        unit="percent",
        evidence=evidence,
        missing=missing,
    )


def _width_gap(comparison: Comparison) -> Evidence:
    """Over the seeds that both widths have."""
    by_width = list(widths_of(comparison).values())
    both = [{pair.either.fields[SEED]: pair for pair in by_width[at]} for at in (0, -1)]
    common = both[0].keys() & both[1].keys()
    small, large = (
        differences([pair for seed, pair in own.items() if seed in common], ACCURACY)
        for own in both
    )
    value = fmean(small.values) - fmean(large.values) if small.values and large.values else None
    alone = {"at one of the two widths only": len(both[0].keys() ^ both[1].keys())}
    texts = (told(small.gaps, "pair"), told(large.gaps, "pair"), told(alone, "seed"))
    missing = "; ".join(text for text in texts if text)
    n = min(len(small.values), len(large.values))
    return compared(_about(comparison), value, ">", 0.0, n=n, missing=missing)


def _unit_scaled(found: Sequence[Comparison]) -> Verdict:
    """R8: what unit-scaled initial weights make of R2's p; reported, never asserted."""
    claim = "with unit-scaled initial weights, R2's p drops markedly"
    rule = "reported, not asserted: no size was fixed beforehand"
    chosen = [
        each
        for each in found
        if _family(each) in _PLAIN
        and each.activation == "relu"
        and each.init == "unit_scaled"
        and each.variant in _BARE
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
