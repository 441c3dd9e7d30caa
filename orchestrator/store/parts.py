"""Open parts of a generation: tables on the disk, of which only what is asked for is decoded."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.store.generations import open_newest
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.schema import arrow_schema, check_known, conformed

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenPart:
    """One table of a generation, open for reading. Make it with `open_parts`.

    Attributes:
        table: Name of the table.
        file: The open Parquet file.
    """

    table: str
    file: "pa.NativeFile"

    def dataset(self) -> "ds.Dataset":
        """All rows, undecoded; columns that the writer did not know yet are null."""
        import pyarrow.dataset as ds

        form = ds.ParquetFileFormat()
        return ds.FileSystemDataset([form.make_fragment(self.file)], arrow_schema(self.table), form)

    def rows(self, cells: Collection[str], columns: Sequence[str] | None = None) -> "pa.Table":
        """The rows at these cells, in the table's order.

        Groups of rows without one of the cells are not decoded.

        Args:
            cells: Ids of cells.
            columns: The columns to read, "cell" among them; all when None.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = arrow_schema(self.table)
        names = schema.names if columns is None else list(columns)
        wanted = pa.schema([schema.field(name) for name in names], metadata=schema.metadata)
        parquet = pq.ParquetFile(self.file)
        known = [name for name in names if name in parquet.schema_arrow.names]
        ids = pa.array(sorted(cells), pa.string())
        groups = list(_groups_with(parquet, ids)) if cells else []
        found = [at_cells(parquet.read_row_group(group, known), ids) for group in groups]
        return pa.concat_tables(
            [wanted.empty_table(), *(conformed(table, wanted) for table in found)]
        )


def open_parts(store: Store, tables: Collection[str]) -> tuple[int, dict[str, OpenPart]]:
    """The number of the newest generation, 0 before the first, and its parts of these tables.

    Raises:
        StoreError: When a part is damaged, or a newer program wrote it.
    """
    found = open_newest(store, tables)
    if found is None:
        return 0, {}
    generation, files = found
    parts = {name: OpenPart(table=name, file=file) for name, file in files.items()}
    for part in parts.values():
        _check_columns(part)
    return generation.number, parts


def at_cells(table: "pa.Table", cells: "pa.Array") -> "pa.Table":
    """The rows of a table at these cells."""
    import pyarrow.compute as pc

    return table.filter(pc.is_in(table["cell"], value_set=cells))


def _check_columns(part: OpenPart) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(part.file).names
    except pa.ArrowInvalid as error:
        raise StoreError(f"the part that holds table {part.table} is damaged: {error}") from error
    check_known(part.table, names)


def _groups_with(parquet: "pq.ParquetFile", cells: "pa.Array") -> Iterator[int]:
    """The groups of rows in which one of the cells occurs."""
    for group in range(parquet.num_row_groups):
        if len(at_cells(parquet.read_row_group(group, ["cell"]), cells)):
            yield group
