"""What a judgement looks at: cells grouped by what they share, and their measurements by seed."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from orchestrator.answers.naming import names_along
from orchestrator.answers.results import Answer, text_of
from orchestrator.statistics.summaries import summarise
from orchestrator.watching.states import FAILURES

Key = tuple[tuple[str, str], ...]
"""Fields and their texts, sorted: what the cells of a group share."""

OptionsRead = Mapping[str, Mapping[str, Sequence[str]]]
"""What is read of cells' options: of "method rigl", or of any "model", field to values looked for.

A test holds these, and the measurements that are read, against what the trainer knows.
"""

SEED = "seed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One measurement of some cells that differ in the seed, or in draws of one seed.

    Attributes:
        by_seed: Seed to the values of its cells.
        gaps: Why cells have no value, in words, to how many of them.
    """

    by_seed: Mapping[int, tuple[float, ...]]
    gaps: Mapping[str, int] = field(default_factory=dict)

    @property
    def means(self) -> dict[int, float]:
        """Seed to the mean of its cells, seeds ascending."""
        return {seed: fmean(values) for seed, values in sorted(self.by_seed.items())}

    @property
    def mean(self) -> float | None:
        """The mean over the seeds; None without any."""
        return fmean(self.means.values()) if self.by_seed else None


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedDifferences:
    """What one sample has over another, seed by seed.

    Attributes:
        values: Of the seeds that both have, seeds ascending.
        missing: What keeps them from being whole, in words.
    """

    values: tuple[float, ...]
    missing: str

    @property
    def mean(self) -> float | None:
        """The mean over the seeds; None without any."""
        return fmean(self.values) if self.values else None

    @property
    def std(self) -> float | None:
        """The sample standard deviation over the seeds; None for fewer than two."""
        return summarise(self.values, confidence=None).std if self.values else None


def sample(answers: Iterable[Answer], metric: str) -> Sample:
    """The values of a measurement by seed, and why others have none."""
    values: dict[int, list[float]] = {}
    gaps: Counter[str] = Counter()
    for answer in answers:
        value = value_of(answer, metric)
        if value is None:
            gaps[why_not(answer, metric)] += 1
        else:
            values.setdefault(answer.fields[SEED], []).append(value)
    return Sample(by_seed={seed: tuple(own) for seed, own in values.items()}, gaps=dict(gaps))


def seed_differences(one: Sample, two: Sample, absent: Sequence[str] = ()) -> SeedDifferences:
    """The first sample's mean minus the second's at each seed that both have.

    Args:
        one: A sample.
        two: Another.
        absent: Which of the two nobody asked for any cells of, in words: seeds that then have no
            partner are not counted as missing.
    """
    gaps, alone = told(joined(one.gaps, two.gaps)), one.by_seed.keys() ^ two.by_seed.keys()
    unpaired = {"of one side only": len(alone)} if not gaps and not absent else {}
    others = two.means
    values = [own - others[seed] for seed, own in one.means.items() if seed in others]
    missing = (gaps, told(unpaired, "seed"), *absent)
    return SeedDifferences(
        values=tuple(values), missing="; ".join(part for part in missing if part)
    )


def value_of(answer: Answer, metric: str) -> float | None:
    """A measurement of a cell; None when it has none, or none that is finite."""
    value = (answer.metrics or {}).get(metric)
    return None if value is None or not math.isfinite(value) else value


def why_not(answer: Answer, metric: str) -> str:
    """Why a cell has no value of a measurement, in words."""
    if answer.state == "INVALID":
        return "diverged"
    if answer.state in FAILURES:
        return "failed"
    if answer.metrics is None:
        return "without a result yet"
    return f"without {metric}" if metric not in answer.metrics else f"with no finite {metric}"


def told(gaps: Mapping[str, int], what: str = "cell") -> str:
    """Gaps in words: "2 cells diverged, 1 cell failed"; nothing for none."""
    counted = sorted((kind, count) for kind, count in gaps.items() if count)
    return ", ".join(f"{count} {what}{'s' if count > 1 else ''} {kind}" for kind, count in counted)


def joined(*gaps: Mapping[str, int]) -> dict[str, int]:
    """Several counts of gaps as one."""
    return dict(sum((Counter(own) for own in gaps), Counter[str]()))


def grouped(answers: Iterable[Answer], apart_from: Collection[str]) -> dict[Key, list[Answer]]:
    """Cells by all their fields but some, in the order of their first cells.

    A component, such as "method", stands for its options and its semantics, too.
    """
    groups: dict[Key, list[Answer]] = {}
    for answer in answers:
        groups.setdefault(key_of(answer, apart_from), []).append(answer)
    return groups


def by_method(
    answers: Sequence[Answer], apart_from: Collection[str] = ()
) -> dict[tuple[Key, str], list[Answer]]:
    """Cells by all fields but method and seed, and by what tells their method from others."""
    groups: dict[tuple[Key, str], list[Answer]] = {}
    for answer, name in zip(answers, names_along(answers, "method", ""), strict=True):
        key = key_of(answer, ("method", SEED, *apart_from))
        groups.setdefault((key, name), []).append(answer)
    return groups


def key_of(answer: Answer, apart_from: Collection[str]) -> Key:
    """All fields of a cell but some, as texts."""
    kept = (path for path in answer.fields if not _is_among(path, apart_from))
    return tuple(sorted((path, text_of(answer.fields[path])) for path in kept))


def abouts(keys: Sequence[Key], always: Sequence[str] = ()) -> dict[Key, dict[str, str]]:
    """What tells each key from the others: the fields in `always`, and as few others as needed.

    Those of the data set come first. Options are told without the name of their component where
    that is clear.
    """
    fields = [dict(key) for key in keys]
    shown = list(always)
    groups = len(set(_texts(fields, shown)))
    for path in sorted({path for own in fields for path in own} - set(always), key=_rank):
        finer = len(set(_texts(fields, [*shown, path])))
        if finer > groups:
            shown.append(path)
            groups = finer
    return {
        key: {_short(path): own[path] for path in shown if path in own}
        for key, own in zip(keys, fields, strict=True)
    }


def _is_among(path: str, names: Collection[str]) -> bool:
    head, _, rest = path.partition(".")
    return path in names or head in names or (head == "semantics" and rest in names)


def _texts(
    fields: Sequence[Mapping[str, str]], paths: Sequence[str]
) -> list[tuple[str | None, ...]]:
    return [tuple(own.get(path) for path in paths) for own in fields]


def _rank(path: str) -> tuple[bool, str]:
    return path.partition(".")[0] != "dataset", path


def _short(path: str) -> str:
    component, _, option = path.partition(".")
    return option if component in ("method", "recipe", "model") and option else path
