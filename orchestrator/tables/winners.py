"""Which entry of a column is the best one."""

from collections.abc import Iterable, Mapping

from orchestrator.answers.grouping import Grouped, Key
from orchestrator.answers.measurements import BETTER, better_end, unit_of
from orchestrator.answers.results import AnswerError
from orchestrator.tables.entries import printed_mean


def winners(grouped: Grouped) -> frozenset[Key]:
    """The entries with the best mean of their column; none in a column of one entry.

    Where rows have several fields, those that agree in all but the innermost one compete: methods
    do on one data set, and not across data sets. Means are compared as they are printed, so that
    entries that read the same are marked alike. Never best is a mean that is not finite, and one
    of cells that are left because others failed.

    Raises:
        AnswerError: When nothing says which end of the measurement is better.
    """
    end = better_end(grouped)
    if end is None:
        raise AnswerError(
            f"which mean is best cannot be told: nothing says whether higher or lower is "
            f"better for {grouped.value!r}; it is known for: {', '.join(BETTER)}"
        )
    direction = 1 if end == "higher" else -1
    found: set[Key] = set()
    for means in _competitions(grouped):
        if len(means) > 1:
            best = max(direction * mean for mean in means.values())
            found |= {key for key, mean in means.items() if direction * mean == best}
    return frozenset(found)


def _competitions(grouped: Grouped) -> Iterable[Mapping[Key, float]]:
    """The printed means that are compared with each other."""
    unit = unit_of(grouped)
    groups: dict[tuple[str, ...], dict[Key, float]] = {}
    for row in grouped.rows:
        for column in grouped.columns:
            entry = grouped.entries.get((row, column))
            mean = printed_mean(entry, unit)
            if entry is not None and mean is not None and not entry.failures:
                outer = grouped.row_parts[row][:-1]
                groups.setdefault((column, *outer), {})[row, column] = mean
    return groups.values()
