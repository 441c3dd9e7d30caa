"""What stands around a table: its caption, and the notes below it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestrator.answers.measurements import unit_of, words_of
from orchestrator.tables.entries import not_finite
from orchestrator.tables.marks import comparison_notes

if TYPE_CHECKING:
    from orchestrator.tables.table import Table


def caption_of(table: "Table") -> str:
    """What the numbers are: the measurements, their units, and over how many seeds."""
    names = [words_of(each.value) + unit_of(each).words for each in table.groups]
    name = _listed(names).capitalize()
    if not any(entry.summary for each in table.groups for entry in each.entries.values()):
        return f"{name}, no results."
    over = [f"{field} ({count})" for field, count in table.grouped.averaged.items()]
    parts = [name, *([f"mean over {_listed(over)} within each seed"] if over else [])]
    n = table.grouped.common_n if common_n(table) else None
    if n == 1:
        return f"{', '.join([*parts, 'one seed'])}."
    then = "then " if over else ""
    seeds = f"over {f'n = {n}' if n else '(n)'} seeds"
    return f"{', '.join([*parts, f'{then}{_numbers(table)} {seeds}'])}."


def common_n(table: "Table") -> bool:
    """Whether the caption tells n: all entries of all measurements have as many seeds."""
    counts = {each.common_n for each in table.groups}
    return len(counts) == 1 and None not in counts


def notes_of(table: "Table") -> tuple[str, ...]:
    """Footnotes: the cells left out and whatever makes the entries less comparable."""
    notes = [note for each in table.groups for note in (*each.gaps, *each.notes)]
    count = sum(not_finite(each) for each in table.groups)
    if count:
        have = "entry has" if count == 1 else "entries have"
        notes.append(f"{count} {have} no finite mean, because a measurement is not finite")
    if table.compared:
        pairs = zip(table.groups, table.compared, strict=True)
        notes += [note for grouped, against in pairs for note in comparison_notes(grouped, against)]
    return tuple(dict.fromkeys(notes))


def _listed(names: Sequence[str]) -> str:
    """The names as a sentence lists them: "a, b and c"."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _numbers(table: "Table") -> str:
    confidence = f"{100 * table.confidence:g} % confidence interval"
    return {
        "std": "mean ± standard deviation",
        "ci": f"mean ± half width of the {confidence}",
        "none": "mean",
    }[table.spread]
