"""The judgement `generalization`: SET and SET with neuron pruning against dense networks.

Liu 2019 claims two things: that sparse networks with adaptive connectivity generalise better than
dense ones, of SET; and that SET with neuron pruning is competitive. The first is never judged of
the second. Its rules for both are not known; the rules here are this project's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.answers.naming import names_along
from orchestrator.answers.results import Answer, AnswerError, text_of
from orchestrator.statistics.corrections import holm
from orchestrator.statistics.rank_tests import signed_rank
from orchestrator.verdicts.cells import Key, OptionsRead, abouts, key_of, told
from orchestrator.verdicts.logic import compared, most_hold, outcome_of, unjudged
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.pairs import LEVEL, Differences, Pair, differences, paired
from orchestrator.verdicts.verdict import Evidence, Judgement, Sheet, Verdict

SPARSE = ("set", "set_np")
DENSE, FIXED = "dense", "static"
MARGIN = 0.02

MEASURES: Mapping[str, int] = {
    "test_accuracy": 1,
    "test_accuracy_at_best_val": 1,
    "generalisation_gap": -1,
}
"""Measurement to whether more of it is better (1) or less (-1)."""

_SPLIT, _STORAGE = "dataset.split_seed", "recipe.storage"
_REPEATED = ("seed", _SPLIT)
_OWN = ("density", "allocation", _STORAGE)

METRICS_READ = tuple(MEASURES)
OPTIONS_READ: OptionsRead = {
    **{f"method {name}": {} for name in (*SPARSE, DENSE, FIXED)},
    "dataset": {_SPLIT: ()},
    "recipe": {_STORAGE: ()},
}

JUDGED = ("test_accuracy", "generalisation_gap")
_WORDS = {
    "test_accuracy": "test accuracy",
    "test_accuracy_at_best_val": "test accuracy at the best validation epoch",
    "generalisation_gap": "generalisation gap",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Contest:
    """One sparse method against another method on one data set, by pairs of one seed and split.

    Attributes:
        method: The sparse method, told with its options and density where they vary.
        against: "dense", or "static": the same density with a fixed random mask.
        about: What tells the data set and the rest of the cell from others.
        pairs: Sparse first.
    """

    method: str
    against: str
    about: Mapping[str, str]
    pairs: tuple[Pair, ...]

    def better(self, metric: str) -> Differences:
        """By how much the sparse method is better, pair by pair."""
        sign = MEASURES[metric]
        found = differences(self.pairs, metric)
        return Differences(values=tuple(sign * value for value in found.values), gaps=found.gaps)


def judge_generalization(material: Material) -> Judgement:
    """Both claims, and the tests per data set.

    Raises:
        AnswerError: When the grids have no cells of set or set_np, or nothing to compare them with.
    """
    methods = {str(answer.fields["method"]) for answer in material.cells}
    if not methods & set(SPARSE) or not methods & {DENSE, FIXED}:
        raise AnswerError(
            f"{', '.join(material.grids)} has cells of {', '.join(sorted(methods))}; add "
            f"set or set_np, and dense (and static, for fixed random masks) with the same seeds"
        )
    found = [*contests(material, DENSE), *contests(material, FIXED)]
    return material.judgement(
        name="generalization",
        verdicts=(*_claims(found, "set"), *_claims(found, "set_np")),
        sheets=tuple(_sheet(found, metric) for metric in MEASURES if _is_measured(found, metric)),
    )


def contests(material: Material, against: str) -> list[Contest]:
    """The contests of every sparse method against one other method."""
    names = names_along(material.cells, "method", "")
    named = {answer.cell: name for answer, name in zip(material.cells, names, strict=True)}
    groups: dict[tuple[str, Key], list[Pair]] = {}
    for variant, own in _variants(material, named).items():
        for key, pairs in _pairs_of(material, own, against).items():
            groups[variant, key] = pairs
    if not any(pair.second for pairs in groups.values() for pair in pairs):
        return []
    about = abouts(list(dict.fromkeys(key for _, key in groups)), always=("dataset",))
    return [
        Contest(method=variant, against=against, about=about[key], pairs=tuple(pairs))
        for (variant, key), pairs in groups.items()
    ]


def _variants(material: Material, named: Mapping[str, str]) -> dict[str, list[Answer]]:
    """The sparse methods as they are told to the cells of each; with density where that varies."""
    cells = [answer for answer in material.cells if answer.fields["method"] in SPARSE]
    places = {answer.cell: _place(answer) for answer in cells}
    about = abouts(list(dict.fromkeys(places.values())))
    found: dict[str, list[Answer]] = {}
    for answer in cells:
        where = (f"{name}={value}" for name, value in about[places[answer.cell]].items())
        found.setdefault(" ".join([named[answer.cell], *where]), []).append(answer)
    return found


def _pairs_of(material: Material, own: Sequence[Answer], against: str) -> dict[Key, list[Pair]]:
    """The pairs of one method's cells with their partners, by all they share but seed and split."""
    ours = {answer.cell for answer in own}
    place = _place(own[0])
    apart = ("method", *_OWN)

    def half(answer: Answer) -> int | None:
        if answer.cell in ours:
            return 0
        alike = against == DENSE or _place(answer) == place
        return 1 if answer.fields["method"] == against and alike else None

    groups: dict[Key, list[Pair]] = {}
    for pair in paired(material.cells, half, apart):
        groups.setdefault(key_of(pair.either, (*apart, *_REPEATED)), []).append(pair)
    return {key: pairs for key, pairs in groups.items() if any(pair.first for pair in pairs)}


def _place(answer: Answer) -> Key:
    """What a dense network has not: the density, its allocation, and how weights are stored."""
    shown = ((path, text_of(value)) for path, value in sorted(answer.fields.items()))
    return tuple(pair for pair in shown if pair[0] in _OWN or pair[0].partition(".")[0] in _OWN)


def _claims(found: Sequence[Contest], method: str) -> list[Verdict]:
    """Claim (i) of the variants of set, claim (ii) of those of set_np, each in two measures."""
    own = [each for each in found if each.against == DENSE and _is_of(each, method)]
    names = list(dict.fromkeys(each.method for each in own)) or [method]
    return [
        _claim(method, name, metric, [each for each in own if each.method == name])
        for name in names
        for metric in JUDGED
    ]


def _is_of(contest: Contest, method: str) -> bool:
    first = next(pair.first for pair in contest.pairs if pair.first is not None)
    return bool(first.fields["method"] == method)


def _claim(method: str, name: str, metric: str, own: Sequence[Contest]) -> Verdict:
    short = {"test_accuracy": "accuracy", "generalisation_gap": "gap"}[metric]
    number, claim, rule = _worded(method, metric)
    if not own:
        return unjudged(f"{number} {short}", claim, rule, f"pairs of {method} and dense cells")
    evidence = _evidence(own, metric, MARGIN if method == "set_np" else 0.0)
    return Verdict(
        id=f"{number} {short} {name}",
        claim=claim,
        rule=rule,
        outcome=outcome_of(most_hold(item.holds for item in evidence)),
        statistic="p (Holm)",
        unit="p",
        evidence=evidence,
    )


def _worded(method: str, metric: str) -> tuple[str, str, str]:
    """Number, claim and rule."""
    measure = _WORDS[metric]
    test = (
        f"one-sided Wilcoxon signed-rank test over seeds and splits, p <= {LEVEL} after Holm over "
        f"the data sets, on more than half of them"
    )
    if method == "set":
        claim = f"sparse networks with adaptive connectivity generalise better: {measure}"
        return "i", claim, f"better than dense in {measure}: {test}; the rule is ours"
    claim = f"SET with neuron pruning is competitive with dense networks: {measure}"
    rule = f"less than {100 * MARGIN:g} points worse than dense in {measure}: {test}; ours"
    return "ii", claim, rule


def _evidence(own: Sequence[Contest], metric: str, margin: float) -> tuple[Evidence, ...]:
    """One test per data set, adjusted for all of them.

    While some are open, the adjusted values of the others are bounded: by those with the open ones
    at 1 from above, with them at 0 from below.
    """
    results = [each.better(metric) for each in own]
    shifted = [[value + margin for value in result.values] for result in results]
    tests = [signed_rank(values) if values else None for values in shifted]
    missing = [
        told(result.gaps, "pair") or _too_few(test.n if test else 0, len(own))
        for result, test in zip(results, tests, strict=True)
    ]
    known = [test.p if test and not gap else None for test, gap in zip(tests, missing, strict=True)]
    upper, lower = (
        [
            compared(each.about, value, "<=", LEVEL, n=test.n if test else 0, missing=gap)
            for each, test, value, gap in zip(own, tests, bound, missing, strict=True)
        ]
        for bound in (_adjusted(known, open_at=1.0), _adjusted(known, open_at=0.0))
    )
    return tuple(
        high if high.holds is low.holds else replace(high, holds=None)
        for high, low in zip(upper, lower, strict=True)
    )


def _adjusted(known: Sequence[float | None], open_at: float) -> list[float | None]:
    """The p-values adjusted as if the open ones were so large; None for those."""
    bound = holm([open_at if p is None else p for p in known])
    return [None if p is None else value for p, value in zip(known, bound, strict=True)]


def _too_few(n: int, tests: int) -> str:
    """Why so many pairs cannot decide one of so many tests; nothing when they can."""
    if tests * 2.0**-n <= LEVEL:
        return ""
    needed = next(count for count in range(1, 64) if tests * 2.0**-count <= LEVEL)
    return f"{n} of {needed} pairs that differ, for {tests} test{'s' * (tests > 1)}"


def _is_measured(found: Sequence[Contest], metric: str) -> bool:
    return any(each.better(metric).values for each in found)


def _sheet(found: Sequence[Contest], metric: str) -> Sheet:
    """Every contest in one measure, with p of being better and of being worse."""
    fields = list(dict.fromkeys(name for each in found for name in each.about))
    rows = []
    for each in found:
        result = each.better(metric)
        test = result.test
        worse = signed_rank([-value for value in result.values]).p if result.values else None
        numbers = (test.median, test.p, worse, test.n) if test else (None, None, None, 0)
        about = (each.about.get(name, "") for name in fields)
        rows.append((each.method, each.against, *about, *numbers, result.missing))
    return Sheet(
        id=metric,
        title=f"How much better the sparse method is in {_WORDS[metric]}, paired by seed and split",
        columns=(
            "method", "against", *fields, "median", "p better", "p worse", "n", "undecided because",
        ),
        rows=tuple(rows),
        units={"median": "percent", "p better": "p", "p worse": "p"},
        notes=("p before adjustment, one-sided; n counts pairs that differ",),
    )  # fmt: skip
