"""The recipe of a cell with its defaults filled in and its types known."""

from dataclasses import dataclass
from typing import Any, cast

from grids.cell import Cell


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """How a cell is trained; ``grids/recipe.py`` says what each field means and may be."""

    epochs: int
    batch: int
    optimizer: str
    lr: float
    momentum: float
    nesterov: bool
    weight_decay: float
    schedule: str
    milestones: tuple[float, ...]
    gamma: float
    warmup_epochs: int
    label_smoothing: float
    clip_norm: float | None
    precision: str
    storage: str
    layout: str
    crop: int
    crop_fill: str
    flip: bool
    rotation: float
    tier: str
    threads: int

    @classmethod
    def of(cls, cell: Cell) -> "Recipe":
        """The recipe of a cell."""
        return cls(**cast(dict[str, Any], cell.settings()))
