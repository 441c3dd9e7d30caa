"""What groups of cells are called, so that two of them never have one name."""

from collections.abc import Sequence

from grids.cell import Cell
from grids.seed_groups import SeedGroup

_COMPONENTS = ("allocation", "scenario", "dataset", "model")


def labels_of(groups: Sequence[SeedGroup]) -> list[str]:
    """The name of each: method and density, and where several share these, what varies among them.

    As in "rigl density=0.05 recipe.lr=0.1".
    """
    alike: dict[str, list[SeedGroup]] = {}
    for group in groups:
        alike.setdefault(group.label(), []).append(group)
    further = {group.id: text for several in alike.values() for group, text in _varying(several)}
    return [group.label() + further[group.id] for group in groups]


def _varying(groups: Sequence[SeedGroup]) -> list[tuple[SeedGroup, str]]:
    """Each with the fields that are not the same in all of them."""
    fields = [_fields(group.first) for group in groups]
    names = [name for name in fields[0] if len({own[name] for own in fields}) > 1]
    texts = ["".join(f" {name}={own[name]}" for name in names) for own in fields]
    return list(zip(groups, texts, strict=True))


def _fields(cell: Cell) -> dict[str, str]:
    """All fields that a label does not tell, as text."""
    return {
        **{name: str(getattr(cell, name)) for name in _COMPONENTS},
        "data_ratio": cell.data_ratio,
        **{f"recipe.{name}": str(value) for name, value in cell.settings().items()},
    }
