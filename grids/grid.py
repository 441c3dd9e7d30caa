"""A grid: every cell a file stands for, in a stable order, or every mistake in it at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grids.artifacts import ArtifactWishes
from grids.catalogue import Catalogue
from grids.cell import FIELDS, Cell
from grids.checking import Checker
from grids.comparisons import Rule, read_rule
from grids.document import Document, read_document
from grids.excluding import Exclusions
from grids.expansion import MAX_CELLS, Expansion, Table, count, points, tables
from grids.finding import find_study
from grids.legality import Legality
from grids.overrides import Override, read_overrides
from grids.probes import (
    read_probes,
    refuse_other_models,
    refuse_without_dense_weights,
    refuse_without_images,
)
from grids.problems import Collector, Problem
from grids.reading import Node, read_file, read_yaml
from grids.resolving import Resolver
from grids.seed_groups import note_incomparable
from grids.seed_rules import SeedRule, note_rules_by_seed
from grids.storages import refuse_scores_by_examples
from grids.unused import BY_OTHERS, note_unused


@dataclass(frozen=True, kw_only=True, slots=True)
class RawGrid:
    """A grid file as data with places, not yet compared with a catalogue.

    `problems` are mistakes of form that did not stop the reading; `build_grid` raises them
    together with all others.
    """

    source: Path
    text: str
    root: Node
    overrides: tuple[Override, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """A grid that was read without mistakes.

    `source` is the file and `text` what stood in it; `overrides` are the `--set` texts. `cells`
    are distinct and in a stable order: as in the file, seeds fastest, included cells last;
    `artifacts` is what they leave besides their results, `probes` what else is measured of them:
    texts as `grids.probe_texts` makes them. With a `seed_rule` the cells are those that are asked
    for in any case; others, which differ from them in the seed, may follow (`grids.seed_groups`).
    """

    name: str
    description: str
    source: Path
    text: str
    overrides: tuple[str, ...]
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    artifacts: ArtifactWishes
    probes: tuple[str, ...] = ()
    seed_rule: SeedRule | None = None


def load(name_or_path: str | Path, catalogue: Catalogue, overrides: Sequence[str] = ()) -> Grid:
    """The grid in a file, or the shipped study of that name, with `--set` texts applied.

    Raises `GridProblems` with every mistake, or `GridError` when there is no such file.
    """
    return build_grid(read_grid(find_study(name_or_path), overrides), catalogue)


def read_grid(path: str | Path, overrides: Sequence[str] = ()) -> RawGrid:
    """A grid file and its overrides as data with places.

    Raises `GridProblems` when the file cannot be read on: missing, not UTF-8, not YAML.
    """
    return read_grid_text(read_file(Path(path)), path, overrides)


def read_grid_text(text: str, path: str | Path, overrides: Sequence[str] = ()) -> RawGrid:
    """The same of a text that stood, or stands, in the file at `path`, which is not read."""
    problems = Collector()
    flags = read_overrides(overrides, problems)
    root = read_yaml(text, str(path), problems)
    return RawGrid(
        source=Path(path),
        text=text,
        root=root,
        overrides=tuple(flags),
        problems=tuple(problems.problems),
    )


def build_grid(raw: RawGrid, catalogue: Catalogue) -> Grid:
    """Every cell of a grid. Raises `GridProblems` with all mistakes at once."""
    problems = Collector(raw.problems)
    document = read_document(raw.root, raw.source, raw.overrides, problems)
    resolver = Resolver(Checker(catalogue, problems), tolerant=not document.whole)
    exclusions = Exclusions([read_rule(node, catalogue, problems) for node in document.rules])
    _check_size(document, problems)
    by_seed = [rule.where for rule in exclusions.rules if _names_seeds(rule)]
    note_rules_by_seed(document.seed_rule, by_seed, problems)
    probes = read_probes(document.probes, catalogue, problems)
    block_tables = [tables(block, resolver) for block in document.blocks]
    note_unused(document, resolver, set(FIELDS) - set(BY_OTHERS))
    problems.raise_any()
    cells = _expand(document, block_tables, resolver, exclusions)
    note_unused(document, resolver, BY_OTHERS)
    refuse_without_images(probes, cells, catalogue, problems)
    refuse_without_dense_weights(probes, cells, catalogue, problems)
    leave, where = document.artifacts.leave, document.artifacts_where
    refuse_scores_by_examples(leave, where, cells, problems)
    refuse_other_models(probes, cells, catalogue, problems)
    note_incomparable(document.seed_rule, document.seeds_where, cells, problems)
    problems.raise_any()
    return Grid(
        name=document.name,
        description=document.description,
        source=raw.source,
        text=raw.text,
        overrides=tuple(override.text for override in raw.overrides),
        seeds=tuple(document.seeds),
        cells=tuple(cells),
        artifacts=document.artifacts,
        probes=tuple(one.text for one in probes),
        seed_rule=document.seed_rule,
    )


def _names_seeds(rule: Rule) -> bool:
    return any(condition.path.field == "seed" for condition in rule.conditions)


def _check_size(document: Document, problems: Collector) -> None:
    size = count(document)
    if size > MAX_CELLS:
        message = f"the grid has {size:,} cells; allowed: up to {MAX_CELLS:,}"
        problems.add(document.blocks[0].where, message)
        problems.raise_any()


def _expand(
    document: Document,
    block_tables: Sequence[Sequence[Table]],
    resolver: Resolver,
    exclusions: Exclusions,
) -> list[Cell]:
    problems = resolver.checker.problems
    legality = Legality(resolver.checker.catalogue, problems)
    expansion = Expansion(seeds=document.seeds, legality=legality)
    for block, its_tables in zip(document.blocks, block_tables, strict=True):
        its_points = points(block, its_tables, resolver)
        if block.what == "grid":
            removed = expansion.add_grid(its_points, exclusions)
            if removed and not expansion.cells:
                problems.add(document.exclude_where, "exclude removes every cell of the grid")
        elif not expansion.add_included(its_points) and not document.overridden:
            problems.add(block.where, "this entry of include adds no cell: the grid has it already")
    _note_idle_rules(document, exclusions, problems)
    return expansion.cells


def _note_idle_rules(document: Document, exclusions: Exclusions, problems: Collector) -> None:
    """Note the rules that removed nothing, unless a flag set a field they look at."""
    for rule, matched in zip(exclusions.rules, exclusions.counts, strict=True):
        looked_at = {condition.path.field for condition in rule.conditions}
        if not matched and not looked_at & document.overridden:
            problems.add(rule.where, "this entry of exclude removes nothing")
