"""Axes and zip groups: the parts of a grid that take several values, as factors of a product."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from grids.fields import AXIS, Path, Setting, check_key, entries_of, one_setting
from grids.problems import Collector, Where, show
from grids.reading import Node


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """Rows of settings of which a cell takes one; a grid is the product of its factors.

    `what` names it in messages ("axis density"). Base is a factor of one row.
    """

    what: str
    where: Where
    rows: tuple[tuple[Setting, ...], ...]

    def paths(self) -> dict[Path, None]:
        """The paths that its rows set, in order."""
        return {setting.path: None for row in self.rows for setting in row}

    def without(self, paths: Iterable[Path]) -> "Factor":
        """The same rows with these paths left unset."""
        gone = set(paths)
        rows = tuple(tuple(s for s in row if s.path not in gone) for row in self.rows)
        return Factor(what=self.what, where=self.where, rows=rows)


def read_axes(node: Node, problems: Collector) -> list[Factor]:
    """One factor per entry of `axes`, in the order of the file."""
    factors = []
    for key, values in entries_of(node).items():
        path = check_key(key, values, problems)
        if path is not None and _is_list_of_values(f"axis {path}", values, problems):
            factors.append(axis(path, _items(values), values.where, AXIS, problems))
    return factors


def axis(
    path: Path, values: Sequence[Node], where: Where, layer: int, problems: Collector
) -> Factor:
    """The factor that gives one path several values; a value given twice is a problem."""
    _note_repeats(f"axis {path}", [(value,) for value in values], problems)
    rows = [tuple(one_setting(path, value, layer, problems)) for value in values]
    return Factor(what=f"axis {path}", where=where, rows=tuple(rows))


def read_zip(node: Node, problems: Collector) -> list[Factor]:
    """One factor per group of `zip`; the lists of a group advance together."""
    if isinstance(node.value, dict):
        problems.add(node.where, "zip is a mapping; allowed: a list of groups", "write - before it")
        return []
    groups = _items(node) if isinstance(node.value, tuple) else ()
    if not groups:
        message = f"zip is {show(node.plain())}; allowed: a list of groups"
        problems.add(node.where, message, "give a group, or remove zip")
    factors = (_zip_group(group, problems) for group in groups)
    return [factor for factor in factors if factor is not None]


def note_overlaps(factors: Sequence[Factor], problems: Collector) -> None:
    """Note every path that two factors set: it cannot take two values in one cell."""
    owners: dict[Path, Factor] = {}
    for factor in factors:
        for path in factor.paths():
            if path in owners:
                message = f"{path} is set twice: also by {owners[path].what}"
                problems.add(factor.where, f"{message} in {owners[path].where}")
            owners.setdefault(path, factor)


def _zip_group(group: Node, problems: Collector) -> Factor | None:
    if not isinstance(group.value, dict) or not group.value:
        message = f"a zip group is {show(group.plain())}; allowed: a mapping of fields to lists"
        problems.add(group.where, message)
        return None
    columns: dict[Path, Sequence[Node]] = {}
    complete = True
    for key, values in group.value.items():
        path = check_key(key, values, problems)
        if path is not None and _is_list_of_values(f"zip list {path}", values, problems):
            columns[path] = _items(values)
        else:
            complete = False
    if not complete or not _equally_long(group.where, columns, problems):
        return None
    return _zipped(group.where, columns, problems)


def _equally_long(where: Where, columns: dict[Path, Sequence[Node]], problems: Collector) -> bool:
    if len({len(values) for values in columns.values()}) == 1:
        return True
    lengths = ", ".join(f"{path} has {len(values)}" for path, values in columns.items())
    problems.add(where, f"zip needs lists of one length: {lengths}")
    return False


def _zipped(where: Where, columns: dict[Path, Sequence[Node]], problems: Collector) -> Factor:
    what = f"zip of {', '.join(map(str, columns))}"
    _note_repeats(what, list(zip(*columns.values(), strict=True)), problems)
    by_column = [
        [one_setting(path, value, AXIS, problems) for value in values]
        for path, values in columns.items()
    ]
    rows = (tuple(chain.from_iterable(parts)) for parts in zip(*by_column, strict=True))
    return Factor(what=what, where=where, rows=tuple(rows))


def _is_list_of_values(what: str, node: Node, problems: Collector) -> bool:
    if isinstance(node.value, tuple) and node.value:
        return True
    if node.value in ((), None):
        problems.add(node.where, f"the {what} is empty", "give at least one value, or remove it")
    else:
        given = show(node.plain())
        message = f"the {what} is {given}; allowed: a list of values"
        problems.add(node.where, message, f"write [{given}]" if len(given) < 40 else "")
    return False


def _items(node: Node) -> tuple[Node, ...]:
    return node.value if isinstance(node.value, tuple) else ()


def _note_repeats(what: str, rows: Sequence[tuple[Node, ...]], problems: Collector) -> None:
    seen: dict[Any, Where] = {}
    for row in rows:
        key = tuple(_comparable(node.plain()) for node in row)
        if key in seen:
            given = ", ".join(show(node.plain()) for node in row)
            problems.add(row[0].where, f"the {what} has {given} twice; first in {seen[key]}")
        seen.setdefault(key, row[0].where)


def _comparable(plain: Any) -> Any:
    """A hashable twin of plain data; a component with no options equals its bare name."""
    if isinstance(plain, dict):
        if plain.keys() == {"name"}:
            return _comparable(plain["name"])
        return tuple((key, _comparable(plain[key])) for key in sorted(plain))
    if isinstance(plain, list):
        return tuple(map(_comparable, plain))
    return plain
