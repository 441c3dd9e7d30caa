"""Average ranks of the rows of a table over its blocks, and who beats whom in how many."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.answers.contrasts import Contrasts
from orchestrator.answers.grouping import Entry, Grouped
from orchestrator.statistics.paired import Better
from orchestrator.statistics.rank_tests import DECIMALS
from orchestrator.statistics.ranks import Ranks, Tally, average_ranks, tally
from orchestrator.statistics.summaries import summarise

Block = tuple[str, ...]
"""The outer parts of a row and all parts of a column: what is the same for all that is ranked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """Rows ranked within every block by their means over the seeds that all of them have.

    Attributes:
        names: What is ranked, in the order of the table.
        blocks: The blocks that count.
        ranks: Average ranks of the names, and Friedman's test.
        tallies: (one, other) to the blocks that the first wins, ties and loses against the other.
        notes: What is not ranked, and which blocks do not count.
    """

    names: tuple[str, ...]
    blocks: tuple[Block, ...]
    ranks: Ranks
    tallies: Mapping[tuple[str, str], Tally]
    notes: tuple[str, ...]

    def total(self, name: str) -> Tally:
        """Blocks won, tied and lost against all others together."""
        own = [found for (one, _), found in self.tallies.items() if one == name]
        return Tally(
            wins=sum(each.wins for each in own),
            ties=sum(each.ties for each in own),
            losses=sum(each.losses for each in own),
        )


def ranking_of(grouped: Grouped, better: Better) -> Ranking | None:
    """Rank the rows of a table over its columns, or over those and the outer fields of its rows.

    A row is ranked where the grid has it in every block that has two rows or more. A block counts
    where all ranked rows have a finite value of a common seed. None where fewer than two rows or
    two blocks are left.
    """
    blocks = {block: rows for block, rows in _blocks(grouped).items() if len(rows) > 1}
    everyone = list(dict.fromkeys(name for rows in blocks.values() for name in rows))
    names = [name for name in everyone if all(name in rows for rows in blocks.values())]
    if len(names) < 2:
        return None
    means = {block: _means([rows[name] for name in names]) for block, rows in blocks.items()}
    counted = {block: found for block, found in means.items() if found is not None}
    if len(counted) < 2:
        return None
    columns = list(zip(*counted.values(), strict=True))
    return Ranking(
        names=tuple(names),
        blocks=tuple(counted),
        ranks=average_ranks(list(counted.values()), better),
        tallies={
            (one, other): tally(columns[i], columns[j], better)
            for i, one in enumerate(names)
            for j, other in enumerate(names)
            if i != j
        },
        notes=_notes(grouped, names, blocks, counted),
    )


def tallies_against(found: Contrasts, grouped: Grouped, better: Better) -> dict[str, Tally]:
    """Row, by the innermost part of its name, to its blocks against the reference.

    A block is won where the mean of the paired differences is better than zero.
    """
    means: dict[str, list[float]] = {}
    for each in found.contrasts:
        if each.difference is not None:
            name = grouped.row_parts[each.row][-1]
            means.setdefault(name, []).append(round(each.difference.mean, DECIMALS))
    return {name: tally(own, [0.0] * len(own), better) for name, own in means.items()}


def _blocks(grouped: Grouped) -> dict[Block, dict[str, Entry]]:
    """Block to the entries of its rows, by the innermost part of their names."""
    found: dict[Block, dict[str, Entry]] = {}
    for row in grouped.rows:
        for column in grouped.columns:
            entry = grouped.entries.get((row, column))
            if entry is not None:
                *outer, name = grouped.row_parts[row]
                found.setdefault((*outer, *grouped.column_parts[column]), {})[name] = entry
    return found


def _means(entries: Sequence[Entry]) -> list[float] | None:
    """The means over the seeds that all entries have; None where there are no such seeds."""
    common = set.intersection(*(_finite_seeds(entry) for entry in entries))
    if not common:
        return None
    values = [[entry.by_seed[seed] for seed in common] for entry in entries]
    return [round(summarise(own, None).mean, DECIMALS) for own in values]


def _finite_seeds(entry: Entry) -> set[int]:
    return {seed for seed, value in entry.by_seed.items() if math.isfinite(value)}


def _notes(
    grouped: Grouped,
    names: Sequence[str],
    blocks: Mapping[Block, Mapping[str, Entry]],
    counted: Mapping[Block, Sequence[float]],
) -> tuple[str, ...]:
    all_rows = dict.fromkeys(parts[-1] for parts in grouped.row_parts.values())
    unranked = [name for name in all_rows if name not in names]
    lost = [" ".join(block) for block in blocks if block not in counted]
    told = []
    if unranked:
        told.append(f"not ranked, because the grid lacks it in a block: {', '.join(unranked)}")
    if lost:
        told.append(f"blocks without a seed that all have, not counted: {'; '.join(lost)}")
    return tuple(told)
