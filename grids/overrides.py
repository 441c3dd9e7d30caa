"""Changes from the command line: `--set recipe.epochs=5`, `--set density=0.05,0.1`.

A value is read as YAML, so lists and mappings are written as in a file: `model.hidden=[64,64]`,
`method={name: rigl, update_every: 50}`. Several values, separated by commas, make an axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from grids.factors import Factor, axis
from grids.fields import FLAG, check_key
from grids.problems import Collector, GridProblems, Where
from grids.reading import Node, read_inline

SEEDS, PROBES = "seeds", "probes"
"""The keys of `--set` that are no cell field."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """One `--set`: the text, the key in it and the values it was given."""

    text: str
    key: str
    values: tuple[Node, ...]
    where: Where


def read_overrides(texts: Sequence[str], problems: Collector) -> list[Override]:
    """The overrides that the texts ("key=value,value") ask for; mistakes are noted."""
    overrides: dict[str, Override] = {}
    for text in texts:
        override = _read_one(text, problems)
        if override is None:
            continue
        if override.key in overrides:
            problems.add(override.where, f"{override.key} is set twice on the command line")
        overrides[override.key] = override
    return list(overrides.values())


def given(override: Override) -> Node:
    """What was given as one node: the only value, or the list of several."""
    if len(override.values) == 1:
        return override.values[0]
    return Node(override.values, override.where)


def override_factors(overrides: Sequence[Override], problems: Collector) -> list[Factor]:
    """One factor per override of a cell field."""
    factors = []
    for override in overrides:
        if override.key not in (SEEDS, PROBES):
            path = check_key(override.key, given(override), problems)
            if path is not None:
                factors.append(axis(path, override.values, override.where, FLAG, problems))
    return factors


def apply_overrides(factors: Sequence[Factor], flags: Sequence[Factor]) -> list[Factor]:
    """The factors with what the flags set taken out of them, and the flags put in.

    A flag takes the place of the axis it replaces, so that the order of the cells stays.
    """
    pending = {path: flag for flag in flags for path in flag.paths()}
    result: list[Factor] = []
    placed: set[int] = set()
    for factor in factors:
        kept = factor.without(pending)
        if kept.paths():
            result.append(kept)
        for path in factor.paths():
            flag = pending.get(path)
            if flag is not None and id(flag) not in placed and len(factor.rows) > 1:
                placed.add(id(flag))
                result.append(flag)
    return result + [flag for flag in flags if id(flag) not in placed]


def _read_one(text: str, problems: Collector) -> Override | None:
    where = Where(f"--set {text}")
    key, equals, values = text.partition("=")
    if not equals or not key.strip():
        problems.add(where, "not of the form key=value", "for example --set recipe.epochs=5")
        return None
    noted = Collector()
    try:
        node = read_inline(f"[{values}]", where.source, noted)
    except GridProblems as error:
        problems.problems.extend(error.problems)
        return None
    problems.problems.extend(noted.problems)
    nodes = node.value if isinstance(node.value, tuple) else ()
    if not nodes:
        problems.add(where, "no value is given", f"for example --set {key}=1")
        return None
    return Override(text=text, key=key.strip(), values=nodes, where=where)
