"""Average ranks of the rows of a table over its blocks, and who beats whom in how many."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.answers.contrasts import Contrasts
from orchestrator.answers.grouping import Entry, Grouped, Key
from orchestrator.answers.marks import alpha_of
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
        against: Name to its blocks against the reference, by means over the same seeds.
        independent: Whether every block has a data set of its own, as both tests ask for.
        alpha: Level of the tests.
        notes: Over which seeds, what is not ranked, and which blocks do not count.
    """

    names: tuple[str, ...]
    blocks: tuple[Block, ...]
    ranks: Ranks
    tallies: Mapping[tuple[str, str], Tally]
    against: Mapping[str, Tally]
    independent: bool
    alpha: float
    notes: tuple[str, ...]

    def total(self, name: str) -> Tally:
        """Blocks won, tied and lost against all others together."""
        own = [found for (one, _), found in self.tallies.items() if one == name]
        return Tally(
            wins=sum(each.wins for each in own),
            ties=sum(each.ties for each in own),
            losses=sum(each.losses for each in own),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Unranked:
    """Why the rows of a table have no average ranks."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Means:
    """The means of one block: of the ranked names, and last of the reference.

    Attributes:
        values: Rounded; infinitely bad where a seed diverged.
        seeds: Over so many seeds, which all have.
        left_out: So many seeds some of them have, but not all.
        diverged: Names with a seed that diverged.
    """

    values: tuple[float, ...]
    seeds: int
    left_out: int
    diverged: tuple[str, ...]


def ranking_of(grouped: Grouped, found: Contrasts, better: Better) -> Ranking | Unranked:
    """Rank the rows of a table over its columns, or over those and the outer fields of its rows.

    A row is ranked where the grid has it in every block that has two rows or more. A block counts
    where all ranked rows and their reference have a common seed; a row that diverged on one of
    these is last in its block.

    Args:
        grouped: The entries.
        found: Their contrasts, for the reference of every block and the level.
        better: The end of the measurement that gets rank 1.
    """
    blocks = {block: rows for block, rows in _blocks(grouped).items() if len(rows) > 1}
    everyone = list(dict.fromkeys(name for rows in blocks.values() for name in rows))
    names = [name for name in everyone if all(name in rows for rows in blocks.values())]
    if len(names) < 2:
        few = "fewer than two rows are in every block" if blocks else "no block has two rows"
        return Unranked(reason=few)
    references = {(each.row, each.column): each.reference for each in found.contrasts}
    means = {}
    for block, rows in blocks.items():
        compared = {references[key] for key in rows.values() if key in references}
        keys = [*(rows[name] for name in names), *compared]
        means[block] = _means(
            [grouped.entries[key] for key in keys], (*names, found.against), better
        )
    counted = {block: each for block, each in means.items() if each is not None}
    if len(counted) < 2:
        return Unranked(reason=_too_few(blocks, counted))
    columns = list(zip(*(each.values for each in counted.values()), strict=True))
    alpha = alpha_of(found)
    return Ranking(
        names=tuple(names),
        blocks=tuple(counted),
        ranks=average_ranks(
            [each.values[: len(names)] for each in counted.values()], better, alpha
        ),
        tallies={
            (one, other): tally(columns[i], columns[j], better)
            for i, one in enumerate(names)
            for j, other in enumerate(names)
            if i != j
        },
        against={
            name: tally(columns[place], columns[-1], better)
            for place, name in enumerate(names)
            if name != found.against
        },
        independent=_independent(grouped, counted),
        alpha=alpha,
        notes=_notes(grouped, names, blocks, counted),
    )


def _blocks(grouped: Grouped) -> dict[Block, dict[str, Key]]:
    """Block to the entries of its rows, by the innermost part of their names."""
    found: dict[Block, dict[str, Key]] = {}
    for row in grouped.rows:
        for column in grouped.columns:
            if (row, column) in grouped.entries:
                *outer, name = grouped.row_parts[row]
                block = (*outer, *grouped.column_parts[column])
                found.setdefault(block, {})[name] = row, column
    return found


def _means(entries: Sequence[Entry], names: Sequence[str], better: Better) -> _Means | None:
    """The means over the seeds that all entries have; None where there are no such seeds."""
    seeds = [entry.by_seed.keys() for entry in entries]
    common = set[int]().union(*seeds).intersection(*seeds)
    if not common:
        return None
    worst = -math.inf if better == "higher" else math.inf
    values = [[entry.by_seed[seed] for seed in sorted(common)] for entry in entries]
    finite = [all(map(math.isfinite, own)) for own in values]
    return _Means(
        values=tuple(
            round(summarise(own, None).mean, DECIMALS) if whole else worst
            for own, whole in zip(values, finite, strict=True)
        ),
        seeds=len(common),
        left_out=len(set[int]().union(*seeds)) - len(common),
        diverged=tuple(
            dict.fromkeys(name for name, whole in zip(names, finite, strict=True) if not whole)
        ),
    )


def _independent(grouped: Grouped, counted: Iterable[Block]) -> bool:
    """Whether every block has a data set of its own; those of one data set share its seeds."""
    fields = (*grouped.row_fields[:-1], *grouped.column_fields)
    if "dataset" not in fields:
        return False
    sets = [block[fields.index("dataset")] for block in counted]
    return len(set(sets)) == len(sets)


def _too_few(blocks: Collection[Block], counted: Collection[Block]) -> str:
    if len(blocks) < 2:
        return "two rows or more are in one block only, and ranks are over several"
    lost = "; ".join(" ".join(block) for block in blocks if block not in counted)
    return f"fewer than two blocks have a seed that all rows and the reference have: not {lost}"


def _notes(
    grouped: Grouped,
    names: Sequence[str],
    blocks: Collection[Block],
    counted: Mapping[Block, _Means],
) -> tuple[str, ...]:
    all_rows = dict.fromkeys(parts[-1] for parts in grouped.row_parts.values())
    unranked = [name for name in all_rows if name not in names]
    lost = [" ".join(block) for block in blocks if block not in counted]
    told = [_seeds(counted)]
    diverged: dict[str, list[str]] = {}
    for block, means in counted.items():
        for name in means.diverged:
            diverged.setdefault(name, []).append(" ".join(block))
    told += [f"{name} diverged and is last at {', '.join(at)}" for name, at in diverged.items()]
    if unranked:
        told.append(f"not ranked, because the grid lacks it in a block: {', '.join(unranked)}")
    if lost:
        told.append(
            "blocks without a seed that all rows and the reference have, not counted: "
            f"{'; '.join(lost)}"
        )
    return tuple(told)


def _seeds(counted: Mapping[Block, _Means]) -> str:
    """Over how many seeds the means are, and where seeds are left out."""
    counts = sorted({means.seeds for means in counted.values()})
    number = f"{counts[0]}{f' to {counts[-1]}' * (len(counts) > 1)}"
    of = "seed" if counts == [1] else "seeds"
    left = [
        f"{means.left_out} of {means.left_out + means.seeds} at {' '.join(block)}"
        for block, means in counted.items()
        if means.left_out
    ]
    without = f"; left out, because not all have them: {', '.join(left)}" if left else ""
    return f"means are over the {number} {of} that all rows and the reference have{without}"
