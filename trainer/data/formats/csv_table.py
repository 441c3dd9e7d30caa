"""Reading CSV strictly: a header or none, numbers or an error that says where."""

import array
import csv
import gzip
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""What stands for a missing value, in lower case."""

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
"""The delimiters by name; "space" is any number of blanks and tabs."""

Row = tuple[int, list[str]]
"""The number of a line, from 1, and its cells without blanks around them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How a file is written, and where the label is.

    Attributes:
        delimiter: a key of `DELIMITERS`, or "space".
        header: "yes", "no", or "auto" to see by the first line.
        label: the name of the label's column, or None.
        label_column: its number from 1, where there is no name; -1 is the last.
    """

    delimiter: str = "comma"
    header: str = "auto"
    label: str | None = None
    label_column: int = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """What a file holds: features (n, d) float64, and a text for each row that is its label."""

    features: np.ndarray
    labels: tuple[str, ...]


def read_csv(path: Path, layout: Layout) -> Table:
    """Read a file, plain or gzipped.

    Raises:
        ValueError: for anything that is not a table of finite numbers with one label per row;
            names the file, the line and the column.
    """
    rows = _rows(path, layout.delimiter)
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{path}: there is nothing in the file")
    names = _header(first, layout, path)
    width, position = len(first[1]), _label_position(first, names, layout, path)
    if width < 2:
        raise ValueError(f"{path}: one column only; see the option delimiter")
    titles = names or [str(number) for number in range(1, width + 1)]
    numbers, labels = array.array("d"), []
    for row in rows if names else itertools.chain([first], rows):
        label = _check(row, width, position, titles, path)
        labels.append(label)
        numbers.extend(_numbers(row, position, titles, path))
    if not labels:
        raise ValueError(f"{path}: there is a header and nothing below it")
    if not names and layout.header == "auto":
        _refuse_doubtful_header(labels, path)
    features = np.frombuffer(numbers, dtype=np.float64).reshape(len(labels), width - 1)
    return Table(features=features, labels=tuple(labels))


def as_values(labels: Sequence[str]) -> np.ndarray:
    """Labels as numbers (n,) where all are, so that they sort as such; else as texts."""
    numbers = [_number(label) for label in labels]
    return np.array(labels if None in numbers else numbers)


def _rows(path: Path, delimiter: str) -> Iterator[Row]:
    opener = gzip.open if path.suffix == ".gz" else open
    line = 0
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            for line, cells in _lines(file, delimiter):
                if any(cells):
                    yield line, cells
    except (csv.Error, UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise ValueError(f"{path}: not a table of text after line {line}: {error}") from error


def _lines(file: Iterable[str], delimiter: str) -> Iterator[Row]:
    if delimiter == "space":
        yield from ((number, text.split()) for number, text in enumerate(file, start=1))
        return
    table = csv.reader(file, delimiter=DELIMITERS[delimiter], strict=True)
    for cells in table:
        yield table.line_num, [cell.strip() for cell in cells]


def _header(first: Row, layout: Layout, path: Path) -> list[str]:
    """The names of the columns; empty where the file has none."""
    line, cells = first
    if layout.header == "no":
        if layout.label is not None:
            raise ValueError("label is the name of a column, and header: no says there are none")
        return []
    named = layout.header == "yes" or layout.label is not None or _looks_named(first, layout, path)
    if not named:
        return []
    for name in cells:
        if not name or cells.count(name) > 1:
            what = f"two columns are called {name!r}" if name else "a column has no name"
            raise ValueError(f"{path}:{line}: {what}; give every column of the header its own name")
    return cells


def _looks_named(first: Row, layout: Layout, path: Path) -> bool:
    line, cells = first
    position = _label_position(first, [], layout, path)
    numeric = [_number(cell) is not None for at, cell in enumerate(cells) if at != position]
    if any(numeric) and not all(numeric):
        raise ValueError(
            f"{path}:{line}: neither all names nor all numbers; say header: yes or header: no"
        )
    return not any(numeric)


def _label_position(first: Row, names: list[str], layout: Layout, path: Path) -> int:
    line, cells = first
    if names and layout.label is not None:
        if layout.label not in names:
            raise ValueError(
                f"{path}:{line}: no column is called {layout.label!r}; there are {', '.join(names)}"
            )
        return names.index(layout.label)
    if layout.label_column == 0 or layout.label_column > len(cells):
        raise ValueError(
            f"{path}: label_column is {layout.label_column}; allowed: 1 to {len(cells)}, or -1 for "
            "the last"
        )
    return len(cells) - 1 if layout.label_column == -1 else layout.label_column - 1


def _check(row: Row, width: int, position: int, titles: list[str], path: Path) -> str:
    """The label of a row."""
    line, cells = row
    if len(cells) != width:
        raise ValueError(f"{path}:{line}: {len(cells)} columns, where the first line has {width}")
    if cells[position].lower() in MISSING:
        raise ValueError(f"{path}:{line}: the label (column {titles[position]}) is missing")
    return cells[position]


def _numbers(row: Row, position: int, titles: list[str], path: Path) -> list[float]:
    line, cells = row
    numbers = []
    for at, cell in enumerate(cells):
        if at == position:
            continue
        number = _number(cell)
        if number is None:
            missing = cell.lower() in MISSING
            what = "the value is missing" if missing else f"{cell!r} is no finite number"
            raise ValueError(f"{path}:{line}: column {titles[at]}: {what}")
        numbers.append(number)
    return numbers


def _number(text: str) -> float | None:
    """The finite number that a text writes in the usual ways; None for everything else."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def _refuse_doubtful_header(labels: Sequence[str], path: Path) -> None:
    first, *others = (_number(label) is not None for label in labels)
    if others and not first and all(others):
        raise ValueError(
            f"{path}: the first line has numbers and the label {labels[0]!r}, where all others are "
            "numbers; say header: yes or header: no"
        )
