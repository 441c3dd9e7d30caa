"""How long the run of a cell can be, as far as that is known before its data are read."""

import math
from collections.abc import Iterable
from decimal import Decimal

from grids.artifacts import rewind_step
from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.problems import GridError
from grids.traits import filled

Asked = tuple[Cell, Iterable[str]]
"""A cell, and the names of the artifacts that it shall leave."""


def most_steps(cell: Cell, catalogue: Catalogue) -> int | None:
    """At most so many optimizer steps; None where the size of the dataset is not known.

    The training split is smaller than the dataset, whose trait `examples` is a number or names the
    option that holds it, so that a run usually has fewer.
    """
    entry = catalogue.entry("dataset", cell.dataset.name)
    if "examples" not in entry.traits:
        return None
    examples = int(filled(entry.traits["examples"], entry.settings(cell.dataset)))
    used = max(1, math.floor(Decimal(cell.data_ratio) * examples + Decimal("0.5")))
    recipe = cell.settings()
    return math.ceil(used / int(str(recipe["batch"]))) * int(str(recipe["epochs"]))


def refuse_steps_beyond(asked: Iterable[Asked], catalogue: Catalogue) -> None:
    """Refuse artifacts of steps that no run of their cells can reach.

    Raises:
        GridError: Naming each such step, one of its cells and how long a run is at most.
    """
    wrong: dict[tuple[str, int], str] = {}
    for cell, names in asked:
        steps = [(name, step) for name in names if (step := rewind_step(name)) is not None]
        most = most_steps(cell, catalogue) if steps else None
        for name, step in steps:
            if most is not None and step > most:
                text = f"{name} of {cell.label()}: its run has at most {most} steps"
                wrong.setdefault((name, most), text)
    if wrong:
        raise GridError("\n".join(wrong.values()))
