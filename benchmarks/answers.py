"""How long answers take on a large store: a query, `status`, folding, merging, some cells' rows.

A store of 1,000,000 result rows is made in memory by the store's own functions: records are folded,
their rows copied under other ids and seeds, and published as a generation. The same rows lie in
1,000 Parquet files for pandas. With `--quick` there are a tenth of the rows and files. The arms
take turns: our query, DuckDB over the same compacted file, pandas over the many files.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from grids.cell import Cell, Component
from harness import Arm, Figure, Report, begin, interleave, parser, ratio, timed
from orchestrator.answers.query import run_query
from orchestrator.answers.results import fields_of_cell
from orchestrator.keeping.merging import merge, plan_merge
from orchestrator.store.adopting import adopt
from orchestrator.store.compaction import compact
from orchestrator.store.folding import Folded, encode, fold, nothing
from orchestrator.store.generations import Generation, newest, publish_generation, write_parts
from orchestrator.store.layout import Store
from orchestrator.store.live import read_rows
from orchestrator.store.records import Record, encode_curve, publish_batch, timestamp
from orchestrator.store.written import Written

ROOT = Path(__file__).resolve().parents[1]
ROWS, FILES, FOLDED, CELLS = 1_000_000, 1_000, 20_000, 100_000
BASE = 10_000  # rows that are folded from records; the others are copies of them
METHODS = ("static", "set", "rigl", "gmp", "snip", "grasp", "synflow", "imp", "granet", "str")
DENSITIES = ("0.01", "0.02", "0.05", "0.1", "0.2", "0.3", "0.4", "0.5", "0.7", "0.9")
GROUPED = (
    "SELECT method, density, avg(test_accuracy) AS mean, stddev(test_accuracy) AS std, "
    "count(*) AS n FROM {} WHERE {} AND state = 'COMPLETED' GROUP BY ALL ORDER BY ALL"
)
BY_STATE = "SELECT state, count(*) AS n FROM cells GROUP BY ALL"
COLUMNS = ["answers", "state", "method", "density", "test_accuracy"]
MADE_BY = {
    "code": "c0de", "environment": "e0", "torch": "2.15.0", "python": "3.11.7", "host": "node1",
    "machine": "x86_64", "device": "cpu", "engine": "stack", "stack_width": 6, "tier": "exact",
    "threads": 1, "backend": "slurm", "grid": "many", "pack": "ab12", "pack_size": 50,
    "seconds": 2.5, "device_seconds": 2.5, "memory_mb": 300.0, "resumed_step": 0,
    "topology_updates": 4,
}  # fmt: skip


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__ or "").parse_args()
    report = begin("answers", arguments)
    share = 10 if arguments.quick else 1
    rounds = 5 if arguments.quick else 9
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure_queries(report, folder, ROWS // share, FILES // share, rounds)
        measure_status(report, folder / "status", CELLS // share, rounds)
        measure_folding(report, folder, FOLDED // share, 3)
        measure_merging(report, folder, FOLDED // share, 3)
    report.finish(arguments.json)


def measure_queries(report: Report, folder: Path, rows: int, files: int, rounds: int) -> None:
    """One aggregate three ways, the command's own wall time, and the rows of a small grid."""
    store, table = large_store(folder / "large", rows)
    split(table, folder / "many", files)
    generation = newest(store)
    assert generation is not None
    part = store.generations / generation.parts["results"].file
    arms = {
        "query": timed(lambda: run_query(store, GROUPED.format("results", "true"))),
        "duckdb": timed(lambda: plain_duckdb(part)),
        "pandas": timed(lambda: many_files(folder / "many")),
    }
    samples = interleave(arms, rounds=rounds)
    report.keep("seconds", samples)
    asked = 0.3 if rows == ROWS else None
    report.add(seconds(f"query over {rows:,} rows, warm", samples["query"], asked))
    report.add(ratio("pandas over many files / query", samples["pandas"], samples["query"]))
    report.add(ratio("query / DuckDB over the same file", samples["query"], samples["duckdb"]))
    cells = table["cell"].slice(rows // 2, 500).to_pylist()
    sql = GROUPED.format("results", "true")
    more = interleave(
        {
            "all cells": timed(lambda: run_query(store, BY_STATE)),
            "rows of 500 cells": timed(lambda: read_rows(store, {"results": None}, cells)),
            "command": command("query", sql, "--store", store.root),
        },
        rounds=3,
    )  # fmt: skip
    report.keep("seconds", more)
    for name, values in more.items():
        report.add(seconds(f"{name} of {rows:,} rows", values))


def measure_status(report: Report, folder: Path, cells: int, rounds: int) -> None:
    """`status` of a submission of which every cell is done and folded, as a process of its own."""
    from orchestrator.submissions.submission import Submission, publish_submission

    store = Store.create(folder)
    grid = [a_cell(number) for number in range(cells)]
    publish_generation(store, _generation(store, fold(nothing(), list(map(outcome, grid)))))
    publish_submission(
        store,
        Submission(
            grid="many", number=1, source="/grids/many.yaml", text="name: many\n", overrides=(),
            backend="inline", slots=1, data_root=None, code="c0de", submitted_at=timestamp(0.0),
            cells=grid,
        ),
    )  # fmt: skip
    arm = command("status", "many", "--store", store.root)
    samples = interleave({"status": arm}, rounds=rounds)
    report.keep("seconds", samples)
    asked = 2.0 if cells == CELLS else None
    report.add(seconds(f"status of {cells:,} cells", samples["status"], asked))


def measure_folding(report: Report, folder: Path, records: int, rounds: int) -> None:
    """Compaction of so many hot records, which lie on the disk as workers publish them."""
    outcomes = [outcome(a_cell(number)) for number in range(records)]
    stores = iter([hot_store(folder / f"hot{turn}", outcomes) for turn in range(rounds + 1)])
    os.sync()
    arm = timed(lambda: compact(next(stores)))
    samples = interleave({"compaction": arm}, rounds=rounds)
    report.keep("seconds", samples)
    asked = 5.0 if records == FOLDED else None
    report.add(seconds(f"compaction of {records:,} records", samples["compaction"], asked))


def measure_merging(report: Report, folder: Path, records: int, rounds: int) -> None:
    """`merge` of a store of so many attempts with curves into a new one, planning included."""
    source = Store.create(folder / "merged")
    adopt(source, (_with_curve(outcome(a_cell(number))[0]) for number in range(records)))
    targets = iter([folder / f"into{turn}" for turn in range(rounds + 1)])
    arm = timed(lambda: merge(plan_merge([source.root], next(targets))))
    samples = interleave({"merge": arm}, rounds=rounds)
    report.keep("seconds", samples)
    asked = 15.0 if records == FOLDED else None
    report.add(seconds(f"merge of {records:,} attempts with curves", samples["merge"], asked))


def _with_curve(record: Record) -> Written:
    """The record as if it had left a curve of 20 epochs."""
    points = [float(epoch) for epoch in range(20)]
    curve = encode_curve(dict.fromkeys(("epoch", "step", "train_loss", "val_accuracy"), points))
    record = replace(record, curve=True)
    return Written(record=record, text=record.to_json(), curve=curve)


def a_cell(number: int) -> Cell:
    """Cell number so and so: ten methods, ten densities, then seeds."""
    return Cell(
        method=Component(name=METHODS[number % 10]),
        density=DENSITIES[number // 10 % 10],
        dataset=Component(name="digits"),
        model=Component(name="mlp"),
        seed=number // 100,
    )


def outcome(cell: Cell) -> tuple[Record, None]:
    """A completed attempt at a cell, without a curve."""
    accuracy = int(cell.id[:6], 16) / 2**24
    record = Record(
        cell=cell.id, attempt="20261120T231400.000001Z-00000000", state="COMPLETED",
        canonical=cell.canonical(), fields=fields_of_cell(cell),
        started_at=timestamp(1e9), finished_at=timestamp(1e9 + 1), provenance=MADE_BY,
        metrics={"test_accuracy": accuracy, "val_accuracy": accuracy, "density": 0.05},
        layers=[{"layer": "fc1", "shape": [256, 64], "total": 16384, "active": 819}],
    )  # fmt: skip
    return record, None


def large_store(folder: Path, rows: int) -> tuple[Store, pa.Table]:
    """A store whose generation has so many results, and these."""
    from orchestrator.store.schema import SORT_KEYS

    folded = fold(nothing(), [outcome(a_cell(number)) for number in range(BASE)])
    copies = [copied(folded.tables["results"], turn) for turn in range(rows // BASE)]
    order = [(key, "ascending") for key in SORT_KEYS["results"]]
    table = pa.concat_tables(copies).sort_by(order)
    store = Store.create(folder)
    empty = nothing()
    whole = Folded(tables={**empty.tables, "results": table}, entries=(), canonicals={})
    publish_generation(store, _generation(store, whole, rows))
    return store, table


def copied(results: pa.Table, turn: int) -> pa.Table:
    """The same rows at other cells, with other seeds and accuracies."""
    draws = np.random.default_rng(turn)
    names = [f"{turn}{cell}".encode() for cell in results["cell"].to_pylist()]
    cells = [hashlib.sha256(name).hexdigest()[:16] for name in names]
    changed = {
        "cell": pa.array(cells),
        "seed": pa.array(np.asarray(results["seed"]) + turn * (BASE // 100)),
        "test_accuracy": pa.array(draws.random(len(results))),
        "val_accuracy": pa.array(draws.random(len(results))),
    }
    for name, column in changed.items():
        place = results.schema.get_field_index(name)
        results = results.set_column(place, results.schema.field(name), column)
    return results


def split(table: pa.Table, folder: Path, files: int) -> None:
    """The rows in many files, as one per pack or job would be."""
    folder.mkdir()
    size = len(table) // files
    for number in range(files):
        pq.write_table(table.slice(number * size, size), folder / f"{number:05d}.parquet")


def hot_store(folder: Path, outcomes: list[tuple[Record, None]]) -> Store:
    """A store with hot records and nothing else."""
    store = Store.create(folder)
    for start in range(0, len(outcomes), 5000):
        publish_batch(store, outcomes[start : start + 5000])
    return store


def plain_duckdb(part: Path) -> object:
    """The same aggregate as anybody would write it over the compacted file."""
    source = f"read_parquet('{part}')"
    with duckdb.connect() as connection:
        return connection.sql(GROUPED.format(source, "answers")).to_arrow_table()


def many_files(folder: Path) -> object:
    """The same aggregate in pandas, as fast as its users write it: only the needed columns."""
    frames = [pd.read_parquet(path, columns=COLUMNS) for path in sorted(folder.glob("*.parquet"))]
    whole = pd.concat(frames)
    done = whole[whole.answers & (whole.state == "COMPLETED")]
    return done.groupby(["method", "density"]).test_accuracy.agg(["mean", "std", "count"])


def command(*arguments: object) -> Arm:
    """An arm that runs the command line as a process of its own."""
    code = "from orchestrator.cli import main; main()"
    line = [sys.executable, "-c", code, *map(str, arguments)]
    return timed(lambda: subprocess.run(line, cwd=ROOT, stdout=subprocess.DEVNULL, check=True))


def seconds(name: str, values: list[float], asked: float | None = None) -> Figure:
    """The median of some times against a limit."""
    return Figure(
        name=name, value=float(np.median(values)), unit=" s", asked=asked, better="lower",
        low=min(values), high=max(values),
    )  # fmt: skip


def _generation(store: Store, folded: Folded, attempts: int = 0) -> Generation:
    return write_parts(store, 1, attempts or len(folded.entries), encode(folded))


if __name__ == "__main__":
    main()
