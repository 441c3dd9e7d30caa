"""What every entry of a table is compared with: the reference row, here or in its one column."""

from collections.abc import Mapping, Sequence

from orchestrator.answers.grouping import Grouped, Key
from orchestrator.answers.results import AnswerError, not_found


def references_of(grouped: Grouped, against: str) -> Mapping[Key, Key]:
    """Every entry that is to be compared, with its reference.

    Where rows or columns have several fields, entries that agree in all but the innermost of each
    are compared: methods on one data set, and not across data sets. Each is compared with the
    reference row in its own column; with that of another one only where the row does not depend on
    the innermost column field (`Grouped.fixed`), as dense at density 1 does not on the density.

    Args:
        grouped: The entries.
        against: The reference row, by the innermost part of its name.

    Raises:
        AnswerError: When there is no such row, or it is not there to be compared with.
    """
    inner = {row: parts[-1] for row, parts in grouped.row_parts.items()}
    if against not in inner.values():
        rows = list(dict.fromkeys(inner.values()))
        fields = ",".join(grouped.row_fields)
        raise not_found(f"no row {against!r}: no cell has it as {fields}", against, rows, "rows")
    blocks: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Key]] = {}
    for row, column in grouped.entries:
        outer = grouped.row_parts[row][:-1], grouped.column_parts[column][:-1]
        blocks.setdefault(outer, []).append((row, column))
    found: dict[Key, Key] = {}
    for keys in blocks.values():
        own = [key for key in keys if inner[key[0]] == against]
        others = [key for key in keys if inner[key[0]] != against]
        found |= _in_block(own, others, grouped, against)
    return found


def _in_block(
    own: Sequence[Key], others: Sequence[Key], grouped: Grouped, against: str
) -> Mapping[Key, Key]:
    """The reference of every other entry among those of the reference row."""
    if len(own) == 1 and own[0] in grouped.fixed:
        return dict.fromkeys(others, own[0])
    by_column = {column: (row, column) for row, column in own}
    lacking = list(dict.fromkeys(column for _, column in others if column not in by_column))
    if lacking:
        raise AnswerError(
            f"{against} cannot be the reference: it is not there at {', '.join(lacking)}"
            f"{_elsewhere(list(by_column), grouped.column_fields[-1])}; take another one, or leave "
            "these out with --where"
        )
    return {key: by_column[key[1]] for key in others}


def _elsewhere(columns: Sequence[str], field: str) -> str:
    """Where the reference row is instead, and why one place is not enough."""
    if not columns:
        return ""
    if len(columns) > 1:
        return f", nor in one column only, but at {', '.join(columns)}"
    return f", and what it is at {columns[0]} depends on the {field}"
