"""R6: collapsed networks have no gradient flow to speak of."""

from collections.abc import Mapping, Sequence
from statistics import median

from orchestrator.answers.results import Answer, text_of
from orchestrator.verdicts.cells import Key, OptionsRead, abouts, sample, told, value_of
from orchestrator.verdicts.logic import all_hold, compared, outcome_of, unjudged
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.verdict import Evidence, Verdict

ACCURACY, FLOW = "test_accuracy", "egf2"
CHANCES, SHARE = 1.5, 0.05
_SIZE, _RATE = "model.hidden", "recipe.lr"

METRICS_READ = (ACCURACY, FLOW)
OPTIONS_READ: OptionsRead = {"model mlp": {_SIZE: ()}, "recipe": {_RATE: ()}}

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
    flows = sample(material.cells, FLOW)
    if not flows.by_seed:
        return unjudged("R6", CLAIM, RULE, "cells with the probe gradient_flow")
    evidence = tuple(
        item for key, own in slabs.items() if (item := _collapsed(material, about[key], own))
    )
    waited = {kind: n for kind, n in flows.gaps.items() if kind != f"without {FLOW}"}
    missing = [text for text in (told(waited), "" if evidence else "a collapsed cell") if text]
    flag = all_hold(item.holds for item in evidence)
    return Verdict(
        id="R6",
        claim=CLAIM,
        rule=RULE,
        outcome=outcome_of(None if flag and missing else flag),
        statistic="largest EGF_2 of a collapsed cell",
        evidence=evidence,
        missing=tuple(missing),
    )


def _slab_of(answer: Answer) -> Key:
    kept = ("dataset", "model", _SIZE, _RATE)
    return tuple(
        (path, text_of(value))
        for path, value in sorted(answer.fields.items())
        if path in kept or path.startswith("dataset.")
    )


def _collapsed(
    material: Material, about: Mapping[str, str], own: Sequence[Answer]
) -> Evidence | None:
    """The most flow that a collapsed cell of a slab has; None when nothing collapsed in it."""
    measured = [answer for answer in own if value_of(answer, FLOW) is not None]
    chance = material.chance(measured)
    if chance is None:
        unknown = "the number of classes"
        return compared(about, None, "<", None, n=0, missing=unknown) if measured else None
    collapsed = [each for each in measured if (value_of(each, ACCURACY) or 0) < CHANCES * chance]
    if not collapsed:
        return None
    flows = [value_of(answer, FLOW) or 0.0 for answer in collapsed]
    threshold = SHARE * median(value_of(answer, FLOW) or 0.0 for answer in measured)
    return compared(about, max(flows), "<", threshold, n=len(collapsed))
