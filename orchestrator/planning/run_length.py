"""Which steps the run of a cell takes, as far as that is known before its data are read."""

import math
from collections.abc import Iterable, Iterator, Mapping
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


def first_step(cell: Cell, catalogue: Catalogue) -> int:
    """The step that the training of a cell goes on from, by its method's trait `first_step`.

    The trait names the option that holds it; without the trait a run begins at 0.
    """
    entry = catalogue.entry("method", cell.method.name)
    trait = entry.traits.get("first_step")
    return 0 if trait is None else int(filled(trait, entry.settings(cell.method)))


def refuse_other_steps(asked: Iterable[Asked], catalogue: Catalogue) -> None:
    """Refuse artifacts of steps that no run of their cells takes, and runs without a step.

    Raises:
        GridError: Naming each such step, one of its cells and the steps that a run takes.
    """
    wrong: dict[str, str] = {}
    for cell, names in asked:
        steps = {name: step for name in names if (step := rewind_step(name)) is not None}
        first = first_step(cell, catalogue)
        most = most_steps(cell, catalogue) if steps or first else None
        for problem in _problems(steps, first, math.inf if most is None else most):
            wrong.setdefault(problem, problem.format(cell=cell.label()))
    if wrong:
        raise GridError("\n".join(wrong.values()))


def _problems(steps: Mapping[str, int], first: int, most: float) -> Iterator[str]:
    # Without the cell, so that a problem that many cells have is told of one.
    if first >= most:
        yield f"{{cell}} goes on from step {first}: its run has at most {most} steps"
        return
    for name, step in steps.items():
        if step > most:
            yield f"{name} of {{cell}}: its run has at most {most} steps"
        if step <= first:
            yield f"{name} of {{cell}}: its run goes on from step {first}"
