"""What figures are drawn from: a grid's answers, and the rows of its cells in other tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grids.probe_texts import probe_name
from orchestrator.answers.results import Answers
from orchestrator.store import Store
from orchestrator.store.reading import read_tables

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """The results of exactly the asked cells.

    Attributes:
        answers: The cells, with their measurements.
        curves: Rows of the table curves that answer for those of them that completed.
        layers: The same of the table layers.
        probe_of: Measurement to the probe that gave it, of those that a probe gave.
        store: Where they are, for what no table holds.
    """

    answers: Answers
    curves: "pa.Table"
    layers: "pa.Table"
    probe_of: Mapping[str, str]
    store: Store


def gather(store: Store, answers: Answers) -> Material:
    """The material for figures of these answers.

    Raises:
        StoreError: When the store is damaged.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    tables = read_tables(store).tables
    cells = pa.array([answer.cell for answer in answers.completed], pa.string())
    asked = pc.field("answers") & pc.field("cell").isin(cells)
    return Material(
        answers=answers,
        curves=tables["curves"].filter(asked),
        layers=tables["layers"].filter(asked),
        probe_of=_probe_of(tables["metrics"].filter(asked)),
        store=store,
    )


def _probe_of(metrics: "pa.Table") -> dict[str, str]:
    kinds = metrics.group_by(["metric", "probe"]).aggregate([]).to_pylist()
    return {row["metric"]: probe_name(row["probe"]) for row in kinds if row["probe"] is not None}
