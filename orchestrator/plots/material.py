"""What figures are drawn from: a grid's answers, and the rows of its cells in other tables."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
        store: Where they are, for what no table holds.
    """

    answers: Answers
    curves: "pa.Table"
    layers: "pa.Table"
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
        store=store,
    )
