"""Reasoning with what is not known yet: a verdict is undecided until nothing could change it."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence

from orchestrator.statistics.rank_tests import DECIMALS
from orchestrator.verdicts.verdict import Evidence, Flag, Outcome, Relation, Verdict

_STANDS: Mapping[Relation, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def compared(
    about: Mapping[str, str],
    value: float | None,
    relation: Relation,
    threshold: float | None,
    *,
    n: int,
    missing: str = "",
    remark: str = "",
) -> Evidence:
    """The comparison of a value with a threshold; open while either is unknown or some is missing.

    The arguments are the attributes of `Evidence`. Both are rounded to 12 decimals for it.
    """
    holds: Flag = None
    if value is not None and threshold is not None and not missing:
        holds = _STANDS[relation](round(value, DECIMALS), round(threshold, DECIMALS))
    return Evidence(
        about=about,
        value=value,
        threshold=threshold,
        relation=relation,
        n=n,
        holds=holds,
        missing=missing,
        remark=remark,
    )


def all_hold(flags: Iterable[Flag]) -> Flag:
    """Whether all hold: False once one does not, None while one is unknown or there are none."""
    given = list(flags)
    if False in given:
        return False
    return None if None in given or not given else True


def count_holds(flags: Iterable[Flag], least: int = 1) -> Flag:
    """Whether at least so many hold; None while the unknown ones could still tip it.

    Fewer than `least` of them cannot tell either: there is too little to judge by.
    """
    given = list(flags)
    if given.count(True) >= least:
        return True
    possible = len(given) - given.count(False)
    return None if possible >= least or len(given) < least else False


def most_hold(flags: Iterable[Flag]) -> Flag:
    """Whether more than half of them hold; None while the unknown ones could still tip it."""
    given = list(flags)
    return count_holds(given, len(given) // 2 + 1) if given else None


def outcome_of(flag: Flag, missing: Sequence[str] = ()) -> Outcome:
    """The outcome of a rule that holds, does not, or cannot be told.

    One that holds supports its claim only where nothing is missing of what the claim names.
    """
    if flag is None or (flag and missing):
        return Outcome.UNDECIDED
    return Outcome.SUPPORTED if flag else Outcome.NOT_SUPPORTED


def unjudged(id: str, claim: str, rule: str, missing: str) -> Verdict:
    """The verdict on a claim of which there are no cells at all."""
    return Verdict(
        id=id,
        claim=claim,
        rule=rule,
        outcome=Outcome.UNDECIDED,
        statistic="",
        evidence=(),
        missing=(missing,),
    )
