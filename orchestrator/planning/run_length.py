"""Which steps the run of a cell takes, where that is known before its data are read."""

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


def total_steps(cell: Cell, catalogue: Catalogue) -> int | None:
    """The optimizer steps of a cell's run; None where only the dataset's files tell."""
    examples = training_examples(cell, catalogue)
    if examples is None:
        return None
    recipe = cell.settings()
    return math.ceil(examples / int(str(recipe["batch"]))) * int(str(recipe["epochs"]))


def training_examples(cell: Cell, catalogue: Catalogue) -> int | None:
    """How many examples a cell trains on, by its dataset's trait `class_sizes`.

    Of every class the shares for validation and testing are taken, rounded half up, and of what is
    left the cell's data ratio: as `trainer/data/bundle.py` does, to which a test holds it.
    """
    entry = catalogue.entry("dataset", cell.dataset.name)
    sizes = entry.traits.get("class_sizes")
    if sizes is None:
        return None
    options = entry.settings(cell.dataset)
    if isinstance(sizes, Mapping):
        examples, classes = (int(str(options[sizes[name]])) for name in ("examples", "classes"))
        sizes = [(examples + classes - 1 - label) // classes for label in range(classes)]
    held_out = [float(str(options[name])) for name in ("val_fraction", "test_fraction")]
    train = sum(size - sum(math.floor(f * size + 0.5) for f in held_out) for size in sizes)
    return max(1, math.floor(Decimal(cell.data_ratio) * train + Decimal("0.5")))


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
        total = total_steps(cell, catalogue) if steps or first else None
        for problem in _problems(steps, first, math.inf if total is None else total):
            wrong.setdefault(problem, problem.format(cell=cell.label()))
    if wrong:
        raise GridError("\n".join(wrong.values()))


def _problems(steps: Mapping[str, int], first: int, total: float) -> Iterator[str]:
    # Without the cell, so that a problem that many cells have is told of one.
    if first >= total:
        yield f"{{cell}} goes on from step {first}: its run has {total} steps"
        return
    for name, step in steps.items():
        if step > total:
            yield f"{name} of {{cell}}: its run has {total} steps"
        if step <= first:
            yield f"{name} of {{cell}}: its run goes on from step {first}"
