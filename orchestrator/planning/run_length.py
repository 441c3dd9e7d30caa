"""Which steps the run of a cell takes, where that is known before its data are read."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from grids.artifacts import Moment, moment_of
from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.problems import GridError
from grids.traits import filled

Asked = tuple[Cell, Iterable[str]]
"""A cell, and the names of the artifacts that it shall leave."""


def total_steps(cell: Cell, catalogue: Catalogue) -> int | None:
    """The optimizer steps of a cell's run; None where only the dataset's files tell."""
    per_epoch = steps_per_epoch(cell, catalogue)
    return None if per_epoch is None else per_epoch * _epochs(cell)


def steps_per_epoch(cell: Cell, catalogue: Catalogue) -> int | None:
    """The optimizer steps of an epoch of a cell; None where only the dataset's files tell."""
    examples = training_examples(cell, catalogue)
    return None if examples is None else math.ceil(examples / int(str(cell.settings()["batch"])))


def training_examples(cell: Cell, catalogue: Catalogue) -> int | None:
    """How many examples a cell trains on, by its dataset's trait `class_sizes`.

    Of every class the shares for validation and, where there is no test part, for testing are
    taken, rounded half up, and of what is left the cell's data ratio. `split: published` takes a
    tenth of the whole, and rounds the ratio down, in floating point; `split: set_code` leaves two
    thirds, rounded down, less the share for validation. So does `trainer/data/cutting.py`, to which
    a test holds it.

    Raises:
        GridError: When none is left.
    """
    entry = catalogue.entry("dataset", cell.dataset.name)
    sizes = entry.traits.get("class_sizes")
    if sizes is None:
        return None
    options = entry.settings(cell.dataset)
    if isinstance(sizes, Mapping):
        examples, classes = (int(str(options[sizes[name]])) for name in ("examples", "classes"))
        sizes = [(examples + classes - 1 - label) // classes for label in range(classes)]
    train = _training_split(sizes, options)
    if options.get("split") == "published":
        kept = int(train * float(cell.data_ratio))
    else:
        kept = math.floor(Decimal(cell.data_ratio) * train + Decimal("0.5"))
    if kept == 0:
        raise GridError(
            f"{cell.label()}: data_ratio {cell.data_ratio} keeps none of {train} training examples"
        )
    return kept


def _training_split(sizes: Sequence[int], options: Mapping[str, Any]) -> int:
    whole = sum(sizes)
    if options.get("split") == "published":
        return whole - whole // 10
    if options.get("split") == "set_code":
        trained = whole * 2 // 3
        return trained - math.floor(float(str(options["val_fraction"])) * trained + 0.5)
    shares = [options[name] for name in ("val_fraction", "test_fraction") if name in options]
    held_out = [float(str(share)) for share in shares]
    return sum(size - sum(math.floor(f * size + 0.5) for f in held_out) for size in sizes)


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
        moments = {name: moment for name in names if (moment := moment_of(name)) is not None}
        first = first_step(cell, catalogue)
        per_epoch = steps_per_epoch(cell, catalogue) if moments or first else None
        for problem in _problems(moments, first, _epochs(cell), per_epoch):
            wrong.setdefault(problem, problem.format(cell=cell.label()))
    if wrong:
        raise GridError("\n".join(wrong.values()))


def _problems(
    moments: Mapping[str, Moment], first: int, epochs: int, per_epoch: int | None
) -> Iterator[str]:
    # Without the cell, so that a problem that many cells have is told of one.
    total = math.inf if per_epoch is None else per_epoch * epochs
    if first >= total:
        yield f"{{cell}} goes on from step {first}: its run has {total} steps"
        return
    for name, moment in moments.items():
        if moment.epochs and moment.count > epochs:
            yield f"{name} of {{cell}}: its run has {epochs} epochs"
        elif not (moment.epochs and per_epoch is None):
            yield from _misplaced(name, moment.step(per_epoch or 1), first, total)


def _misplaced(name: str, step: int, first: int, total: float) -> Iterator[str]:
    if step > total:
        yield f"{name} of {{cell}}: its run has {total} steps"
    if step <= first:
        yield f"{name} of {{cell}}: its run goes on from step {first}"


def _epochs(cell: Cell) -> int:
    return int(str(cell.settings()["epochs"]))
