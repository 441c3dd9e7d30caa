"""R6: collapsed networks have no gradient flow to speak of."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from orchestrator.answers.results import Answer, text_of
from orchestrator.statistics.rank_tests import DECIMALS
from orchestrator.verdicts.cells import Key, OptionsRead, abouts, joined, sample, told, value_of
from orchestrator.verdicts.logic import all_hold, compared, outcome_of, unjudged
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.verdict import Evidence, Verdict

ACCURACY, FLOW = "test_accuracy", "egf2"
CHANCES, SHARE = 1.5, 0.05
_SIZES, _RATE = ("dataset", "model"), "recipe.lr"
_SIZELESS = (
    "model.activation", "model.alpha", "model.batch_norm", "model.bias", "model.skip",
)  # fmt: skip

METRICS_READ = (ACCURACY, FLOW)
OPTIONS_READ: OptionsRead = {"model mlp": dict.fromkeys(_SIZELESS, ()), "recipe": {_RATE: ()}}

CLAIM = "collapsed networks have next to no gradient flow"
RULE = (
    f"every cell with test accuracy < {CHANCES} x chance has a mean EGF_2 < {SHARE} x the median "
    f"of its slab: equal data set, model size and learning rate"
)


def judge_collapse(material: Material) -> Verdict:
    """R6, over all cells of which gradient flow was measured."""
    slabs: dict[Key, list[Answer]] = {}
    for answer in material.cells:
        slabs.setdefault(_slab_of(answer), []).append(answer)
    about = abouts(list(slabs), always=("dataset",))
    if not sample(material.cells, FLOW).by_seed:
        return unjudged("R6", CLAIM, RULE, "cells with the probe gradient_flow")
    found = {key: _collapsed(material, about[key], own) for key, own in slabs.items()}
    evidence = tuple(item for item in found.values() if item)
    elsewhere = told(joined(*(_waited(slabs[key]) for key, item in found.items() if not item)))
    missing = [text for text in (elsewhere, "" if evidence else "a collapsed cell") if text]
    flag = all_hold(item.holds for item in evidence)
    return Verdict(
        id="R6",
        claim=CLAIM,
        rule=RULE,
        outcome=outcome_of(flag, missing),
        statistic="largest EGF_2 of a collapsed cell",
        evidence=evidence,
        missing=tuple(missing),
    )


def _slab_of(answer: Answer) -> Key:
    """Data set, model and learning rate; options that leave every width and depth are left out."""
    return tuple(
        (path, text_of(value))
        for path, value in sorted(answer.fields.items())
        if path == _RATE or (path.partition(".")[0] in _SIZES and path not in _SIZELESS)
    )


def _waited(own: Sequence[Answer]) -> dict[str, int]:
    """Why cells of a slab have no flow, but for those of which nobody asks for it."""
    gaps = sample(own, FLOW).gaps
    return {kind: count for kind, count in gaps.items() if kind != f"without {FLOW}"}


def _collapsed(
    material: Material, about: Mapping[str, str], own: Sequence[Answer]
) -> Evidence | None:
    """The most flow that a collapsed cell of a slab has; None when nothing collapsed in it.

    No flow at all is below every share. While the slab waits for cells its median may still move.
    """
    measured = [answer for answer in own if value_of(answer, FLOW) is not None]
    chance = material.chance(measured)
    if chance is None:
        unknown = "the number of classes"
        return compared(about, None, "<", None, n=0, missing=unknown) if measured else None
    highest = round(CHANCES * chance, DECIMALS)
    collapsed = [
        each for each in measured if round(value_of(each, ACCURACY) or 0.0, DECIMALS) < highest
    ]
    if not collapsed:
        return None
    flows = [value_of(answer, FLOW) or 0.0 for answer in collapsed]
    threshold = SHARE * median(value_of(answer, FLOW) or 0.0 for answer in measured)
    alone = "" if len(collapsed) < len(measured) else "a cell that did not collapse"
    missing = "; ".join(text for text in (told(_waited(own)), alone) if text)
    found = compared(about, max(flows), "<", threshold, n=len(collapsed), missing=missing)
    return found if missing or round(max(flows), DECIMALS) else replace(found, holds=True)
