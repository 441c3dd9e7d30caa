"""Folding: records and the tables folded before become the tables of now.

Readers and compaction use the same `fold`, so an answer never depends on what is still hot. The
result depends on the records alone: rows are sorted, file options are fixed, and nothing says
when, where or in how many steps the folding happened.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.store.answering import COMPLETED, first_holders, ranked
from orchestrator.store.index_part import (
    INDEX,
    IndexEntry,
    decode_index,
    encode_index,
    entry_of,
    origin,
)
from orchestrator.store.measured import Output
from orchestrator.store.records import Curve, Record, canonical_json, check_same_cell
from orchestrator.store.rows import curve_columns, layer_rows, metric_rows, result_row
from orchestrator.store.schema import SORT_KEYS, TABLES, arrow_schema, check_known, conformed

if TYPE_CHECKING:
    import pyarrow as pa

_ROW_GROUP = 131_072  # rows; fixed, because it changes the bytes of a file


Outcome = tuple[Record, Curve | None]
"""A record and its curve; None when it left none, or none that can be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Folded:
    """What a set of attempts folds into.

    Attributes:
        tables: Table name to Arrow table, sorted, as `schema` describes them. It may lack tables
            that nobody asks for; then what is folded on top lacks them too.
        entries: One index entry per attempt, by (cell, attempt).
        canonicals: Cell id to canonical JSON.
    """

    tables: Mapping[str, "pa.Table"]
    entries: Sequence[IndexEntry]
    canonicals: Mapping[str, str]

    def holds(self) -> set[tuple[str, str]]:
        """The (cell, attempt) of every attempt in it."""
        return {(entry.cell, entry.attempt) for entry in self.entries}


def nothing() -> Folded:
    """What no attempts fold into: empty tables."""
    tables = {table: arrow_schema(table).empty_table() for table in TABLES}
    return Folded(tables=tables, entries=(), canonicals={})


def fold(before: Folded, outcomes: Sequence[Outcome]) -> Folded:
    """Add attempts that are not in `before` yet.

    Raises:
        CollisionError: When two different cells carry one id.
    """
    canonicals = dict(before.canonicals)
    for record, _ in outcomes:
        text = canonical_json(record.canonical)
        check_same_cell(record.cell, canonicals.setdefault(record.cell, text), text)
    entries = [*before.entries, *(entry_of(record) for record, _ in outcomes)]
    entries.sort(key=lambda entry: (entry.cell, entry.attempt))
    tables = _with_rows(before.tables, _new_rows(outcomes, before.tables))
    tables = _with_answers(tables, entries)
    ordered = {name: _sorted(name, table) for name, table in tables.items()}
    return Folded(tables=ordered, entries=entries, canonicals=dict(sorted(canonicals.items())))


def encode(folded: Folded) -> dict[str, bytes]:
    """The parts of a generation: every table as Parquet, and the index."""
    parts = {name: _to_parquet(table) for name, table in folded.tables.items()}
    return {**parts, INDEX: encode_index(folded.entries, folded.canonicals)}


def decode(parts: Mapping[str, bytes]) -> Folded:
    """The inverse of `encode`; columns that the writer did not know yet are null.

    Raises:
        StoreError: When a table has columns that this program does not know.
    """
    entries, canonicals = decode_index(parts[INDEX])
    tables = {name: _from_parquet(name, parts[name]) for name in TABLES}
    return Folded(tables=tables, entries=entries, canonicals=canonicals)


def _new_rows(outcomes: Sequence[Outcome], wanted: Collection[str]) -> dict[str, "pa.Table"]:
    import pyarrow as pa

    tables = {}
    for name in wanted:
        schema = arrow_schema(name)
        if name == "curves":
            tables[name] = pa.table(_new_points(outcomes), schema=schema)
        else:
            rows = [row for record, _ in outcomes for row in _ROWS[name](record)]
            tables[name] = pa.Table.from_pylist(rows, schema=schema)
    return tables


_ROWS: Mapping[str, Callable[[Record], Iterable[dict[str, Any]]]] = {
    "results": lambda record: [result_row(record)],
    "metrics": metric_rows,
    "layers": layer_rows,
}


def _new_points(outcomes: Iterable[Outcome]) -> dict[str, list[Any]]:
    points: dict[str, list[Any]] = {column.name: [] for column in TABLES["curves"]}
    for record, curve in outcomes:
        for name, values in curve_columns(record, curve or {}).items():
            points[name].extend(values)
    return {**points, "answers": [None] * len(points["cell"])}


def _with_rows(
    tables: Mapping[str, "pa.Table"], rows: Mapping[str, "pa.Table"]
) -> dict[str, "pa.Table"]:
    import pyarrow as pa

    return {
        name: pa.concat_tables([table, rows[name]]).combine_chunks()
        for name, table in tables.items()
    }


def _with_answers(
    tables: Mapping[str, "pa.Table"], entries: Iterable[IndexEntry]
) -> dict[str, "pa.Table"]:
    by_cell: dict[str, list[IndexEntry]] = defaultdict(list)
    for entry in entries:
        by_cell[entry.cell].append(entry)
    return {name: _answered(name, table, by_cell) for name, table in tables.items()}


def _answered(name: str, table: "pa.Table", by_cell: Mapping[str, list[IndexEntry]]) -> "pa.Table":
    if name == "metrics":
        return _marked(table, ("cell", "attempt", "metric"), _holders(table, by_cell))
    choose = _with_curve if name == "curves" else _first
    answering = [_named(choose(ranked(attempts))) for attempts in by_cell.values()]
    return _marked(table, ("cell", "attempt"), answering)


def _first(attempts: Sequence[IndexEntry]) -> IndexEntry:
    return attempts[0]


def _with_curve(attempts: Sequence[IndexEntry]) -> IndexEntry:
    """The attempt whose curve answers: of those with the first one's bits, that with most probes.

    So the curves of probes that were asked for later are seen, beside a curve that is the same.
    """
    first, *others = attempts
    if first.state != COMPLETED or first.tier != "exact":
        return first
    alike = [one for one in others if one.curve and origin(one) == origin(first)]
    return max([first, *alike], key=lambda one: len(one.probes))


def _named(entry: IndexEntry) -> str:
    return f"{entry.cell}/{entry.attempt}"


def _holders(metrics: "pa.Table", by_cell: Mapping[str, list[IndexEntry]]) -> list[str]:
    """The "cell/attempt/metric" that answer, each output of a cell for itself."""
    held: dict[str, dict[str, list[Output]]] = defaultdict(lambda: defaultdict(list))
    for row in metrics.select(["cell", "attempt", "metric", "probe"]).to_pylist():
        held[row["cell"]][row["attempt"]].append((row["metric"], row["probe"]))
    return [
        f"{cell}/{attempt}/{metric}"
        for cell, outputs in held.items()
        for (metric, _), attempt in first_holders(by_cell[cell], outputs).items()
    ]


def _marked(table: "pa.Table", keys: tuple[str, ...], answering: list[str]) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute as pc

    names = pc.binary_join_element_wise(*(table[key] for key in keys), "/")
    answers = pc.is_in(names, value_set=pa.array(answering, pa.string()))
    position = table.schema.get_field_index("answers")
    return table.set_column(position, table.schema.field(position), answers)


def _sorted(name: str, table: "pa.Table") -> "pa.Table":
    return table.sort_by([(key, "ascending") for key in SORT_KEYS[name]])


def _to_parquet(table: "pa.Table") -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        version="2.6",
        compression="zstd",
        compression_level=3,
        row_group_size=_ROW_GROUP,
        data_page_version="1.0",
    )
    return bytes(sink.getvalue())


def _from_parquet(name: str, data: bytes) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(data))
    check_known(name, table.column_names)
    return conformed(table, arrow_schema(name))
