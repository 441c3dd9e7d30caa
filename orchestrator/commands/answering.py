"""query, table, plot: answers from the records of a store."""

from typing import Annotated

import typer

from orchestrator.commands.arguments import DEFAULT_STORE, StoreFolder, SubmittedGrid


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT over the store's tables.")],
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Ask the tables results, metrics, curves and layers with SQL. Reads only."""


def table(
    grid: SubmittedGrid = None,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Show mean and spread over seeds of a grid's cells."""


def plot(
    grid: SubmittedGrid = None,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Draw accuracy over density of a grid's cells."""
