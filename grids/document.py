"""The grammar of a grid file: which keys it has, and what each of them holds.

The result is a `Document`: blocks of factors to multiply out, rules to remove cells by, and seeds.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath

from grids.artifacts import ArtifactWishes, read_artifacts
from grids.factors import Factor, note_overlaps, read_axes, read_zip
from grids.fields import AXIS, BASE, density_hint, parse_path, settings_of
from grids.overrides import PROBES, SEEDS, Override, apply_overrides, given, override_factors
from grids.problems import Collector, GridError, Where, show, unknown
from grids.reading import Node
from grids.seed_rules import SeedRule, read_seed_rule

KEYS = (
    "name", "description", "base", "axes", "zip", "include", "exclude", "seeds", "artifacts",
    "probes",
)  # fmt: skip
"""The keys of a grid file."""

MAX_SEED = 2**32 - 1
"""Largest seed that every random generator in use accepts."""

_SEEDS_ALLOWED = "allowed: a count >= 1, a list of integers >= 0 or a mapping of min, max and until"

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""A grid's name; it becomes a folder of the store."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Factors to multiply out: the grid itself, or one entry of `include`."""

    what: str
    where: Where
    factors: tuple[Factor, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A grid file whose grammar was checked; names and values are checked later.

    `probes` is as it was written; names and options need the catalogue. With a `seed_rule`,
    `seeds` are those that every cell is asked with, and further ones may follow.
    `overridden` are the cell fields that flags set, "seed" among them. A document that is not
    `whole` has mistakes in its grammar, so that what is missing may only be misspelt.
    """

    name: str
    description: str
    seeds: Sequence[int]
    seed_rule: SeedRule | None
    seeds_where: Where
    artifacts: ArtifactWishes
    artifacts_where: Where
    probes: Node | None
    blocks: tuple[Block, ...]
    rules: tuple[Node, ...]
    exclude_where: Where
    overridden: frozenset[str]
    whole: bool

    @property
    def most_seeds(self) -> int:
        """With how many seeds a cell may come to be asked for."""
        return len(self.seeds) if self.seed_rule is None else self.seed_rule.most


def read_document(
    root: Node, source: FilePath, overrides: Sequence[Override], problems: Collector
) -> Document:
    """Check the grammar of a grid file; every mistake is noted in `problems`."""
    before = len(problems)
    entries = _top_level(root, source, problems)
    nothing = Node(None, Where(str(source), 1))
    excluded = entries.get("exclude", nothing)
    flags = override_factors(overrides, problems)
    blocks = _blocks(entries, nothing, flags, problems)
    seeds_node = _given_seeds(entries.get("seeds", Node(1, nothing.where)), overrides)
    seeds, seed_rule = _seeds(seeds_node, problems)
    whole = len(problems) == before
    return Document(
        name=_name(entries.get("name"), source, problems),
        description=_description(entries.get("description", nothing), problems),
        artifacts=read_artifacts(entries.get("artifacts", nothing), problems),
        artifacts_where=entries.get("artifacts", nothing).where,
        probes=_probes(entries.get("probes"), overrides),
        seeds=seeds,
        seed_rule=seed_rule,
        seeds_where=seeds_node.where,
        blocks=tuple(blocks),
        rules=tuple(_list_of_mappings("exclude", excluded, problems)),
        exclude_where=excluded.where,
        overridden=_overridden(flags, overrides),
        whole=whole,
    )


def _overridden(flags: Sequence[Factor], overrides: Sequence[Override]) -> frozenset[str]:
    fields = {path.field for flag in flags for path in flag.paths()}
    return frozenset(fields | {"seed" for override in overrides if override.key == SEEDS})


def _top_level(root: Node, source: FilePath, problems: Collector) -> dict[str, Node]:
    if not isinstance(root.value, dict):
        given = "empty" if root.value is None else show(root.plain())
        problems.add(root.where, f"the file is {given}; allowed: a mapping of {', '.join(KEYS)}")
        problems.raise_any()
        return {}
    for key, node in root.value.items():
        if key == "sparsity":
            hint = density_hint(node)
            problems.add(node.where, "sparsity is not a field of a grid", f"{hint} in base")
        elif key not in KEYS:
            error = unknown("key", key, KEYS)
            problems.add(node.where, error.message, _place_for(key) or error.hint)
    return {key: node for key, node in root.value.items() if key in KEYS}


def _place_for(key: str) -> str:
    """The remark for a cell field at the top of the file, where it does nothing."""
    try:
        parse_path(key)
    except GridError:
        return ""
    return f"write {key} in base, axes, zip or include"


def _name(node: Node | None, source: FilePath, problems: Collector) -> str:
    name = source.stem if node is None else node.value
    if isinstance(name, str) and NAME.fullmatch(name):
        return name
    where = Where(str(source), 1) if node is None else node.where
    given = show(name if node is None else node.plain())
    message = f"name is {given}; allowed: up to 64 of a-z, 0-9, _ and -, a letter or digit first"
    problems.add(where, message, "give the grid a name" if node is None else "")
    return ""


def _description(node: Node, problems: Collector) -> str:
    if node.value is None:
        return ""
    if isinstance(node.value, str):
        return node.value.strip()
    problems.add(node.where, f"description is {show(node.plain())}; allowed: a text", "quote it")
    return ""


def _blocks(
    entries: dict[str, Node], nothing: Node, flags: Sequence[Factor], problems: Collector
) -> list[Block]:
    """The grid's own block, unless it has nothing but `include`, and one per included entry."""
    base = _base(entries.get("base", nothing), problems)
    factors = _factors(entries, problems)
    note_overlaps(factors, problems)
    note_overlaps(flags, problems)
    included = _list_of_mappings("include", entries.get("include", nothing), problems)
    blocks = []
    if factors or not included:
        where = base.where if base.rows[0] else nothing.where
        own = tuple(apply_overrides([base, *factors], flags))
        blocks.append(Block(what="grid", where=where, factors=own))
    for node in included:
        row = tuple(settings_of(node, AXIS, problems))
        entry = Factor(what="include", where=node.where, rows=(row,))
        own = tuple(apply_overrides([base, entry], flags))
        blocks.append(Block(what="include", where=node.where, factors=own))
    return blocks


def _base(node: Node, problems: Collector) -> Factor:
    if node.value is not None and not isinstance(node.value, dict):
        message = f"base is {show(node.plain())}; allowed: a mapping of cell fields"
        problems.add(node.where, message)
    return Factor(what="base", where=node.where, rows=(tuple(settings_of(node, BASE, problems)),))


def _factors(entries: dict[str, Node], problems: Collector) -> list[Factor]:
    factors: list[Factor] = []
    if "axes" in entries:
        node = entries["axes"]
        if not isinstance(node.value, dict) or not node.value:
            message = f"axes is {show(node.plain())}; allowed: a mapping of fields to lists"
            problems.add(node.where, message, "give an axis, or remove axes")
        factors += read_axes(node, problems)
    if "zip" in entries:
        factors += read_zip(entries["zip"], problems)
    return factors


def _list_of_mappings(key: str, node: Node, problems: Collector) -> list[Node]:
    if node.value is None:
        return []
    items = node.value if isinstance(node.value, tuple) else ()
    if not items:
        hint = "write - before it" if isinstance(node.value, dict) else ""
        message = f"{key} is {show(node.plain())}; allowed: a list of mappings"
        problems.add(node.where, message, hint)
    for item in items:
        if not isinstance(item.value, dict) or not item.value:
            message = f"an entry of {key} is {show(item.plain())}; allowed: a mapping of fields"
            problems.add(item.where, message)
    return [item for item in items if isinstance(item.value, dict) and item.value]


def _probes(node: Node | None, overrides: Sequence[Override]) -> Node | None:
    """What was written: a flag with one value, or several, means a list of them."""
    flag = next((flag for flag in overrides if flag.key == PROBES), None)
    if flag is None:
        return node
    one = given(flag)
    return one if isinstance(one.value, tuple) else Node(flag.values, flag.where)


def _given_seeds(node: Node, overrides: Sequence[Override]) -> Node:
    return next((given(flag) for flag in overrides if flag.key == SEEDS), node)


def _seeds(node: Node, problems: Collector) -> tuple[Sequence[int], SeedRule | None]:
    """The seeds of every cell, and the rule by which further ones follow, if there is one."""
    if isinstance(node.value, tuple):
        return _listed_seeds(node, problems), None
    if isinstance(node.value, dict):
        rule = read_seed_rule(node, problems)
        return range(rule.least if rule is not None else 0), rule
    count = node.value
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_SEED:
        problems.add(node.where, f"seeds is {show(node.plain())}; {_SEEDS_ALLOWED}")
        return (), None
    return range(count), None


def _listed_seeds(node: Node, problems: Collector) -> tuple[int, ...]:
    assert isinstance(node.value, tuple)
    if not node.value:
        problems.add(node.where, f"seeds is empty; {_SEEDS_ALLOWED}")
    seeds: dict[int, Where] = {}
    for item in node.value:
        seed = item.value
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
            allowed = f"an integer from 0 to {MAX_SEED}"
            problems.add(item.where, f"a seed is {show(item.plain())}; allowed: {allowed}")
        elif seed in seeds:
            problems.add(item.where, f"the seed {seed} is given twice; first in {seeds[seed]}")
        else:
            seeds[seed] = item.where
    return tuple(seeds)
