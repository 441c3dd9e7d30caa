"""Models: one file each, registered by name.

A model is a function ``(options, input_shape, classes) -> nn.Module`` that takes a batch
(n, *input_shape) to logits (n, classes).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from grids.cell import Cell
from grids.traits import applies
from sparse.method_traits import MASKED, Rule, refuse_other_storages
from sparse.registry import Registry, import_modules


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class ModelTraits:
    """The traits of a model.

    Attributes:
        stackable: whether it is an ``MLP`` that the program of ``trainer.engines.stacked_mlp``
            computes, or a rule (``grids.traits``) on its options that says so.
        widths: name of the option that holds the width of the layers, or a list of widths, where a
            narrower model of the same kind can be built.
        chain: whether its maskable layers, in their order, feed each other and nothing else, or a
            rule on its options that says so.
        equal_neighbours: switches among its options that do nothing unless two values in a row are
            equal, each with the list of these values: {"skip": "hidden"}. Where one is on, a
            narrower model has the same neighbours equal.
        storages: how its layers may be stored, rules as those of a method
            (``sparse.method_traits``); with "csr" it is an ``MLP`` whose activations learn nothing.
    """

    stackable: bool | Mapping[str, Any] = False
    widths: str | None = None
    chain: bool | Mapping[str, Any] = False
    equal_neighbours: Mapping[str, str] | None = None
    storages: Sequence[Rule] = dataclasses.field(default_factory=lambda: [MASKED])

    def __post_init__(self) -> None:
        """Refuse storages that there are not; ValueError."""
        refuse_other_storages(self.storages)


MODELS = Registry("model", "sparsesweep.models", traits=ModelTraits)
"""Every model a grid may name."""


def works_on(rule: Mapping[str, Any], cell: Cell) -> bool:
    """Whether the model of a cell is one of those that a trait ``models`` allows."""
    if "names" in rule:
        return cell.model.name in rule["names"]
    entry = MODELS.get(cell.model.name)
    options = dataclasses.asdict(entry.chosen(cell.model.as_dict()))
    return applies(entry.traits.get(rule["trait"]), options)


import_modules(__name__, __path__)
